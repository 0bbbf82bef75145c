using System.Globalization;
using Npgsql;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>The promises of the lake under concurrency, over two replicas on one database.</summary>
public class LakeStoreTests : IAsyncLifetime
{
    private const string Text = """{"type":"messages.upsert","payload":{"message":{"conversation":"hello"}}}""";
    private const string Placeholder = """{"type":"messages.upsert","payload":{"messageStubType":2}}""";
    private const string Roster = """{"type":"groups.metadata","payload":{"id":"1@g.us","participants":[{"id":"1@lid"}]}}""";

    private TestDatabase _database = null!;
    private SettableClock _clock = null!;
    private IngestUnderTest[] _replicas = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _clock = new SettableClock(new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero));
        // Both migrate the same empty database at the same time.
        _replicas = await Task.WhenAll(
            IngestUnderTest.StartAsync(_database.ConnectionString, clock: _clock), IngestUnderTest.StartAsync(_database.ConnectionString, clock: _clock));
        await PartitionsAsync(3);
    }

    public async Task DisposeAsync()
    {
        foreach (var replica in _replicas)
            await replica.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task One_event_posted_a_hundred_times_at_once_to_two_replicas_is_one_row()
    {
        var id = Guid.NewGuid().ToString();
        var body = """{"type":"t","occurred_at":1717243200,"payload":{}}""";
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(n => _replicas[n % 2].SendAsync(IngestUnderTest.Request("/v1/events", body, id))));
        Assert.All(answers, static answer => Assert.Equal(202, answer.Status));
        Assert.Single(answers, static answer => answer.Body.Contains("accepted", StringComparison.Ordinal));
        Assert.Equal(1L, await CountAsync());
        Assert.Equal(1L, await _database.ConnectionString.ScalarAsync<long>("select position from head"));
    }

    [Fact]
    public async Task Positions_are_dense_on_two_replicas_and_two_tenants_share_nothing()
    {
        var ids = Enumerable.Range(0, 150).Select(static _ => Guid.NewGuid().ToString()).ToList();
        await Task.WhenAll(ids.SelectMany(id => new[]
        {
            _replicas[0].PostV2Async(id, Text, "acme"), _replicas[1].PostV2Async(id, Text, "acme"), _replicas[1].PostV2Async(id, Text, "globex"),
        }));
        Assert.Equal(Enumerable.Range(1, 300).Select(static n => (long)n), await _database.ConnectionString.ListAsync<long>("select position from whatsapp_events order by position"));
        Assert.Equal(300L, await _database.ConnectionString.ScalarAsync<long>("select position from head"));
        Assert.Equal(150L, await CountAsync("tenant = (select id from tenants where name = 'globex') and revision = 0"));
    }

    [Fact]
    public async Task An_append_sees_what_the_append_before_it_committed()
    {
        await _replicas[0].PostV2Async(Guid.NewGuid().ToString(), Text);
        var (known, fresh) = (Guid.NewGuid(), Guid.NewGuid());
        var hash = BodyHash.Of("t", "{}"u8);
        // Another appender that is not done yet: it has the lock, and stores the first of the two events at position 2.
        await using var appender = new Npgsql.NpgsqlConnection(_database.ConnectionString);
        await appender.OpenAsync();
        await using var transaction = await appender.BeginTransactionAsync();
        await new Npgsql.NpgsqlCommand(
            $"update head set position = 2; insert into seen (tenant, event_id, body_hash, log, position, revision) values (1, '{known}', '{hash}', 1, 2, 0)", appender).ExecuteNonQueryAsync();
        var posts = new[] { known, fresh }.Select((id, n) =>
            _replicas[n].SendAsync(IngestUnderTest.Request("/v1/events", """{"type":"t","occurred_at":1717243200,"payload":{}}""", id.ToString()))).ToList();
        await Eventually.TrueAsync(
            async () => await _database.ConnectionString.ScalarAsync<long>($"select count(*) from pg_stat_activity where datname = '{_database.Name}' and wait_event_type = 'Lock'") == 2,
            "both replicas wait for the lock");
        await transaction.CommitAsync();
        var answers = await Task.WhenAll(posts);
        Assert.Equal([(202, "duplicate"), (202, "accepted")], answers.Select(static answer => (answer.Status, answer.Body.Contains("duplicate", StringComparison.Ordinal) ? "duplicate" : "accepted")));
        Assert.Equal([1L, 3L], await _database.ConnectionString.ListAsync<long>("select position from whatsapp_events order by position"));
    }

    [Fact]
    public async Task A_placeholder_and_its_content_that_race_are_both_kept()
    {
        for (var round = 0; round < 20; round++)
        {
            var id = Guid.NewGuid().ToString();
            await Task.WhenAll(
                _replicas[0].PostV2Async(id, Placeholder), _replicas[1].PostV2Async(id, Text), _replicas[1].PostV2Async(id, Placeholder), _replicas[0].PostV2Async(id, Text));
            Assert.Equal([0, 1], await _database.ConnectionString.ListAsync<int>($"select revision from whatsapp_events where event_id = '{id}' order by position"));
        }
    }

    [Fact]
    public async Task Bodies_of_one_id_in_one_batch_are_numbered_in_order()
    {
        var id = Guid.NewGuid().ToString();
        await _replicas[0].PostV2Async(id, Text);
        // One request is one batch: a known body, two new ones, one of them twice, and another id between them.
        var items = string.Join(',', new[] { "1", "2", "1", "3", "2" }.Select(n => $$"""{"id":"{{id}}","type":"a","n":{{n}}}""").Append("""{"id":"x","type":"a"}"""));
        Assert.Equal((202, """{"status":"accepted","events":6}"""), await _replicas[0].SendAsync(IngestUnderTest.Request("/broker/events", $"[{items}]")));
        Assert.Equal([0, 1, 2, 3], await _database.ConnectionString.ListAsync<int>($"select revision from whatsapp_events where event_id = '{id}' order by position"));
        Assert.Equal([1L, 2L, 3L, 4L, 5L], await _database.ConnectionString.ListAsync<long>("select position from whatsapp_events order by position"));
        await _replicas[1].SendAsync(IngestUnderTest.Request("/broker/events", $"[{items}]"));
        Assert.Equal(5L, await CountAsync());
    }

    [Fact]
    public async Task A_late_retry_of_an_old_body_is_a_duplicate()
    {
        var id = Guid.NewGuid().ToString();
        foreach (var body in new[] { Placeholder, Text, Placeholder, Text })
            await _replicas[0].PostV2Async(id, body);
        Assert.Equal(2L, await CountAsync());
    }

    [Theory]
    [InlineData(Roster)]
    [InlineData("""{"type":"group-participants.update","payload":{"id":"1@g.us","action":"add","participants":[{"id":"1@lid"}]}}""")]
    [InlineData("""{"type":"groups.update","payload":{"id":"1@g.us","announce":true}}""")]
    [InlineData("""{"type":"chats.update","payload":{"id":"1@g.us","ephemeralExpiration":null}}""")]
    public async Task An_observation_is_news_when_its_newest_copy_is_older_than_a_quarter_of_an_hour(string body)
    {
        var id = Guid.NewGuid().ToString();
        // Across the quarter of a clock, a second apart: one. Then each counts from the newest copy that was stored.
        _clock.Advance(TimeSpan.FromSeconds(14 * 60 + 59));
        foreach (var (minutes, copies) in new[] { (0.0, 1L), (0.02, 1), (14.5, 1), (0.4, 1), (0.1, 2), (14.9, 2), (0.2, 3) })
        {
            _clock.Advance(TimeSpan.FromMinutes(minutes));
            await Task.WhenAll(_replicas.Select(replica => replica.PostV2Async(id, body)));
            Assert.Equal(copies, await CountAsync());
        }
        Assert.Equal([0, 1, 2], await _database.ConnectionString.ListAsync<int>("select revision from whatsapp_events order by position"));
        Assert.Equal(3L, await _database.ConnectionString.ScalarAsync<long>("select position from head"));
    }

    [Fact]
    public async Task What_happened_once_is_a_duplicate_for_ever()
    {
        var id = Guid.NewGuid().ToString();
        string[] bodies =
        [
            Text, """{"type":"groups.update","payload":{"id":"1@g.us","subject":"S","subjectTime":1717243200}}""",
            """{"type":"messages.reaction","payload":{"key":{"id":"1"},"reaction":{"text":"x"}}}""",
        ];
        for (var round = 0; round < 3; round++)
        {
            foreach (var body in bodies)
                await _replicas[round % 2].PostV2Async(id, body);
            _clock.Advance(TimeSpan.FromHours(1));
        }
        Assert.Equal(3L, await CountAsync());
    }

    [Fact]
    public async Task A_row_that_the_database_refuses_harms_only_itself_and_leaves_no_hole()
    {
        await _database.ConnectionString.ExecuteAsync("alter table whatsapp_events add constraint no_bad_type check (type <> 'bad')");
        var answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(async n =>
        {
            var isBad = n % 16 == 7;
            var answer = await _replicas[n % 2].PostV2Async(Guid.NewGuid().ToString(), Text.Replace("messages.upsert", isBad ? "bad" : "good", StringComparison.Ordinal));
            return (isBad, answer.Status);
        }));
        Assert.All(answers, static answer => Assert.Equal(answer.isBad ? 503 : 201, answer.Status));
        Assert.Equal(Enumerable.Range(1, 60).Select(static n => (long)n), await _database.ConnectionString.ListAsync<long>("select position from whatsapp_events order by position"));
        Assert.Equal(60L, await _database.ConnectionString.ScalarAsync<long>("select count(*) from seen"));
    }

    [Fact]
    public async Task All_events_of_a_request_are_stored_or_none()
    {
        await _database.ConnectionString.ExecuteAsync("alter table whatsapp_events add constraint no_bad_type check (type <> 'broker.bad')");
        Assert.Equal(503, (await _replicas[0].SendAsync(IngestUnderTest.Request("/broker/events", """[{"type":"a"},{"type":"bad"},{"type":"b"}]"""))).Status);
        Assert.Equal(0L, await CountAsync());
        Assert.Equal(0L, await _database.ConnectionString.ScalarAsync<long>("select position from head"));
    }

    [Fact]
    public async Task Every_column_is_stored_as_it_was_sent()
    {
        var id = Guid.NewGuid();
        await _replicas[0].SendAsync(IngestUnderTest.Request(
            "/v1/events",
            """{"type":"t","group_jid":"1@g.us","participant_jid":"2@lid","participant_alt":"3@s.whatsapp.net","occurred_at":"2026-11-20T11:00:00.123Z","occurred_at_source":"stub","payload":{ "a" : 1 }}""",
            id.ToString()));
        var row = await _database.ConnectionString.ScalarAsync<string>(
            """
            select concat_ws('|', log, position, revision, (select name from tenants t where t.id = tenant), source, event_id, type, chat_jid, participant_jid, participant_alt,
                to_char(occurred_at at time zone 'utc', 'HH24:MI:SS.MS'), occurred_at_source, to_char(received_at at time zone 'utc', 'HH24:MI:SS'), payload)
            from whatsapp_events
            """);
        Assert.Equal($"1|1|0|acme|wpp-tui|{id}|t|1@g.us|2@lid|3@s.whatsapp.net|11:00:00.123|stub|12:00:00|{{ \"a\" : 1 }}", row);
        Assert.Equal(7, (await _database.ConnectionString.ScalarAsync<Guid>("select id from whatsapp_events")).Version);
    }

    [Fact]
    public async Task Payloads_of_every_size_come_back_whole()
    {
        var sizes = new[] { 0, 1, 2_000, 100_000, 3_000_000 };
        await Task.WhenAll(sizes.Select(size => _replicas[size % 2].PostV2Async(Guid.NewGuid().ToString(), $$"""{"type":"t","payload":["{{new string('é', size)}}"]}""")));
        Assert.Equal(sizes.Select(static size => size + 4), await _database.ConnectionString.ListAsync<int>("select length(payload) from whatsapp_events order by 1"));
    }

    [Fact]
    public async Task Events_of_a_month_without_partition_make_one()
    {
        Assert.Equal(
            ["whatsapp_events_2026_11", "whatsapp_events_2026_12", "whatsapp_events_2027_01"],
            await PartitionsAsync(3));
        _clock.Advance(TimeSpan.FromDays(200));
        await Task.WhenAll(_replicas.Select(replica => replica.PostV2Async(Guid.NewGuid().ToString(), Text)));
        Assert.Contains("whatsapp_events_2027_06", await PartitionsAsync(4));
        Assert.Equal(2L, await _database.ConnectionString.ScalarAsync<long>("select count(*) from whatsapp_events_2027_06"));
        // A partition carries every index of its parent, and no leftover of its making.
        Assert.Equal(5L, await _database.ConnectionString.ScalarAsync<long>("select count(*) from pg_indexes where tablename = 'whatsapp_events_2027_06'"));
        Assert.Equal(0L, await _database.ConnectionString.ScalarAsync<long>("select count(*) from pg_constraint where conname = 'bounds'"));
    }

    [Fact]
    public async Task A_reader_that_stays_open_blocks_neither_events_nor_a_new_partition()
    {
        await using var reader = new Npgsql.NpgsqlConnection(_database.ConnectionString);
        await reader.OpenAsync();
        await using var transaction = await reader.BeginTransactionAsync();
        await new Npgsql.NpgsqlCommand("select count(*) from whatsapp_events", reader).ExecuteScalarAsync();
        _clock.Advance(TimeSpan.FromDays(400));
        Assert.Equal(201, (await _replicas[0].PostV2Async(Guid.NewGuid().ToString(), Text)).Status);
    }

    [Fact]
    public async Task A_restored_database_gets_a_new_log()
    {
        await _replicas[0].PostV2Async(Guid.NewGuid().ToString(), Text);
        await _database.ConnectionString.ExecuteAsync("update logs set timeline = '00000000'");
        await using var restarted = await IngestUnderTest.StartAsync(_database.ConnectionString, clock: _clock);
        await using var another = await IngestUnderTest.StartAsync(_database.ConnectionString, clock: _clock);
        await Task.WhenAll(restarted.PostV2Async(Guid.NewGuid().ToString(), Text), another.PostV2Async(Guid.NewGuid().ToString(), Text));
        Assert.Equal(["1:1", "2:1", "2:2"], await _database.ConnectionString.ListAsync<string>("select log || ':' || position from whatsapp_events order by log, position"));
        Assert.Equal(2L, await _database.ConnectionString.ScalarAsync<long>("select count(*) from logs"));
    }

    [Fact]
    public async Task The_view_shows_jsonb_and_what_jsonb_cannot_hold_is_null()
    {
        await _replicas[0].PostV2Async(Guid.NewGuid().ToString(), """{"type":"good","payload":{"n":[1]}}""");
        await _replicas[0].PostV2Async(Guid.NewGuid().ToString(), """{"type":"wild","payload":{"n":1e999999}}""");
        Assert.Equal(
            ["good acme 1", "wild acme none"],
            await _database.ConnectionString.ListAsync<string>("select type || ' ' || tenant || ' ' || coalesce(payload #>> '{n,0}', 'none') from lake_events order by type"));
    }

    [Fact]
    public async Task Requests_beyond_the_bytes_that_may_wait_are_told_to_come_again()
    {
        await using var ingest = await IngestUnderTest.StartAsync(_database.ConnectionString, null, null, ("Ingest:MaxBodyBytes", "1000000"), ("Ingest:QueueBytes", "1000000"));
        await ingest.PostV2Async(Guid.NewGuid().ToString(), """{"type":"t","payload":{}}""");
        await using var blocker = new NpgsqlConnection(_database.ConnectionString);
        await blocker.OpenAsync();
        await using var transaction = await blocker.BeginTransactionAsync();
        await new NpgsqlCommand("select position from head for update", blocker).ExecuteNonQueryAsync();
        var posts = Enumerable.Range(0, 8).Select(_ => ingest.PostAsync("/v2/events", $$"""{"type":"t","payload":["{{new string('x', 400_000)}}"]}""", Guid.NewGuid().ToString())).ToList();
        using var first = await await Task.WhenAny(posts);
        Assert.Equal(503, (int)first.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(2), first.Headers.RetryAfter?.Delta);
        await transaction.RollbackAsync();
        foreach (var post in posts)
            (await post).Dispose();
        // What waited is stored, and there is room again.
        Assert.Equal(201, (await ingest.PostV2Async(Guid.NewGuid().ToString(), """{"type":"t","payload":{"after":"wards"}}""")).Status);
    }

    [Fact]
    public async Task Partitions_of_old_months_are_made_by_an_import_while_others_append()
    {
        await using var ingest = await IngestUnderTest.StartAsync(_database.ConnectionString);
        var months = Enumerable.Range(1, 24).Select(static n => new DateTimeOffset(2015, 1, 15, 0, 0, 0, TimeSpan.Zero).AddMonths(n)).ToList();
        var importing = Task.WhenAll(months.Chunk(6).Select(some => ingest.ImportAsync(some.SelectMany(static month => new[] { Transfer.Line(month), Transfer.Line(month) }))));
        var posts = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => ingest.PostV2Async(Guid.NewGuid().ToString(), """{"type":"t","payload":{}}""")));
        Assert.All(posts, static post => Assert.Equal(201, post.Status));
        Assert.Equal(48L, (await importing).Sum(static answer => answer.Appended));
        Assert.Equal(2L, await _database.ConnectionString.ScalarAsync<long>("select count(*) from whatsapp_events_2016_12"));
        Assert.Equal(88L, await CountAsync());
    }

    private Task<long> CountAsync(string where = "true") => _database.ConnectionString.ScalarAsync<long>($"select count(*) from whatsapp_events where {where}");

    private async Task<List<string>> PartitionsAsync(int atLeast)
    {
        List<string> partitions = [];
        await Eventually.TrueAsync(
            async () => (partitions = await _database.ConnectionString.ListAsync<string>("select inhrelid::regclass::text from pg_inherits where inhparent = 'whatsapp_events'::regclass order by 1")).Count >= atLeast,
            string.Create(CultureInfo.InvariantCulture, $"{atLeast} partitions"));
        return partitions;
    }
}

/// <summary>A clock that stands still until it is moved; timers run on real time.</summary>
internal sealed class SettableClock(DateTimeOffset now) : TimeProvider
{
    private long _ticks = now.UtcTicks;

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);
}
