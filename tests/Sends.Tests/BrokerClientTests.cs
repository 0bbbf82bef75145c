using System.Text;
using WhatsAppMesh.Dispatch.Sending;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Libs.Tests.Scraping;
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
        var nobody = new Uri("http://127.0.0.1:9");
        using var seen = new SeenDependencies();
        using var client = new BrokerClient(new SidecarSettings(nobody, nobody, null, null), Options, new BrokerCircuit(TimeProvider.System), seen.States, TimeProvider.System);

        Assert.True((await client.SendAsync("i", "{}"u8.ToArray(), "key", default)).NothingLeft);
        Assert.Equal("The WhatsApp broker cannot be called (no_connection).", seen.States.Degraded["broker"]);
    }

    [Theory]
    [InlineData(401, true)]
    [InlineData(403, true)]
    [InlineData(503, false)]
    public async Task A_broker_that_refuses_the_key_is_told_and_one_that_fails_is_counted(int status, bool isDegraded)
    {
        var answer = status;
        await using var sidecar = await FakeDapr.StartAsync(http: async context =>
        {
            context.Response.StatusCode = answer;
            await context.Response.WriteAsync("{}");
        });
        using var seen = new SeenDependencies();
        using var client = new BrokerClient(Of(sidecar), Options, new BrokerCircuit(TimeProvider.System), seen.States, TimeProvider.System);

        await client.SendAsync("i", "{}"u8.ToArray(), "key", default);
        Assert.Equal(isDegraded, seen.States.Degraded.ContainsKey("broker"));
        Assert.Equal([$"mesh_dependency_failures_total{{dependency=broker,code={status}}}"], seen.Counted);
        answer = 404;
        await client.SendAsync("i", "{}"u8.ToArray(), "key", default);
        Assert.Empty(seen.States.Degraded);
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
        using var seen = new SeenDependencies();
        using var client = new BrokerClient(Of(sidecar), options, circuit, seen.States, TimeProvider.System);

        await client.AskAsync(HttpMethod.Get, "/instances/i/status", null, default);
        Assert.False(circuit.IsOpen);
        await client.SendAsync("i", "{}"u8.ToArray(), "key", default);
        Assert.True(circuit.IsOpen);
        Assert.Equal(2, paths.Distinct().Count());
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(307)]
    public async Task A_redirect_of_the_broker_is_not_followed_for_the_token_would_go_with_it(int status)
    {
        await using var elsewhere = await FakeDapr.StartAsync();
        await using var sidecar = await FakeDapr.StartAsync(http: context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = new Uri(elsewhere.Http, "/stolen").ToString();
            return Task.CompletedTask;
        });

        var reply = await SendAsync(sidecar);

        Assert.Equal(status, reply.Status);
        Assert.NotEqual(BrokerVerdict.Sent, BrokerAnswer.Read(reply).Verdict);
        Assert.Equal(["the-token"], Assert.Single(sidecar.Calls).Headers["dapr-api-token"]);
        Assert.Empty(elsewhere.Calls);
    }

    private static SidecarSettings Of(FakeDapr sidecar) => new(sidecar.Http, sidecar.Grpc, "the-token", null);

    private static async Task<BrokerReply> SendAsync(FakeDapr sidecar)
    {
        using var seen = new SeenDependencies();
        using var client = new BrokerClient(Of(sidecar), Options, new BrokerCircuit(TimeProvider.System), seen.States, TimeProvider.System);
        return await client.SendAsync("instance-0", "{}"u8.ToArray(), "key", default);
    }
}
