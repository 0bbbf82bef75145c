using WhatsAppMesh.DevSidecar.PubSub.Log;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.PubSub;

/// <summary>Statements on tables that have grown large before anyone analysed them.</summary>
public sealed class YoungTableTests
{
    private const string Fill = """
        with topic as (insert into sidecar.topics (component, name, last) values ('pubsub', 'a', 100000) returning id),
        filled as (
            insert into sidecar.messages (topic, id, traits, published_at, envelope)
            select t.id, n, 0, now(), convert_to('{"id":"e' || n || '"}', 'UTF8') from topic t, generate_series(1, 100000) n returning 1),
        cursor as (insert into sidecar.cursors (topic, consumer, next) select id, 'app', 99001 from topic returning 1),
        left_behind as (
            insert into sidecar.leases (topic, consumer, first, last, owner, until)
            select t.id, 'app', n * 20 + 1, n * 20 + 10, gen_random_uuid(), now() - interval '1 s' from topic t, generate_series(0, 99) n returning 1)
        select (select count(*) from filled) + (select count(*) from cursor) + (select count(*) from left_behind)
        """;

    [Fact]
    public async Task No_statement_scans_a_table_of_100_000_messages_that_was_never_analysed()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using (var schema = await RunningSidecar.StartAsync(database.ConnectionString, "schema"))
            Assert.Equal("schema", schema.Services.GetRequiredService<WhatsAppMesh.DevSidecar.Hosting.SidecarFlags>().AppId);
        Assert.Equal(100_101, await PubSubRun.CountAsync(database, Fill));

        await using (var app = await DeliveryApp.StartAsync())
        await using (var sidecar = await RunningSidecar.StartAsync(
            database.ConnectionString, "app", app.Port, [PubSubResources.Component(), PubSubResources.Subscription("a", "/a", extra: PubSubResources.Bulk(200, 10))]))
        {
            await PubSubClient.PublishNumbersAsync(sidecar.Http, "a", 100_001, 100);
            var seen = new HashSet<string>();
            while (seen.Count < 1000 + 1000 + 100)
                seen.UnionWith((await app.TakeAsync(1)).SelectMany(PubSubClient.Ids));
            Assert.All(Enumerable.Range(99_001, 1100), n => Assert.Contains($"e{n}", seen));
            Assert.Equal(0, await sidecar.Services.GetServices<IHostedService>().OfType<TopicRetention>().Single().DeleteOnceAsync(CancellationToken.None));
        }

        // Counters of a connection are complete once it has ended. (The scan that built the index of the empty table read nothing.)
        await Eventually.TrueAsync(
            async () => await PubSubRun.CountAsync(database, "select coalesce(idx_scan, 0) from pg_stat_user_tables where relid = 'sidecar.messages'::regclass") > 0,
            "the counters have arrived");
        Assert.Equal(0, await PubSubRun.CountAsync(database, "select seq_tup_read from pg_stat_user_tables where relid = 'sidecar.messages'::regclass"));
    }
}
