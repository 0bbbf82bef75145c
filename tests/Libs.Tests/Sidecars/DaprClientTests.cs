using Dapr;
using Dapr.Client;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Libs.Tests.Sidecars;

/// <summary>What the official Dapr client does that one would not guess, and what is done about it: <see cref="SidecarClients.AddSidecar"/>.</summary>
public sealed class DaprClientTests : IAsyncLifetime
{
    private const string Token = "the-token";

    private FakeDapr _sidecar = null!;
    private ServiceProvider _services = null!;

    private DaprClient Client => _services.GetRequiredService<DaprClient>();

    public async Task InitializeAsync()
    {
        _sidecar = (await FakeDapr.StartAsync(Token))
            .On<SaveStateRequest>("SaveState", static _ => new Empty())
            .On<GetStateRequest>("GetState", static _ => new GetStateResponse());
        _services = SidecarServices.Of(_sidecar, Token);
    }

    public async Task DisposeAsync()
    {
        await _services.DisposeAsync();
        await _sidecar.DisposeAsync();
    }

    [Fact]
    public async Task A_save_of_several_states_shows_the_token_that_the_client_forgets()
    {
        using var plain = Plain();
        var refused = await Assert.ThrowsAsync<DaprException>(() => SaveSeveralAsync(plain));
        Assert.Equal(StatusCode.Unauthenticated, Assert.IsType<RpcException>(refused.InnerException).StatusCode);

        await SaveSeveralAsync(Client);

        Assert.Equal([Token], _sidecar.Calls[^1].Headers["dapr-api-token"]);
    }

    [Fact]
    public async Task A_call_that_shows_the_token_by_itself_shows_it_once()
    {
        await Client.SaveStateAsync("claims", "key", 1);

        Assert.Equal([Token], Assert.Single(_sidecar.Calls).Headers["dapr-api-token"]);
    }

    [Fact]
    public async Task No_token_is_shown_where_there_is_none()
    {
        await using var open = (await FakeDapr.StartAsync()).On<SaveStateRequest>("SaveState", static _ => new Empty());
        await using var services = SidecarServices.Of(open, null);

        await SaveSeveralAsync(services.GetRequiredService<DaprClient>());

        Assert.DoesNotContain("dapr-api-token", Assert.Single(open.Calls).Headers.Keys);
    }

    [Fact]
    public async Task A_bulk_publish_asks_for_the_method_first_and_shows_the_token_then_too()
    {
        _sidecar.On<BulkPublishRequest>("BulkPublishEvent", static _ => new BulkPublishResponse());

        await Client.BulkPublishEventAsync("pubsub", "topic", [1, 2]);

        var reflection = _sidecar.Calls[0];
        Assert.Contains("ServerReflection", reflection.Method, StringComparison.Ordinal);
        Assert.All(_sidecar.Calls, static call => Assert.Equal([Token], call.Headers["dapr-api-token"]));
        Assert.Equal(FakeDapr.Service + "BulkPublishEvent", _sidecar.Calls[^1].Method);
    }

    [Theory]
    [InlineData(StatusCode.Aborted, false)]
    [InlineData(StatusCode.Internal, true)]
    [InlineData(StatusCode.Unavailable, true)]
    [InlineData(StatusCode.FailedPrecondition, true)]
    [InlineData(StatusCode.InvalidArgument, true)]
    [InlineData(StatusCode.AlreadyExists, true)]
    [InlineData(StatusCode.Unauthenticated, true)]
    public async Task Aborted_alone_is_a_conflict_and_all_else_an_error(StatusCode status, bool isError)
    {
        _sidecar.On<SaveStateRequest>("SaveState", _ => throw new RpcException(new Status(status, "no")));
        var save = () => Client.TrySaveStateAsync("claims", "key", 1, "etag");

        if (isError)
            await Assert.ThrowsAsync<DaprException>(save);
        else
            Assert.False(await save());
    }

    [Fact]
    public async Task A_deadline_that_the_sidecar_found_exceeded_looks_cancelled_though_nobody_cancelled()
    {
        _sidecar.On<GetStateRequest>("GetState", static _ => throw new RpcException(new Status(StatusCode.DeadlineExceeded, "too slow")));
        using var patience = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Client.GetStateAsync<int>("claims", "key", cancellationToken: patience.Token));

        Assert.False(patience.IsCancellationRequested);
    }

    [Fact]
    public async Task Ones_own_cancellation_is_one_although_channel_options_are_set()
    {
        using var other = new DaprClientBuilder().UseGrpcEndpoint(_sidecar.Grpc.ToString()).UseHttpEndpoint(_sidecar.Http.ToString()).UseDaprApiToken(Token)
            .UseGrpcChannelOptions(new GrpcChannelOptions()).Build();
        var (arrived, go) = (new SemaphoreSlim(0), new ManualResetEventSlim());
        _sidecar.On<GetStateRequest>("GetState", _ =>
        {
            arrived.Release();
            go.Wait();
            return new GetStateResponse();
        });

        Assert.IsType<DaprException>(await CancelledAsync(other));
        Assert.IsAssignableFrom<OperationCanceledException>(await CancelledAsync(Client));
        go.Set();

        async Task<Exception> CancelledAsync(DaprClient client)
        {
            using var cancel = new CancellationTokenSource();
            var call = client.GetStateAsync<int>("claims", "key", cancellationToken: cancel.Token);
            await arrived.WaitAsync();
            await cancel.CancelAsync();
            return (await Record.ExceptionAsync(() => call))!;
        }
    }

    [Fact]
    public async Task A_key_that_could_not_be_read_looks_like_one_that_is_not_there()
    {
        _sidecar.On<GetBulkStateRequest>("GetBulkState", static _ => new GetBulkStateResponse
        {
            Items =
            {
                new Dapr.Client.Autogen.Grpc.v1.BulkStateItem { Key = "lost", Error = "the store is away" },
                new Dapr.Client.Autogen.Grpc.v1.BulkStateItem { Key = "absent" },
                new Dapr.Client.Autogen.Grpc.v1.BulkStateItem { Key = "there", Data = ByteString.CopyFromUtf8("7"), Etag = "e" },
            },
        });

        var items = await Client.GetBulkStateAsync<int?>("claims", ["lost", "absent", "there"], null);

        Assert.Equal([("lost", null, ""), ("absent", null, ""), ("there", 7, "e")], items.Select(static i => (i.Key, i.Value, i.ETag)));
    }

    [Fact]
    public async Task Methods_are_invoked_with_the_token_by_the_client_that_knows_it_and_not_by_the_static_one()
    {
        using var own = Client.CreateInvokableHttpClient("broker");
        using var response = await own.GetAsync("/path");
        Assert.Equal("GET /v1.0/invoke/broker/method/path", _sidecar.Calls[^1].Method);
        Assert.Equal([Token], _sidecar.Calls[^1].Headers["dapr-api-token"]);

        var before = Environment.GetEnvironmentVariable("DAPR_API_TOKEN");
        Environment.SetEnvironmentVariable("DAPR_API_TOKEN", "of-the-environment");
        try
        {
            using var invoke = DaprClient.CreateInvokeHttpClient("broker", _sidecar.Http.ToString());
            using var none = await invoke.GetAsync("/path");
            Assert.DoesNotContain("dapr-api-token", _sidecar.Calls[^1].Headers.Keys);
        }
        finally
        {
            Environment.SetEnvironmentVariable("DAPR_API_TOKEN", before);
        }
    }

    [Fact]
    public async Task The_static_invoker_shows_an_empty_token_where_there_is_none_and_ours_shows_none()
    {
        await using var open = await FakeDapr.StartAsync();
        var invoker = DaprClient.CreateInvocationInvoker("membership", open.Grpc.ToString());
        await Assert.ThrowsAsync<RpcException>(async () => await AskAsync(invoker));
        Assert.Equal([""], Assert.Single(open.Calls).Headers["dapr-api-token"]);

        await using var services = SidecarServices.Of(open, null, static s => s.AddSidecarClient<Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient>("membership"));
        var own = services.GetRequiredService<Grpc.Net.ClientFactory.GrpcClientFactory>().CreateClient<Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient>(
            SidecarClients.NameOf<Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient>("membership"));
        await Assert.ThrowsAsync<RpcException>(async () => await own.GetMetadataAsync(new GetMetadataRequest()));
        Assert.DoesNotContain("dapr-api-token", open.Calls[^1].Headers.Keys);
        Assert.Equal(["membership"], open.Calls[^1].Headers["dapr-app-id"]);

        static AsyncUnaryCall<GetMetadataResponse> AskAsync(CallInvoker invoker) =>
            new Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient(invoker).GetMetadataAsync(new GetMetadataRequest());
    }

    [Fact]
    public void Every_way_to_invoke_a_method_by_the_client_itself_is_obsolete()
    {
        var methods = typeof(DaprClient).GetMethods().Where(static m => m.Name.StartsWith("InvokeMethod", StringComparison.Ordinal)).ToArray();

        Assert.NotEmpty(methods);
        Assert.All(methods, static m => Assert.NotEmpty(m.GetCustomAttributes(typeof(ObsoleteAttribute), inherit: false)));
    }

    private static Task SaveSeveralAsync(DaprClient client) =>
        client.SaveBulkStateAsync("claims", [new SaveStateItem<int>("a", 1, ""), new SaveStateItem<int>("b", 2, "")]);

    private DaprClient Plain() =>
        new DaprClientBuilder().UseGrpcEndpoint(_sidecar.Grpc.ToString()).UseHttpEndpoint(_sidecar.Http.ToString()).UseDaprApiToken(Token).Build();
}
