using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.PubSub.Delivering;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.PubSub;

/// <summary>Deliveries that are faulty on purpose.</summary>
public sealed class FaultTests
{
    [Fact]
    public async Task Asked_to_misbehave_the_sidecar_loses_and_doubles_deliveries_and_says_so_loudly()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var app = await DeliveryApp.StartAsync();
        await using var sidecar = await SidecarProcess.StartAsync(
            database.ConnectionString, "app", app.Port, [PubSubResources.Component(), PubSubResources.Subscription("a", "/a", extra: PubSubResources.Bulk(50, 20))],
            ("DEVSIDECAR_MISBEHAVE", "lose=0.2,duplicate=0.2,shuffle,delay=20ms,seed=7"));
        await PubSubClient.PublishNumbersAsync(sidecar.Http, "a", 0, 500);

        await Eventually.TrueAsync(
            async () => await PubSubRun.CountAsync(database, """
                select count(*) from sidecar.topics t
                where t.name = 'a' and (not exists (select from sidecar.cursors c where c.topic = t.id and c.next > t.last) or exists (select from sidecar.leases l where l.topic = t.id))
                """) == 0,
            "everything was delivered, or lost");
        var ids = (await app.TakeForAsync(TimeSpan.FromMilliseconds(200))).SelectMany(PubSubClient.Ids).ToList();
        Assert.InRange(ids.Distinct().Count(), 300, 480);
        Assert.InRange(ids.Count - ids.Distinct().Count(), 20, 200);
        Assert.NotEqual(ids.Order(), ids);
        await Eventually.TrueAsync(() => sidecar.Output.Contains("DELIVERIES ARE DELIBERATELY FAULTY", StringComparison.Ordinal), "the log says so");
    }

    [Theory]
    [InlineData("lose=2")]
    [InlineData("lose")]
    [InlineData("explode")]
    [InlineData("delay=soon")]
    public void A_fault_that_is_not_known_is_named(string text) =>
        Assert.Contains($"'{text}' is not known", Assert.Throws<StartFailure>(() => DeliveryFaults.Parse(text)).Message, StringComparison.Ordinal);
}
