using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>A key of a CRM means one stage change: over two replicas on one database, each test in a tenant of its own.</summary>
public sealed class LeadKeyTests : IAsyncLifetime
{
    private readonly string _tenant = $"tenant-{Guid.NewGuid()}";
    private TestDatabase _database = null!;
    private IngestUnderTest[] _replicas = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _replicas = [await IngestUnderTest.StartAsync(_database.ConnectionString), await IngestUnderTest.StartAsync(_database.ConnectionString)];
    }

    public async Task DisposeAsync()
    {
        foreach (var replica in _replicas)
            await replica.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Theory]
    [InlineData("""{"name":"Ida","phone":"+12025550129","stage_id":"A"}""")]
    [InlineData("""{ "stage_id" : "A" }""")]
    [InlineData("""{"stage_id":" A ","phone":12025550129,"name":"Other"}""")]
    [InlineData("""{"stage_id":"A","occurred_at":"2024-06-01T12:00:00Z"}""")]
    public async Task A_retry_under_its_key_changes_nothing_whatever_its_bytes(string retry)
    {
        const string first = """{"stage_id":"A","phone":"+12025550129","name":"Ida"}""";
        var answer = await PostAsync(first, "Z1");
        Assert.Equal(202, answer.Status);
        await PostAsync("""{"stage_id":"B"}""", "Z2");
        Assert.Equal(answer, await PostAsync(retry, "Z1", replica: 1));
        Assert.Equal([$$"""0 {"lead_id":"L9","body":{{first}}}""", """0 {"lead_id":"L9","body":{"stage_id":"B"}}"""], await StoredAsync());
    }

    [Fact]
    public async Task Another_stage_under_a_used_key_is_refused_and_the_first_stays()
    {
        await PostAsync("""{"stage_id":"A"}""", "Z1");
        for (var i = 0; i < 4; i++)
        {
            var (status, problem) = await PostAsync("""{"stage_id":"B"}""", "Z1", replica: i % 2);
            Assert.Equal((422, "idempotency_key_reused"), (status, JsonDocument.Parse(problem).RootElement.GetProperty("code").GetString()));
        }
        Assert.Equal(202, (await PostAsync("""{"stage_id":"A"}""", "Z1")).Status);
        Assert.Equal(202, (await PostAsync("""{"stage_id":"B"}""", "Z1", lead: "L10")).Status);
        Assert.Equal(2, (await StoredAsync()).Count);
        Assert.Equal(2L, await _database.ConnectionString.ScalarAsync<long>("select position from head"));
    }

    [Fact]
    public async Task Without_a_key_stage_and_time_name_the_change_and_its_bytes_mean_nothing()
    {
        var first = await PostAsync("""{"stage_id":"A","occurred_at":"2024-06-01T12:00:00Z","name":"Ida"}""");
        Assert.Equal(first, await PostAsync("""{"name":"Eva","occurred_at":"2024-06-01T12:00:00Z","stage_id":"A"}""", replica: 1));
        Assert.Equal(202, (await PostAsync("""{"stage_id":"B","occurred_at":"2024-06-01T12:00:00Z"}""")).Status);
        Assert.Equal(2, (await StoredAsync()).Count);
    }

    [Fact]
    public async Task Many_stages_at_once_under_one_key_leave_one_and_refuse_the_others_over_all_replicas()
    {
        for (var round = 0; round < 5; round++)
        {
            var key = $"race-{round}";
            var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(n =>
                PostAsync($$"""{"stage_id":"S{{n % 6}}","n":{{n}}}""", key, replica: n % 2)));
            var won = Enumerable.Range(0, 60).Where(n => answers[n].Status == 202).Select(static n => n % 6).Distinct().ToList();
            Assert.Single(won);
            Assert.All(Enumerable.Range(0, 60), n => Assert.Equal(n % 6 == won[0] ? 202 : 422, answers[n].Status));
        }
        Assert.Equal(5, (await StoredAsync()).Count);
        Assert.Equal(0L, await _database.ConnectionString.ScalarAsync<long>("select count(*) from seen where revision > 0"));
        Assert.Equal(5L, await _database.ConnectionString.ScalarAsync<long>("select position from head"));
    }

    [Fact]
    public async Task Two_stages_under_one_key_in_one_commit_are_told_apart_there()
    {
        var store = _replicas[0].Services.GetRequiredService<LakeStore>();
        var events = new[] { "A", "B", "A", "C", "B" }.Select(Event).ToArray();
        var stored = await store.AppendAsync(events);
        Assert.Equal([false, true, false, true, true], stored.Select(static one => one.IsReuse));
        Assert.Equal([true, false, false, false, false], stored.Select(static one => one.IsNew));
        Assert.Single(await StoredAsync());

        // The next commit meets another stage first: what is stored counts, not what comes first.
        stored = await store.AppendAsync([.. new[] { "B", "A", "C" }.Select(Event)]);
        Assert.Equal([true, false, true], stored.Select(static one => one.IsReuse));
        Assert.DoesNotContain(stored, static one => one.IsNew);
        Assert.Single(await StoredAsync());
    }

    [Fact]
    public async Task A_refused_stage_takes_no_position_and_its_neighbours_in_the_commit_go_on()
    {
        await PostAsync("""{"stage_id":"A"}""", "K");
        var store = _replicas[0].Services.GetRequiredService<LakeStore>();
        NewEvent other = Event("X") with { EventId = Guid.NewGuid() }, last = Event("Y") with { EventId = Guid.NewGuid(), IsNeverRevised = false };
        var stored = await store.AppendAsync([other, Event("B"), last, last with { Key = new DedupKey(Guid.NewGuid(), null) }]);
        Assert.Equal(
            [(true, 2L, 0), (false, 0L, 0), (true, 3L, 0), (true, 4L, 1)],
            stored.Select(static one => one.IsNew ? (true, one.Position, one.Revision) : (false, 0L, 0)));
        Assert.Equal([false, true, false, false], stored.Select(static one => one.IsReuse));
    }

    [Fact]
    public async Task What_an_older_version_stored_is_known_by_its_stage_after_the_upgrade()
    {
        await PostAsync("""{"stage_id":"A","name":"Ida"}""", "old");
        await PostAsync("""{"stage_id":7}""", "number");
        // As an older version left them: hashes over the whole payload, and a retry in other bytes as a revision.
        await _database.ConnectionString.ExecuteAsync(
            """
            insert into whatsapp_events (log, position, id, revision, tenant, event_id, source, type, occurred_at, occurred_at_source, received_at, payload)
                select log, 3, gen_random_uuid(), 1, tenant, event_id, source, type, occurred_at, occurred_at_source, received_at,
                       '{"lead_id":"L9","body":{"name":"Ida","stage_id":"A"}}' from whatsapp_events where position = 1;
            insert into seen select event_id, gen_random_uuid(), 3, tenant, log, 1 from seen where position = 1;
            update seen set body_hash = gen_random_uuid();
            update head set position = 3;
            """);
        Assert.Equal(422, (await PostAsync("""{"stage_id":"A","name":"Ida"}""", "old")).Status);

        await _database.ConnectionString.ExecuteAsync("""delete from "__EFMigrationsHistory" where "MigrationId" = '0009_stage_hashes'""");
        await using var schema = LakeSchema.On(_database.ConnectionString);
        await schema.Database.MigrateAsync();

        Assert.Equal(202, (await PostAsync("""{"name":"Eva","stage_id":"A"}""", "old", replica: 1)).Status);
        Assert.Equal(202, (await PostAsync("""{"stage_id":"7"}""", "number")).Status);
        Assert.Equal(422, (await PostAsync("""{"stage_id":"B"}""", "old")).Status);
        Assert.Equal(3, (await StoredAsync()).Count);
    }

    private NewEvent Event(string stage) => Assert.Single(LeadDoor.Instance.Read(new DoorRequest(
        _tenant, "crm:hub", null, "L9", "K", Encoding.UTF8.GetBytes($$"""{"stage_id":"{{stage}}"}"""), TimeProvider.System.GetUtcNow(), null)).Events);

    private Task<(int Status, string Body)> PostAsync(string body, string? key = null, string lead = "L9", int replica = 0) => _replicas[replica].SendAsync(
        IngestUnderTest.Request($"/leads/{lead}/events", body, null, _tenant, "hub", key is null ? [] : [("Idempotency-Key", key)]));

    private Task<List<string>> StoredAsync() =>
        _database.ConnectionString.ListAsync<string>("select revision || ' ' || payload from whatsapp_events order by position");
}
