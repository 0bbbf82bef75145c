using WhatsAppMesh.Collector;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.EndToEnd;

/// <summary>Processes that end without warning while events come in: whatever was accepted is stored once and applied once.</summary>
[Collection(MeshCollection.Name)]
public sealed class KillTests(MeshUnderTest test)
{
    private const int Events = 4_000;
    private const int Groups = 20;

    private static readonly string[] Victims = ["ingest", "ingest.sidecar", "membership", "membership.sidecar", "ingest-2", "membership-2.sidecar"];

    [Fact]
    public async Task Nothing_is_lost_and_nothing_doubled_when_services_and_sidecars_are_killed_in_turn_under_load()
    {
        var tenant = test.NewTenant();
        var traffic = new TrafficGenerator(11, new TrafficShape { Groups = Groups, MembersPerGroup = 16, StubShare = 0.3 }, TimeProvider.System.GetUtcNow().AddHours(-2));
        var load = LoadAsync(tenant, traffic);

        foreach (var victim in Victims)
        {
            await test.Mesh.Process(victim).KillAsync();
            await test.Mesh.StartAgainAsync([victim]);
        }
        var report = await load;

        Assert.Equal((Events, 0), (report.Accepted, report.Refused));
        Assert.Equal(Events, await tenant.LakeRowsAsync());
        await Books.SettledAsync(test.Mesh);
        Assert.Empty(await test.Client.OpenDeadLettersAsync(tenant.Name));
        Assert.Equal(await DistinctPositionsAsync(), await Books.HeadAsync(test.Mesh));
        Assert.Equal(ExpectedFacts(traffic), await FactsAsync(tenant));
    }

    private async Task<LoadReport> LoadAsync(TestTenant tenant, TrafficGenerator traffic)
    {
        // Half of the load on each edge, so that both stay busy while one of what is behind them is gone.
        var halves = await Task.WhenAll(HalfAsync("edge", 0), HalfAsync("edge-2", Events / 2));
        return halves[0] with { Accepted = halves.Sum(h => h.Accepted), Refused = halves.Sum(h => h.Refused) };

        async Task<LoadReport> HalfAsync(string edge, long first)
        {
            using var client = LoadSender.CreateClient(test.Mesh.Service(edge).HttpAddress, 8);
            var plan = new LoadPlan { Connections = 8, Count = Events / 2, First = first, Rate = 100, RetryUntilAccepted = true };
            return await new LoadSender(client, TimeProvider.System).RunAsync(n => tenant.Sign(traffic.Event(n)), plan);
        }
    }

    // Each notification and each roster is one fact of its group; a fact applied twice would be two rows, or a key that collides.
    private static long ExpectedFacts(TrafficGenerator traffic) =>
        Enumerable.Range(0, Events).Select(n => traffic.Event(n)).Count(e => e.Type == "groups.metadata" || IsStub(e));

    private static bool IsStub(CollectorEvent collected) => collected.Payload.Span.IndexOf("messageStubType"u8) >= 0;

    private Task<long> FactsAsync(TestTenant tenant) => Books.NumberAsync(
        test.Mesh, "membership", "select count(*) from membership_facts f join whatsapp_groups g on g.id = f.group_id where g.tenant = $1", tenant.Name);

    private Task<long> DistinctPositionsAsync() => Books.NumberAsync(test.Mesh, "ingest", "select count(distinct position) from whatsapp_events");
}
