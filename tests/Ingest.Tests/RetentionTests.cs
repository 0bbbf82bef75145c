using Npgsql;
using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>Dropping months on a real server: never ahead of a consumer, never in anybody's way, whatever it is interrupted by.</summary>
public class RetentionTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Old = new(2026, 3, 10, 12, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private const string OldTable = "whatsapp_events_2026_03";

    private TestDatabase _database = null!;
    private FakeConsumers _consumers = null!;
    private IngestUnderTest _ingest = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _consumers = await FakeConsumers.StartAsync();
        // Positions 1-5 and 11-15 are of March, 6-10 of now: an import put them into the log in this order.
        await using (var before = await IngestUnderTest.StartAsync(_database.ConnectionString, clock: new SettableClock(Now)))
        {
            foreach (var month in new[] { Old, Now.AddMinutes(-5), Old.AddDays(3) })
                await before.ImportAsync(Enumerable.Range(0, 5).Select(n => Transfer.Line(month.AddSeconds(n))));
        }
        _ingest = await StartAsync();
        // The round that every process begins with: it must not come later, between the lines of a test.
        await Eventually.TrueAsync(() => _ingest.Services.GetRequiredService<IngestMetrics>().RetentionWaiting == 1, "the first round is over");
    }

    public async Task DisposeAsync()
    {
        await _ingest.DisposeAsync();
        await _consumers.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_month_is_dropped_only_when_it_is_published_and_every_consumer_has_had_all_of_it()
    {
        foreach (var consumer in new[] { "membership", "dispatch" })
            _consumers.Missing[consumer] = [];
        await StaysAsync("nothing is published");
        await PublishedAsync(14);
        await StaysAsync("one event of March is not published");
        await PublishedAsync(15);
        _consumers.Missing["membership"] = [8, 12];
        await StaysAsync("membership has not had 12");
        _consumers.Missing["membership"] = [8];
        _consumers.Missing.Remove("dispatch");
        await StaysAsync("dispatch cannot be reached");
        _consumers.Missing["dispatch"] = [1];
        await StaysAsync("dispatch has not had 1");
        _consumers.Missing["dispatch"] = [9];
        await RunAsync();
        Assert.False(await ExistsAsync(OldTable));
        Assert.Equal("r1-5 6 7 8 9 10 r11-15", await AtAsync());
        var head = (await new Lake.LakeClient(_ingest.Channel).GetHeadsAsync(new GetHeadsRequest())).Heads[0];
        Assert.Equal((6L, 15L, Now.AddMinutes(-5)), (head.Oldest, head.Newest, head.OldestReceivedAt.ToDateTimeOffset()));
        Assert.Equal(10L, await Sql<long>("select events from retired_partitions where dropped_at is not null"));
        // The ids are kept: what comes again is a duplicate still.
        Assert.Equal(15L, await Sql<long>("select count(*) from seen"));
    }

    [Fact]
    public async Task A_month_that_is_not_old_enough_all_of_it_stays()
    {
        await EverythingIsHadAsync();
        await using var patient = await StartAsync(("Ingest:Retention:Days", "235"));
        await RunAsync(patient);
        Assert.True(await ExistsAsync(OldTable));
    }

    [Fact]
    public async Task Ids_are_forgotten_with_their_events_where_that_is_wanted()
    {
        await EverythingIsHadAsync();
        await using var forgetful = await StartAsync(("Ingest:Retention:ForgetIds", "true"));
        await RunAsync(forgetful);
        Assert.Equal([6L, 7L, 8L, 9L, 10L], await _database.ConnectionString.ListAsync<long>("select position from seen order by position"));
    }

    [Fact]
    public async Task Inserts_and_new_partitions_go_on_while_a_long_reader_holds_up_the_drop()
    {
        await EverythingIsHadAsync();
        await using var reader = new NpgsqlConnection(_database.ConnectionString);
        await reader.OpenAsync();
        await using var reading = await reader.BeginTransactionAsync();
        await new NpgsqlCommand("select count(*) from whatsapp_events", reader).ExecuteScalarAsync();
        var dropping = RunAsync();
        await Eventually.TrueAsync(() => Sql<bool>("select exists (select from pg_inherits where inhdetachpending)"), "the detach waits");
        for (var n = 0; n < 100; n++)
            Assert.Equal(201, (await _ingest.PostV2Async(Guid.NewGuid().ToString(), """{"type":"t","payload":{}}""")).Status);
        await _ingest.Services.GetRequiredService<LakePartitions>().EnsureAsync(Now.AddMonths(9), default);
        Assert.False(dropping.IsCompleted);
        Assert.True(await ExistsAsync(OldTable));
        await reading.CommitAsync();
        await dropping;
        Assert.False(await ExistsAsync(OldTable));
        Assert.Equal(105L, await Sql<long>("select count(*) from whatsapp_events"));
    }

    [Fact]
    public async Task A_drop_that_outlasts_its_patience_is_finished_by_the_next_round()
    {
        await EverythingIsHadAsync();
        await using var hasty = await StartAsync(("Ingest:Retention:Patience", "00:00:01"));
        await using (var reader = new NpgsqlConnection(_database.ConnectionString))
        {
            await reader.OpenAsync();
            await using var reading = await reader.BeginTransactionAsync();
            await new NpgsqlCommand("select count(*) from whatsapp_events", reader).ExecuteScalarAsync();
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => RunAsync(hasty));
        }
        Assert.True(await Sql<bool>("select exists (select from pg_inherits where inhdetachpending)"));
        await RunAsync(hasty);
        Assert.False(await ExistsAsync(OldTable));
    }

    [Fact]
    public async Task A_crash_between_detach_and_drop_is_finished_and_a_table_that_somebody_else_detached_is_left_alone()
    {
        await _database.ConnectionString.ExecuteAsync(
            $"""
            insert into retired_partitions (name, received_from, received_until, events, decided) values ('{OldTable}', '2026-03-01Z', '2026-04-01Z', 0, 10);
            alter table whatsapp_events detach partition {OldTable};
            create table whatsapp_events_2026_01 (like whatsapp_events);
            """);
        // Nobody is asked any more: that was settled before the detach.
        _consumers.Missing.Clear();
        await RunAsync();
        Assert.False(await ExistsAsync(OldTable));
        Assert.True(await ExistsAsync("whatsapp_events_2026_01"));
        Assert.Equal(0L, await Sql<long>("select count(*) from retired_partitions where dropped_at is null or decided is not null"));
    }

    [Fact]
    public async Task A_crash_before_the_detach_decides_anew()
    {
        await _database.ConnectionString.ExecuteAsync(
            $"insert into retired_partitions (name, received_from, received_until, events, decided) values ('{OldTable}', '2026-03-01Z', '2026-04-01Z', 0, 10)");
        await StaysAsync("nothing is known of the consumers");
        await EverythingIsHadAsync();
        await RunAsync();
        Assert.False(await ExistsAsync(OldTable));
        Assert.Equal(10L, await Sql<long>("select events from retired_partitions"));
    }

    [Fact]
    public async Task A_partition_that_somebody_detaches_after_a_round_gave_it_up_is_left_alone()
    {
        await _database.ConnectionString.ExecuteAsync(
            $"insert into retired_partitions (name, received_from, received_until, events, decided) values ('{OldTable}', '2026-03-01Z', '2026-04-01Z', 0, 10)");
        await StaysAsync("nothing is known of the consumers");
        await _database.ConnectionString.ExecuteAsync($"alter table whatsapp_events detach partition {OldTable}");
        await EverythingIsHadAsync();
        await RunAsync();
        Assert.True(await ExistsAsync(OldTable));
        Assert.Equal(0L, await Sql<long>("select count(*) from retired_partitions"));
    }

    [Fact]
    public async Task A_month_that_an_import_adds_to_while_it_is_taken_out_goes_back_into_the_lake()
    {
        await EverythingIsHadAsync();
        await using var importer = new NpgsqlConnection(_database.ConnectionString);
        await importer.OpenAsync();
        await using var importing = await importer.BeginTransactionAsync();
        await new NpgsqlCommand(
            """
            create temporary table one on commit drop as select * from whatsapp_events where position = 15;
            update one set position = 16;
            insert into whatsapp_events select * from one;
            """, importer).ExecuteNonQueryAsync();
        var dropping = RunAsync();
        await Eventually.TrueAsync(() => Sql<bool>("select exists (select from pg_inherits where inhdetachpending)"), "the detach waits");
        await importing.CommitAsync();
        await dropping;
        Assert.Equal(16L, await Sql<long>("select count(*) from whatsapp_events"));
        Assert.Equal(0L, await Sql<long>("select count(*) from retired_partitions"));
        await StaysAsync("16 is not published");
        await PublishedAsync(16);
        await RunAsync();
        Assert.False(await ExistsAsync(OldTable));
        Assert.Equal(11L, await Sql<long>("select events from retired_partitions"));
    }

    [Fact]
    public async Task One_replica_at_a_time_looks()
    {
        await EverythingIsHadAsync();
        await using var other = new NpgsqlConnection(_database.ConnectionString);
        await other.OpenAsync();
        await new NpgsqlCommand($"select pg_advisory_lock({LockKeys.Retention})", other).ExecuteNonQueryAsync();
        Assert.False(await _ingest.Services.GetRequiredService<LakeRetention>().RunAsync(default));
        Assert.True(await ExistsAsync(OldTable));
    }

    [Fact]
    public async Task An_import_of_what_would_be_dropped_at_once_is_refused()
    {
        var answer = await _ingest.ImportAsync([Transfer.Line(Old), Transfer.Line(Now.AddDays(-40))]);
        Assert.Equal((2L, 1L, 1L), (answer.Read, answer.Appended, answer.Refused));
        Assert.Equal((1L, "received_at"), (answer.Refusals[0].Number, answer.Refusals[0].Field));
        Assert.Contains("2026-10-01", answer.Refusals[0].Reason, StringComparison.Ordinal);
    }

    private Task<IngestUnderTest> StartAsync(params (string Key, string Value)[] settings) => IngestUnderTest.StartAsync(
        _database.ConnectionString, null, new SettableClock(Now),
        [.. new[] { ("DAPR_GRPC_PORT", $"{_consumers.Port}"), ("Ingest:Retention:Days", "50"), ("Ingest:Retention:Interval", "1.00:00:00") }
            .Where(usual => !settings.Any(setting => setting.Key == usual.Item1)), .. settings]);

    private Task RunAsync() => RunAsync(_ingest);

    // The round that every process begins with may hold the lock at this moment.
    private static Task RunAsync(IngestUnderTest ingest) =>
        Eventually.TrueAsync(() => ingest.Services.GetRequiredService<LakeRetention>().RunAsync(default), "retention's lock is free");

    private async Task StaysAsync(string why)
    {
        await RunAsync();
        Assert.True(await ExistsAsync(OldTable), why);
        Assert.Equal(1, _ingest.Services.GetRequiredService<IngestMetrics>().RetentionWaiting);
    }

    private async Task EverythingIsHadAsync()
    {
        foreach (var consumer in new[] { "membership", "dispatch" })
            _consumers.Missing[consumer] = [];
        await PublishedAsync(15);
    }

    private Task PublishedAsync(long position) => _database.ConnectionString.ExecuteAsync($"update published set position = {position}");

    private Task<bool> ExistsAsync(string table) => Sql<bool>($"select to_regclass('{table}') is not null");

    private Task<T> Sql<T>(string sql) => _database.ConnectionString.ScalarAsync<T>(sql);

    private async Task<string> AtAsync()
    {
        using var call = new Lake.LakeClient(_ingest.Channel).GetEventsAt(new GetEventsAtRequest { Ranges = { new PositionRange { Log = 1, From = 1, To = 15 } } });
        var items = new List<string>();
        while (await call.ResponseStream.MoveNext(default))
            items.Add(call.ResponseStream.Current is { Event: { } item } ? $"{item.Position}" : $"r{call.ResponseStream.Current.Retired.From}-{call.ResponseStream.Current.Retired.To}");
        return string.Join(' ', items);
    }
}
