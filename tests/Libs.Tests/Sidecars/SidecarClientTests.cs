using Dapr.Client;
using Grpc.Core;
using Grpc.Net.ClientFactory;
using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Libs.Tests.Sidecars;

/// <summary>gRPC to another service, through the sidecar: <see cref="SidecarClients.AddSidecarClient{TClient}"/>.</summary>
public sealed class SidecarClientTests : IAsyncLifetime
{
    private const string Token = "the-token";

    private FakeDapr _sidecar = null!;

    public async Task InitializeAsync() =>
        _sidecar = (await FakeDapr.StartAsync(Token))
            .On<GetHeadsRequest>("/whatsappmesh.ingest.v1.Lake/GetHeads", static _ => new GetHeadsResponse { Heads = { new LogHead { Log = 1 } } })
            .On<GetEventsAtRequest>("/whatsappmesh.ingest.v1.Lake/GetEventsAt", static _ => new GetEventsAtResponse());

    public async Task DisposeAsync() => await _sidecar.DisposeAsync();

    [Fact]
    public async Task Every_call_names_the_app_shows_the_token_and_has_a_deadline_each_once()
    {
        await using var services = Services(static s => s.AddSidecarClient<Lake.LakeClient>("ingest"));
        var lake = services.GetRequiredService<Lake.LakeClient>();

        for (var i = 0; i < 3; i++)
            await lake.GetHeadsAsync(new GetHeadsRequest());
        lake.GetHeads(new GetHeadsRequest());

        Assert.Equal(4, _sidecar.Calls.Count);
        Assert.All(_sidecar.Calls, static call =>
        {
            Assert.Equal(["ingest"], call.Headers["dapr-app-id"]);
            Assert.Equal([Token], call.Headers["dapr-api-token"]);
            Assert.Single(call.Headers["grpc-timeout"]);
        });
    }

    [Fact]
    public async Task Headers_of_a_caller_are_sent_and_left_as_they_are()
    {
        await using var services = Services(static s => s.AddSidecarClient<Lake.LakeClient>("ingest"));
        var kept = new Metadata { { "own", "value" } };

        await services.GetRequiredService<Lake.LakeClient>().GetHeadsAsync(new GetHeadsRequest(), kept);
        await services.GetRequiredService<Lake.LakeClient>().GetHeadsAsync(new GetHeadsRequest(), kept);

        Assert.Single(kept);
        Assert.All(_sidecar.Calls, static call => Assert.Equal(["value", "ingest"], [.. call.Headers["own"], .. call.Headers["dapr-app-id"]]));
    }

    [Fact]
    public async Task One_kind_of_client_speaks_to_several_apps()
    {
        await using var services = Services(static s => s.AddSidecarClient<Lake.LakeClient>("one").Services.AddSidecarClient<Lake.LakeClient>("two"));
        var clients = services.GetRequiredService<GrpcClientFactory>();

        foreach (var app in (string[])["one", "two", "one"])
            await clients.CreateClient<Lake.LakeClient>(SidecarClients.NameOf<Lake.LakeClient>(app)).GetHeadsAsync(new GetHeadsRequest());

        Assert.Equal(["one", "two", "one"], _sidecar.Calls.Select(static call => Assert.Single(call.Headers["dapr-app-id"])));
    }

    [Fact]
    public async Task A_deadline_of_the_calls_own_is_kept_and_a_stream_has_no_other()
    {
        await using var services = Services(static s => s.AddSidecarClient<Lake.LakeClient>("ingest", TimeSpan.FromSeconds(5)));
        var lake = services.GetRequiredService<Lake.LakeClient>();

        await lake.GetHeadsAsync(new GetHeadsRequest(), deadline: DateTime.UtcNow.AddHours(2));
        using (var stream = lake.GetEventsAt(new GetEventsAtRequest()))
            Assert.True(await stream.ResponseStream.MoveNext(default));

        Assert.InRange(Milliseconds(Assert.Single(_sidecar.Calls[0].Headers["grpc-timeout"])), 3_600_000, 7_200_000);
        Assert.DoesNotContain("grpc-timeout", _sidecar.Calls[1].Headers.Keys);
    }

    [Fact]
    public async Task An_answer_larger_than_was_agreed_is_refused()
    {
        _sidecar.On<GetHeadsRequest>(
            "/whatsappmesh.ingest.v1.Lake/GetHeads", static _ => new GetHeadsResponse { Heads = { Enumerable.Range(1, 2_000).Select(static log => new LogHead { Log = log }) } });
        await using var services = Services(static s => s.AddSidecarClient<Lake.LakeClient>("small", maxAnswerBytes: 1_000).Services.AddSidecarClient<Lake.LakeClient>("large"));
        var clients = services.GetRequiredService<GrpcClientFactory>();

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await Of("small").GetHeadsAsync(new GetHeadsRequest()));

        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Equal(2_000, (await Of("large").GetHeadsAsync(new GetHeadsRequest())).Heads.Count);

        Lake.LakeClient Of(string app) => clients.CreateClient<Lake.LakeClient>(SidecarClients.NameOf<Lake.LakeClient>(app));
    }

    [Fact]
    public async Task After_an_outage_calls_come_back_within_two_seconds_of_the_sidecar()
    {
        _sidecar.On<Dapr.Client.Autogen.Grpc.v1.GetStateRequest>("GetState", static _ => new Dapr.Client.Autogen.Grpc.v1.GetStateResponse());
        await using var services = Services(static s => s.AddSidecarClient<Lake.LakeClient>("ingest"));
        var (lake, dapr) = (services.GetRequiredService<Lake.LakeClient>(), services.GetRequiredService<DaprClient>());
        Func<Task>[] calls = [async () => await lake.GetHeadsAsync(new GetHeadsRequest()), () => dapr.GetStateAsync<int>("claims", "key")];
        foreach (var call in calls)
            await call();

        await _sidecar.GoAwayAsync();
        // Long enough that gRPC's own pauses, 1 s and 1.6 times the last, have grown past what is allowed here.
        await FailForAsync(calls, TimeSpan.FromSeconds(14));
        await _sidecar.ComeBackAsync();
        var back = TimeProvider.System.GetTimestamp();

        foreach (var call in calls)
            await UntilItWorksAsync(call);

        Assert.InRange(TimeProvider.System.GetElapsedTime(back), TimeSpan.Zero, TimeSpan.FromSeconds(2.5));
    }

    private static async Task FailForAsync(Func<Task>[] calls, TimeSpan outage)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var start = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(start) < outage; await timer.WaitForNextTickAsync())
        {
            foreach (var call in calls)
                await Assert.ThrowsAnyAsync<Exception>(call);
        }
    }

    private static async Task UntilItWorksAsync(Func<Task> call)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await Record.ExceptionAsync(call) is not null)
            await timer.WaitForNextTickAsync();
    }

    // As gRPC writes it: a number and a unit.
    private static double Milliseconds(string timeout) => double.Parse(timeout[..^1], System.Globalization.CultureInfo.InvariantCulture) * timeout[^1] switch
    {
        'H' => 3_600_000,
        'M' => 60_000,
        'S' => 1_000,
        'm' => 1,
        'u' => 0.001,
        _ => 0.000_001,
    };

    private ServiceProvider Services(Action<IServiceCollection> clients) => SidecarServices.Of(_sidecar, Token, clients);
}
