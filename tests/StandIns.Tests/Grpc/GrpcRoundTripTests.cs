using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using WhatsAppMesh.StandIns.Tests.V1;

namespace WhatsAppMesh.StandIns.Tests;

public sealed class GrpcRoundTripTests(EchoServer server) : IClassFixture<EchoServer>
{
    [Fact]
    public async Task Unary_call_is_answered()
    {
        Assert.Equal("hello", (await server.Client.SayAsync(new Note { Text = "hello" })).Text);
    }

    [Fact]
    public void Unary_call_is_answered_to_a_caller_that_blocks()
    {
        Assert.Equal("hello", server.Client.Say(new Note { Text = "hello" }).Text);
    }

    [Fact]
    public async Task Stream_of_responses_is_read_to_its_end_in_order()
    {
        using var call = server.Client.Repeat(new Note { Text = "x", Count = 100 });
        var counts = new List<int>();
        await foreach (var note in call.ResponseStream.ReadAllAsync())
            counts.Add(note.Count);
        Assert.Equal(Enumerable.Range(0, 100), counts);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Stream_of_requests_is_answered_once()
    {
        using var call = server.Client.Join();
        foreach (var text in new[] { "a", "b", "c" })
            await call.RequestStream.WriteAsync(new Note { Text = text });
        await call.RequestStream.CompleteAsync();
        var note = await call;
        Assert.Equal(("abc", 3), (note.Text, note.Count));
    }

    [Fact]
    public async Task Duplex_stream_answers_each_message_before_the_next()
    {
        using var call = server.Client.Chat();
        for (var i = 0; i < 3; i++)
        {
            await call.RequestStream.WriteAsync(new Note { Text = $"{i}" });
            Assert.True(await call.ResponseStream.MoveNext());
            Assert.Equal($"{i}!", call.ResponseStream.Current.Text);
        }
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
    }

    [Fact]
    public async Task Message_of_3_MiB_passes_both_ways()
    {
        var payload = new byte[3 * 1024 * 1024];
        new Random(1).NextBytes(payload);
        var answer = await server.Client.SayAsync(new Note { Payload = ByteString.CopyFrom(payload) });
        Assert.Equal(payload, answer.Payload.ToByteArray());
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task Compressed_request_is_understood(string encoding)
    {
        var text = new string('z', 10_000);
        var headers = new Metadata { { "grpc-internal-encoding-request", encoding } };
        Assert.Equal(text, (await server.Client.SayAsync(new Note { Text = text }, headers)).Text);
    }

    [Fact]
    public async Task Text_and_bytes_travel_as_headers_and_trailers()
    {
        var sent = new Metadata
        {
            { "head-text", "one" }, { "head-bytes-bin", [0, 255, 7] }, { "Tail-Text", "two" }, { "tail-bytes-bin", [9] },
        };
        using var call = server.Client.SayAsync(new Note { Text = "x" }, sent);
        var headers = await call.ResponseHeadersAsync;
        await call.ResponseAsync;
        var trailers = call.GetTrailers();

        Assert.Equal("one", headers.GetValue("head-text"));
        Assert.Equal([0, 255, 7], headers.GetValueBytes("head-bytes-bin"));
        Assert.Equal("two", trailers.GetValue("TAIL-TEXT"));
        Assert.Equal([9], trailers.GetValueBytes("tail-bytes-bin"));
        Assert.Null(trailers.GetValue("absent"));
    }

    [Fact]
    public async Task Status_of_a_refusal_arrives_with_its_detail_and_trailers()
    {
        var exception = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.SayAsync(new Note { Text = EchoService.Refuse }));
        Assert.Equal(StatusCode.FailedPrecondition, exception.StatusCode);
        Assert.Equal("not now: ünïcode", exception.Status.Detail);
        Assert.Equal("closed", exception.Trailers.GetValue("reason"));
        Assert.Contains("FailedPrecondition", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exception_of_a_method_arrives_as_unknown_without_its_text()
    {
        var exception = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.SayAsync(new Note { Text = EchoService.Crash }));
        Assert.Equal(StatusCode.Unknown, exception.StatusCode);
        Assert.DoesNotContain("stays on the server", exception.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_that_is_not_there_is_unavailable()
    {
        using var channel = GrpcChannel.ForAddress("http://127.0.0.1:1");
        var exception = await Assert.ThrowsAsync<RpcException>(async () => await new Echo.EchoClient(channel).SayAsync(new Note()));
        Assert.Equal(StatusCode.Unavailable, exception.StatusCode);
        Assert.NotNull(exception.Status.DebugException);
    }

    [Fact]
    public async Task Call_credentials_write_headers_of_each_call()
    {
        var credentials = CallCredentials.FromInterceptor((_, metadata) =>
        {
            metadata.Add("caller", "credentials");
            return Task.CompletedTask;
        });
        using var channel = GrpcChannel.ForAddress(
            server.Endpoint,
            new GrpcChannelOptions { Credentials = ChannelCredentials.Insecure, UnsafeUseInsecureChannelCallCredentials = true });
        using var call = new Echo.EchoClient(channel).SayAsync(
            new Note { Text = "x" }, new CallOptions(credentials: CallCredentials.Compose(credentials)));
        await call.ResponseAsync;
        Assert.Equal("credentials", call.GetTrailers().GetValue("caller"));
    }
}
