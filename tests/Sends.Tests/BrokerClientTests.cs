using System.Text;
using WhatsAppMesh.Dispatch.Sending;
using WhatsAppMesh.Libs.Tests.Sidecars;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>Whatever a call ends in, it is a reply: once it has begun nothing counts as "nothing has left" that is not certain.</summary>
public sealed class BrokerClientTests
{
    private static readonly SendingOptions Options = new();

    [Theory]
    [InlineData("application/json; charset=utf8")]
    [InlineData("application/json; charset=windows-1252")]
    [InlineData("application/json; charset=\"\"")]
    [InlineData("nonsense")]
    public async Task An_answer_is_read_whatever_charset_it_names(string contentType)
    {
        await using var sidecar = await FakeDapr.StartAsync(http: async context =>
        {
            context.Response.Headers.ContentType = contentType;
            await context.Response.Body.WriteAsync("{\"id\":\"3EB0\",\"note\":\"olá\"}"u8.ToArray());
        });

        var reply = await SendAsync(sidecar);

        Assert.Equal((200, """{"id":"3EB0","note":"olá"}"""), (reply.Status, reply.Body));
    }

    [Fact]
    public async Task An_answer_that_cannot_be_read_leaves_open_whether_the_message_left()
    {
        await using var endless = await FakeDapr.StartAsync(http: async context => await context.Response.Body.WriteAsync(new byte[2 * 1024 * 1024]));
        await using var cut = await FakeDapr.StartAsync(http: async context =>
        {
            context.Response.ContentLength = 100;
            await context.Response.WriteAsync("{", Encoding.UTF8);
            await context.Response.Body.FlushAsync();
            context.Abort();
        });

        foreach (var sidecar in (FakeDapr[])[endless, cut])
        {
            var reply = await SendAsync(sidecar);

            Assert.Equal(((int?)null, false), (reply.Status, reply.NothingLeft));
            Assert.True(BrokerAnswer.Read(reply).MayHaveLeft);
        }
    }

    [Fact]
    public async Task A_sidecar_that_does_not_listen_was_told_nothing()
    {
        using var dapr = new Dapr.Client.DaprClientBuilder().UseHttpEndpoint("http://127.0.0.1:9").Build();
        using var client = new BrokerClient(dapr, Options, new BrokerCircuit(TimeProvider.System), TimeProvider.System);

        Assert.True((await client.SendAsync("i", "{}"u8.ToArray(), "key", default)).NothingLeft);
    }

    [Theory]
    [InlineData(BrokerIdempotency.Keyed)]
    [InlineData(BrokerIdempotency.None)]
    public async Task Questions_about_instances_do_not_pass_the_breaker_of_the_sends(BrokerIdempotency idempotency)
    {
        var (options, paths) = (new SendingOptions { Idempotency = idempotency }, new List<string>());
        await using var sidecar = await FakeDapr.StartAsync(http: async context =>
        {
            paths.Add(context.Request.Path.Value!.Split('/')[3]);
            context.Response.StatusCode = 500;
            await context.Response.WriteAsync("""{"errorCode":"ERR_DIRECT_INVOKE","message":"circuit breaker is open"}""");
        });
        var circuit = new BrokerCircuit(TimeProvider.System);
        using var dapr = SidecarServices.ClientOf(sidecar.Http, sidecar.Grpc);
        using var client = new BrokerClient(dapr, options, circuit, TimeProvider.System);

        await client.AskAsync(HttpMethod.Get, "/instances/i/status", null, default);
        Assert.False(circuit.IsOpen);
        await client.SendAsync("i", "{}"u8.ToArray(), "key", default);
        Assert.True(circuit.IsOpen);
        Assert.Equal(2, paths.Distinct().Count());
    }

    private static async Task<BrokerReply> SendAsync(FakeDapr sidecar)
    {
        using var dapr = SidecarServices.ClientOf(sidecar.Http, sidecar.Grpc);
        using var client = new BrokerClient(dapr, Options, new BrokerCircuit(TimeProvider.System), TimeProvider.System);
        return await client.SendAsync("instance-0", "{}"u8.ToArray(), "key", default);
    }
}
