using Grpc.Core;
using Grpc.Net.Client;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.Invoke;

/// <summary>gRPC through two sidecars with the official client and server at the ends.</summary>
public sealed class GrpcProxyTests : IAsyncLifetime
{
    private readonly EchoLog _log = new();
    private TestDatabase _database = null!;
    private TestApp _app = null!;
    private RunningSidecar _callee = null!;
    private RunningSidecar _caller = null!;
    private GrpcChannel _channel = null!;
    private Echo.EchoClient _client = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _app = await TestApp.StartAsync(
            app => app.MapGrpcService<EchoService>(),
            services: services =>
            {
                services.AddGrpc();
                services.AddSingleton(_log);
            });
        _callee = await RunningSidecar.StartAsync(_database.ConnectionString, "callee", _app.Port, apiToken: "of-callee", appToken: "of-app");
        _caller = await RunningSidecar.StartAsync(_database.ConnectionString, "caller");
        _channel = GrpcChannel.ForAddress(_caller.GrpcAddress);
        _client = new Echo.EchoClient(_channel);
    }

    public async Task DisposeAsync()
    {
        _channel.Dispose();
        await _caller.DisposeAsync();
        await _callee.DisposeAsync();
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Unary_call_carries_message_metadata_headers_and_trailers()
    {
        var headers = new Metadata { { "dapr-app-id", "callee" }, { "x-own", "value" }, { "dapr-caller-app-id", "forged" }, { "x-raw-bin", [1, 2, 250] } };
        using var call = _client.UnaryAsync(new EchoRequest { Text = new string('x', 3 * 1024 * 1024) }, headers);

        var reply = await call;

        Assert.Equal(3 * 1024 * 1024, reply.Text.Length);
        Assert.Equal("value", (await call.ResponseHeadersAsync).GetValue("x-header"));
        Assert.Equal("trailing", call.GetTrailers().GetValue("x-trailer"));
        Assert.Equal([0, 1, 255], call.GetTrailers().GetValueBytes("x-bytes-bin"));
        var seen = Assert.Single(_app.Seen).Headers;
        Assert.Equal(("caller", "callee", "of-app"), (seen["dapr-caller-app-id"], seen["dapr-callee-app-id"], seen["dapr-api-token"]));
        Assert.DoesNotContain("dapr-app-id", seen.Keys);
        Assert.Equal([1, 2, 250], _log.Calls.Single().RequestHeaders.GetValueBytes("x-raw-bin"));
    }

    [Fact]
    public async Task Message_above_the_limit_is_refused()
    {
        await AssertFailsAsync(
            StatusCode.ResourceExhausted, "larger than max",
            async () => await _client.UnaryAsync(new EchoRequest { Text = new string('x', (4 * 1024 * 1024) + 1) }, To("callee")));
        Assert.Equal("after", (await _client.UnaryAsync(new EchoRequest { Text = "after" }, To("callee"))).Text);
    }

    [Fact]
    public async Task Callee_may_be_named_by_either_header_with_its_namespace()
    {
        Assert.Equal("a", (await _client.UnaryAsync(new EchoRequest { Text = "a" }, new Metadata { { "dapr-callee-app-id", "callee" }, { "dapr-app-id", "nobody" } })).Text);
        Assert.Equal("b", (await _client.UnaryAsync(new EchoRequest { Text = "b" }, To("callee.default"))).Text);
    }

    [Fact]
    public async Task Server_stream_arrives_message_by_message()
    {
        using var call = _client.Server(new EchoRequest { Text = "m", Count = 3, Hang = true }, To("callee"));

        foreach (var expected in new[] { "m0", "m1", "m2" })
        {
            Assert.True(await call.ResponseStream.MoveNext(default));
            Assert.Equal(expected, call.ResponseStream.Current.Text);
        }

        await _log.Hanging.Task.WaitAsync(TimeSpan.FromSeconds(20));
        call.Dispose();
        await _log.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Client_stream_is_collected()
    {
        using var call = _client.Client(To("callee"));
        foreach (var text in new[] { "a", "b", "c" })
            await call.RequestStream.WriteAsync(new EchoRequest { Text = text });
        await call.RequestStream.CompleteAsync();

        Assert.Equal("a,b,c", (await call).Text);
    }

    [Fact]
    public async Task Duplex_stream_goes_back_and_forth()
    {
        using var call = _client.Duplex(To("callee"));
        for (var i = 0; i < 5; i++)
        {
            await call.RequestStream.WriteAsync(new EchoRequest { Text = $"{i}" });
            Assert.True(await call.ResponseStream.MoveNext(default));
            Assert.Equal($"{i}", call.ResponseStream.Current.Text);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(default));
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Status_with_details_comes_back()
    {
        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await _client.UnaryAsync(new EchoRequest { Text = "t", FailWith = (int)StatusCode.FailedPrecondition }, To("callee")));

        Assert.Equal((StatusCode.FailedPrecondition, "refused: 100 % ünlucky"), (error.StatusCode, error.Status.Detail));
        var details = Google.Protobuf.WellKnownTypes.Any.Parser.ParseFrom(error.Trailers.GetValueBytes("grpc-status-details-bin"));
        Assert.Equal("t", details.Unpack<EchoRequest>().Text);
    }

    [Fact]
    public async Task Deadline_reaches_the_callee_and_ends_the_call()
    {
        // The first call opens connections and compiles, which would take of the deadline.
        await _client.UnaryAsync(new EchoRequest { Text = "warm" }, To("callee"));
        var deadline = TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(8);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await _client.UnaryAsync(new EchoRequest { Hang = true }, To("callee"), deadline));

        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
        await _log.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.InRange(_log.Calls.Last().Deadline, deadline.AddSeconds(-6), deadline.AddSeconds(6));
    }

    [Fact]
    public async Task Cancellation_reaches_the_callee()
    {
        using var cancel = new CancellationTokenSource();
        using var call = _client.UnaryAsync(new EchoRequest { Hang = true }, To("callee"), cancellationToken: cancel.Token);
        await _log.Hanging.Task.WaitAsync(TimeSpan.FromSeconds(20));

        await cancel.CancelAsync();

        await _log.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(async () => await call)).StatusCode);
    }

    [Fact]
    public async Task Call_without_an_app_id_is_unknown() =>
        await AssertFailsAsync(StatusCode.Unknown, "missing dapr-callee-app-id or dapr-app-id metadata", async () => await _client.UnaryAsync(new EchoRequest()));

    [Fact]
    public async Task Call_to_an_unknown_app_is_unknown() =>
        await AssertFailsAsync(StatusCode.Unknown, "no host found with the given ID", async () => await _client.UnaryAsync(new EchoRequest(), To("nobody")));

    [Fact]
    public async Task Call_to_an_app_that_is_down_is_unavailable_and_recovers()
    {
        var port = _app.Port;
        await _app.DisposeAsync();
        await AssertFailsAsync(StatusCode.Unavailable, "callee does not answer", async () => await _client.UnaryAsync(new EchoRequest(), To("callee")));

        _app = await TestApp.StartAsync(
            app => app.MapGrpcService<EchoService>(),
            services: services =>
            {
                services.AddGrpc();
                services.AddSingleton(_log);
            },
            port: port);
        Assert.Equal("again", (await _client.UnaryAsync(new EchoRequest { Text = "again" }, To("callee"))).Text);
    }

    [Fact]
    public async Task Killed_replica_fails_no_call_while_another_lives()
    {
        await using var source = Npgsql.NpgsqlDataSource.Create(_database.ConnectionString);
        await using (var dead = source.CreateCommand(
            "insert into sidecar.peers values ('00000000-0000-0000-0000-000000000001', 'callee', 'http://127.0.0.1:1', 'k', now() + interval '1 minute')"))
            await dead.ExecuteNonQueryAsync();
        await using var caller = await RunningSidecar.StartAsync(_database.ConnectionString, "late");
        using var channel = GrpcChannel.ForAddress(caller.GrpcAddress);
        var client = new Echo.EchoClient(channel);

        for (var i = 0; i < 10; i++)
            Assert.Equal("x", (await client.UnaryAsync(new EchoRequest { Text = "x" }, To("callee"))).Text);
    }

    [Fact]
    public async Task App_may_call_itself()
    {
        using var channel = GrpcChannel.ForAddress(_callee.GrpcAddress);
        var client = new Echo.EchoClient(channel);
        var headers = To("callee");
        headers.Add("dapr-api-token", "of-callee");

        Assert.Equal("me", (await client.UnaryAsync(new EchoRequest { Text = "me" }, headers)).Text);
        Assert.Equal("of-app", Assert.Single(_app.Seen).Headers["dapr-api-token"]);
    }

    [Fact]
    public async Task Token_is_asked_for_on_every_call()
    {
        using var channel = GrpcChannel.ForAddress(_callee.GrpcAddress);
        await AssertFailsAsync(StatusCode.Unauthenticated, "Unauthorized", async () => await new Echo.EchoClient(channel).UnaryAsync(new EchoRequest(), To("callee")));
        Assert.Empty(_app.Seen);
    }

    [Theory]
    [InlineData("dapr.proto.runtime.v1.Dapr", "ListCollectionsAlpha1", "failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found")]
    [InlineData("grpc.reflection.v1.ServerReflection", "ServerReflectionInfo", "cannot proxy request: missing dapr-callee-app-id or dapr-app-id metadata")]
    public async Task A_method_that_is_not_the_sidecars_needs_an_app_id(string service, string method, string refusal)
    {
        var marshaller = Marshallers.Create(request => request, response => response);
        var call = new Method<byte[], byte[]>(MethodType.Unary, service, method, marshaller, marshaller);
        await AssertFailsAsync(
            StatusCode.Unknown, refusal, async () => await _channel.CreateCallInvoker().AsyncUnaryCall(call, null, new CallOptions(), []));
    }

    private static Metadata To(string appId) => new() { { "dapr-app-id", appId } };

    private static async Task AssertFailsAsync(StatusCode code, string detail, Func<Task> call)
    {
        var error = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal(code, error.StatusCode);
        Assert.Contains(detail, error.Status.Detail, StringComparison.Ordinal);
    }
}
