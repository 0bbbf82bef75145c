using WhatsAppMesh.Collector;

namespace WhatsAppMesh.EndToEnd;

/// <summary>Processes that end without warning while events come in: whatever was accepted is stored once and applied once.</summary>
[Collection(MeshCollection.Name)]
public sealed class KillTests(MeshUnderTest test)
{
    private const double RatePerEdge = 100;

    // The load of the second edge has numbers of its own.
    private const long SecondHalf = 1_000_000;

    private static readonly string[] Victims =
        ["ingest", "ingest.sidecar", "membership", "membership.sidecar", "edge-2", "ingest-2", "ingest-2.sidecar", "membership-2", "membership-2.sidecar"];

    [Fact]
    public async Task Nothing_is_lost_and_nothing_doubled_when_services_and_sidecars_are_killed_in_turn_under_load()
    {
        var tenant = test.NewTenant();
        var shape = new TrafficShape { Groups = 20, MembersPerGroup = 16, StubShare = 0.3 };
        var traffic = new TrafficGenerator(11, shape, TimeProvider.System.GetUtcNow().AddHours(-2));
        using var stop = new CancellationTokenSource();
        var loads = new[] { LoadAsync(tenant, traffic, "edge", 0, stop.Token), LoadAsync(tenant, traffic, "edge-2", SecondHalf, stop.Token) };

        foreach (var victim in Victims)
        {
            await test.Mesh.Process(victim).KillAsync();
            await test.Mesh.StartAgainAsync([victim]);
        }
        await stop.CancelAsync();
        var reports = await Task.WhenAll(loads);

        Assert.All(reports, report => Assert.Equal(0, report.Refused));
        Assert.Equal(reports.Sum(r => r.Accepted), await tenant.LakeRowsAsync());
        await tenant.SettledAsync();
        Assert.Equal(0, await HolesAsync());
        Assert.Equal(Facts(traffic, 0, reports[0]) + Facts(traffic, SecondHalf, reports[1]), await FactsAsync(tenant));
    }

    private async Task<LoadReport> LoadAsync(TestTenant tenant, TrafficGenerator traffic, string edge, long first, CancellationToken stop)
    {
        using var client = LoadSender.CreateClient(test.Mesh.Service(edge).HttpAddress, 8);
        var plan = new LoadPlan { Connections = 8, First = first, Rate = RatePerEdge, RetryUntilAccepted = true, Stop = stop };
        return await new LoadSender(client, TimeProvider.System).RunAsync(n => tenant.Sign(traffic.Event(n)), plan);
    }

    // Each notification and each roster is one fact of its group; what is applied twice would be two rows, or a key that collides.
    private static long Facts(TrafficGenerator traffic, long first, LoadReport report) => Enumerable.Range(0, (int)report.Accepted)
        .Select(i => traffic.Event(first + i))
        .Count(e => e.Type == "groups.metadata" || e.Payload.Span.IndexOf("messageStubType"u8) >= 0);

    private Task<long> FactsAsync(TestTenant tenant) => Books.NumberAsync(
        test.Mesh, "membership", "select count(*) from membership_facts f join whatsapp_groups g on g.id = f.group_id where g.tenant = $1", tenant.Name);

    private Task<long> HolesAsync() => Books.NumberAsync(
        test.Mesh, "ingest", "select (select coalesce(max(position), 0) from head) - (select count(distinct position) from whatsapp_events)");
}
