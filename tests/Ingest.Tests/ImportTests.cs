using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>An export is the lake's content, and an import puts it back: once, marked, and with everything that it was.</summary>
public class ImportTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Received = new(2024, 2, 29, 23, 59, 59, 123, TimeSpan.Zero);

    private TestDatabase _database = null!;
    private FakeSidecar _sidecar = null!;
    private IngestUnderTest _ingest = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _sidecar = await FakeSidecar.StartAsync();
        _ingest = await IngestUnderTest.StartAsync(_database.ConnectionString, _sidecar);
    }

    public async Task DisposeAsync()
    {
        await _ingest.DisposeAsync();
        await _sidecar.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task What_is_exported_imported_and_exported_again_is_the_same()
    {
        await FillAsync();
        var exported = await _ingest.ExportAsync(new EventFilter { Tenant = "acme" });
        Assert.Equal(16, exported.Count);
        Assert.All(exported, static item => Assert.False(item.Imported));

        await using var database = await TestDatabase.CreateAsync();
        await using var other = await IngestUnderTest.StartAsync(database.ConnectionString);
        await other.PostV2Async(Guid.NewGuid().ToString(), """{"type":"t","payload":{"here":"before"}}""", "globex");
        var first = await other.ImportAsync(exported);
        Assert.Equal((16L, 16L, 0L, 0L), (first.Read, first.Appended, first.Duplicates, first.Refused));
        var again = await other.ExportAsync(new EventFilter { Tenant = "acme" });
        Assert.Equal(exported.Select(Comparable), again.Select(Comparable));
        Assert.Equal(Enumerable.Range(2, 16).Select(static n => (long)n), again.Select(static item => item.Position));
        Assert.All(again, static item => Assert.True(item.Imported));

        var second = await other.ImportAsync(exported);
        Assert.Equal((16L, 0L, 16L, 0L), (second.Read, second.Appended, second.Duplicates, second.Refused));
        // Where it came from it is no news either.
        var home = await _ingest.ImportAsync(exported);
        Assert.Equal((16L, 0L, 16L), (home.Read, home.Appended, home.Duplicates));
    }

    [Fact]
    public async Task Imported_events_are_published_as_such_into_partitions_of_their_time()
    {
        var answer = await _ingest.ImportAsync([Transfer.Line(Received), Transfer.Line(Received.AddYears(-14))]);
        Assert.Equal(2L, answer.Appended);
        await _ingest.PostV2Async(Guid.NewGuid().ToString(), """{"type":"t","payload":{}}""");
        await Eventually.TrueAsync(() => _sidecar.Events.Count == 3, "all are published");
        Assert.Equal([true, true, false], _sidecar.Events.Select(static item => item.Event.Imported));
        Assert.Equal(Received, _sidecar.Events[0].Event.ReceivedAt.ToDateTimeOffset());
        Assert.Equal(1L, await _database.ConnectionString.ScalarAsync<long>("select count(*) from whatsapp_events_2024_02 where imported"));
        Assert.Equal(1L, await _database.ConnectionString.ScalarAsync<long>("select count(*) from whatsapp_events_2010_02 where imported"));
    }

    [Fact]
    public async Task A_line_that_breaks_a_rule_is_refused_alone_and_by_its_number()
    {
        var future = TimeProvider.System.GetUtcNow().AddHours(1);
        var broken = new (string Field, Action<CollectedEvent> Change)[]
        {
            ("event_id", static item => item.EventId = "7"),
            ("event_id", static item => item.EventId = ""),
            ("type", static item => item.Type = ""),
            ("type", static item => item.Type = "t\0"),
            ("type", static item => item.Type = new string('t', 101)),
            ("source", static item => item.Source = ""),
            ("source", static item => item.Source = "a\0"),
            ("chat_jid", static item => item.ChatJid = new string('1', 256)),
            ("participant_jid", static item => item.ParticipantJid = "1\0@lid"),
            ("participant_alt", static item => item.ParticipantAlt = new string('1', 256)),
            ("occurred_at", static item => item.OccurredAt = new Timestamp { Nanos = -1 }),
            ("occurred_at_source", static item => item.OccurredAtSource = "\0"),
            ("received_at", static item => item.ReceivedAt = null),
            ("received_at", static item => item.ReceivedAt = new Timestamp { Seconds = long.MaxValue }),
            ("received_at", static item => item.ReceivedAt = new Timestamp { Seconds = 1_000_000_000 }),
            ("received_at", item => item.ReceivedAt = Timestamp.FromDateTimeOffset(future)),
            ("payload_json", static item => item.PayloadJson = ""),
            ("payload_json", static item => item.PayloadJson = "{} {}"),
            ("payload_json", static item => item.PayloadJson = new string('[', 300) + new string(']', 300)),
            ("payload_json", static item => (item.PayloadJson, item.PayloadInLake) = ("", true)),
        };
        var lines = new List<CollectedEvent?>();
        foreach (var (_, change) in broken)
        {
            var line = Transfer.Line(Received);
            change(line);
            lines.AddRange([line, Transfer.Line(Received)]);
        }
        var answer = await _ingest.ImportAsync([.. lines!, null!]);
        Assert.Equal((41L, 20L, 0L, 21L), (answer.Read, answer.Appended, answer.Duplicates, answer.Refused));
        Assert.Equal([.. broken.Select(static rule => rule.Field), "event"], answer.Refusals.Select(static line => line.Field));
        Assert.Equal(Enumerable.Range(0, 21).Select(static n => (2L * n) + 1), answer.Refusals.Select(static line => line.Number));
    }

    [Fact]
    public async Task Times_are_read_as_the_doors_read_them()
    {
        var lines = new[] { Transfer.Line(Received), Transfer.Line(Received), Transfer.Line(Received) };
        lines[0].OccurredAt = null;
        lines[1].OccurredAt = Timestamp.FromDateTimeOffset(Received.AddYears(1));
        lines[2].OccurredAt = Timestamp.FromDateTimeOffset(new DateTimeOffset(1999, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await _ingest.ImportAsync(lines);
        var stored = await _ingest.ExportAsync(new EventFilter { Tenant = "acme" });
        Assert.Equal(["received_at", "messageTimestamp", "received_at"], stored.Select(static item => item.OccurredAtSource));
        Assert.Equal([Received, Received.AddMinutes(5), Received], stored.Select(static item => item.OccurredAt.ToDateTimeOffset()));
    }

    [Fact]
    public async Task A_stream_that_names_no_tenant_two_tenants_or_too_many_lines_is_refused()
    {
        await RefusedAsync(StatusCode.InvalidArgument, "tenant", new ImportEventsRequest());
        await RefusedAsync(StatusCode.InvalidArgument, "tenant", new ImportEventsRequest { Tenant = "a\0" });
        await RefusedAsync(StatusCode.InvalidArgument, "tenant", new ImportEventsRequest { Tenant = "acme" }, new ImportEventsRequest { Tenant = "globex" });
        await RefusedAsync(StatusCode.InvalidArgument, "lines", new ImportEventsRequest { Tenant = "acme", Lines = { Enumerable.Repeat(new ImportLine(), 1_001) } });
    }

    [Fact]
    public async Task An_import_into_a_database_that_is_away_can_be_repeated()
    {
        var lines = Enumerable.Range(0, 3).Select(_ => Transfer.Line(Received)).ToList();
        await _ingest.ImportAsync(lines[..1]);
        await _database.ServerConnectionString.ExecuteAsync(
            $"alter database {_database.Name} allow_connections false; select pg_terminate_backend(pid) from pg_stat_activity where datname = '{_database.Name}'");
        await RefusedAsync(StatusCode.Unavailable, "again", new ImportEventsRequest { Tenant = "acme", Lines = { new ImportLine { Event = lines[1] } } });
        await _database.ServerConnectionString.ExecuteAsync($"alter database {_database.Name} allow_connections true");
        var answer = await _ingest.ImportAsync(lines);
        Assert.Equal((3L, 2L, 1L), (answer.Read, answer.Appended, answer.Duplicates));
    }

    [Fact]
    public async Task A_filtered_export_holds_what_the_filter_says_and_ends_with_what_was_logged_before_it()
    {
        await FillAsync();
        Assert.Equal(2, (await _ingest.ExportAsync(new EventFilter { Tenant = "acme", Types_ = { "groups.metadata", "member.joined" } })).Count);
        Assert.Equal(10, (await _ingest.ExportAsync(new EventFilter { Tenant = "acme", ChatJid = "2@g.us" })).Count);
        Assert.Empty(await _ingest.ExportAsync(new EventFilter { Tenant = "globex" }));
    }

    // Collector events with revisions and a roster, a trigger without dedup, a derived event, odd characters, and a large payload.
    private async Task FillAsync()
    {
        var id = Guid.NewGuid().ToString();
        await _ingest.PostV2Async(id, """{"type":"messages.upsert","chat_jid":"1@g.us","payload":{"n":1,"t":"<é>\u2028👍"}}""");
        await _ingest.PostV2Async(id, """{"type":"messages.upsert","chat_jid":"1@g.us","payload":{ "n" : 1e999999 }}""");
        await _ingest.PostV2Async(Guid.NewGuid().ToString(), """{"type":"groups.metadata","chat_jid":"1@g.us","payload":{"participants":[]}}""");
        await _ingest.PostV2Async(Guid.NewGuid().ToString(), $$"""{"type":"t","payload":["{{new string('x', 3_000_000)}}"]}""");
        await _ingest.SendAsync(IngestUnderTest.Request("/triggers/orders/events", """{"a":1}"""));
        await new Lake.LakeClient(_ingest.Channel).AppendAsync(new AppendRequest
        {
            Service = "membership",
            Events = { new DerivedEvent { Tenant = "acme", EventId = Guid.NewGuid().ToString(), Type = "member.joined", OccurredAt = new Timestamp { Seconds = 1717243200 }, PayloadJson = "{}" } },
        });
        for (var n = 0; n < 10; n++)
            await _ingest.PostV2Async(Guid.NewGuid().ToString(), """{"type":"t","chat_jid":"2@g.us","payload":[]}""");
    }

    private static CollectedEvent Comparable(CollectedEvent item)
    {
        var copy = item.Clone();
        (copy.Log, copy.Position, copy.Imported) = (0, 0, false);
        return copy;
    }

    private async Task RefusedAsync(StatusCode status, string text, params ImportEventsRequest[] requests)
    {
        using var call = new Lake.LakeClient(_ingest.Channel).ImportEvents();
        try
        {
            foreach (var request in requests)
                await call.RequestStream.WriteAsync(request);
            await call.RequestStream.CompleteAsync();
        }
        catch (Exception exception) when (exception is RpcException or InvalidOperationException)
        {
            // The server had answered before it was done listening.
        }
        var refusal = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal(status, refusal.StatusCode);
        Assert.Contains(text, refusal.Status.Detail, StringComparison.Ordinal);
    }
}
