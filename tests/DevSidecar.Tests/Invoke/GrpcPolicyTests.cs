using Grpc.Core;
using Grpc.Net.Client;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.Invoke;

/// <summary>Retries and timeouts of proxied gRPC calls: of the caller's sidecar, by status, with the one request message.</summary>
public sealed class GrpcPolicyTests : IAsyncLifetime
{
    private const string Policy =
        """
        apiVersion: dapr.io/v1alpha1
        kind: Resiliency
        metadata:
          name: calls
        spec:
          policies:
            timeouts:
              short: 5s
              long: 30s
            retries:
              some:
                policy: constant
                duration: 10ms
                maxRetries: 2
                matching:
                  gRPCStatusCodes: "4,14"
          targets:
            apps:
              callee:
                timeout: long
                retry: some
              impatient:
                timeout: short
                retry: some
        """;

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
        _callee = await RunningSidecar.StartAsync(_database.ConnectionString, "callee", _app.Port);
        _caller = await RunningSidecar.StartAsync(_database.ConnectionString, "caller", resources: [Policy]);
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

    [Theory]
    [InlineData(StatusCode.Unavailable, 3)]
    [InlineData(StatusCode.FailedPrecondition, 1)]
    public async Task Status_decides_about_retries(StatusCode status, int calls)
    {
        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await _client.UnaryAsync(new EchoRequest { Text = "t", FailWith = (int)status }, To("callee")));

        Assert.Equal((status, "refused: 100 % ünlucky"), (error.StatusCode, error.Status.Detail));
        Assert.Equal(calls, _log.Calls.Count);
    }

    [Fact]
    public async Task Call_that_succeeds_is_made_once_and_keeps_its_trailers()
    {
        using var call = _client.UnaryAsync(new EchoRequest { Text = new string('x', 1_000_000) }, To("callee"));

        Assert.Equal(1_000_000, (await call).Text.Length);
        Assert.Equal("trailing", call.GetTrailers().GetValue("x-trailer"));
        Assert.Single(_log.Calls);
    }

    [Fact]
    public async Task Call_that_hangs_is_cut_and_tried_again()
    {
        await using var impatient = await RunningSidecar.StartAsync(_database.ConnectionString, "impatient", _app.Port);
        // The first call opens connections and compiles, which would take of the time that the attempts have.
        await _client.UnaryAsync(new EchoRequest { Text = "warm" }, To("impatient"));
        _log.Calls.Clear();
        var error = await Assert.ThrowsAsync<RpcException>(async () => await _client.UnaryAsync(new EchoRequest { Hang = true }, To("impatient")));

        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
        Assert.Equal(3, _log.Calls.Count);
        await _log.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Second_request_message_cannot_be_repeated_and_ends_the_call()
    {
        using var call = _client.Duplex(To("callee"));
        await call.RequestStream.WriteAsync(new EchoRequest { Text = "a" });
        Assert.True(await call.ResponseStream.MoveNext(default));
        var error = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            await call.RequestStream.WriteAsync(new EchoRequest { Text = "b" });
            while (await call.ResponseStream.MoveNext(default))
            {
            }
        });
        Assert.NotEqual(StatusCode.OK, error.StatusCode);
    }

    [Fact]
    public async Task Client_stream_of_two_messages_is_refused()
    {
        using var call = _client.Client(To("callee"));
        await call.RequestStream.WriteAsync(new EchoRequest { Text = "a" });
        await call.RequestStream.WriteAsync(new EchoRequest { Text = "b" });
        await call.RequestStream.CompleteAsync();

        var error = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal(StatusCode.FailedPrecondition, error.StatusCode);
        Assert.Contains("streaming", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Declared_stream_is_outside_retries_and_timeouts()
    {
        await using var impatient = await RunningSidecar.StartAsync(_database.ConnectionString, "impatient", _app.Port);
        var headers = To("impatient");
        headers.Add("dapr-stream", "true");
        using var call = _client.Duplex(headers);
        for (var i = 0; i < 5; i++)
        {
            await call.RequestStream.WriteAsync(new EchoRequest { Text = $"{i}" });
            Assert.True(await call.ResponseStream.MoveNext(default));
            Assert.Equal($"{i}", call.ResponseStream.Current.Text);
            // All in all longer than the policy's timeout.
            await Task.Delay(1200);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(default));
    }

    [Fact]
    public async Task Server_stream_arrives_whole()
    {
        using var call = _client.Server(new EchoRequest { Text = "m", Count = 100 }, To("callee"));
        var count = 0;
        while (await call.ResponseStream.MoveNext(default))
            Assert.Equal($"m{count++}", call.ResponseStream.Current.Text);
        Assert.Equal(100, count);
    }

    [Fact]
    public async Task Unknown_app_stays_unknown() =>
        Assert.Equal(StatusCode.Unknown, (await Assert.ThrowsAsync<RpcException>(async () => await _client.UnaryAsync(new EchoRequest(), To("nobody")))).StatusCode);

    private static Metadata To(string appId) => new() { { "dapr-app-id", appId } };
}
