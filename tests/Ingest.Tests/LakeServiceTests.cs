using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>The lake's gRPC contract over real cleartext HTTP/2.</summary>
public class LakeServiceTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private IngestUnderTest _ingest = null!;
    private Lake.LakeClient _lake = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _ingest = await IngestUnderTest.StartAsync(_database.ConnectionString);
        _lake = new Lake.LakeClient(_ingest.Channel);
    }

    public async Task DisposeAsync()
    {
        await _ingest.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task An_event_is_found_by_id_newest_revision_first_and_only_by_its_tenant()
    {
        var id = Guid.NewGuid().ToString();
        await _ingest.PostV2Async(id, """{"type":"t","chat_jid":"1@g.us","payload":{"n":1}}""");
        await _ingest.PostV2Async(id, """{"type":"t","chat_jid":"1@g.us","payload":{"n":2}}""");
        Assert.Equal("""{"n":2}""", (await _lake.GetEventAsync(new GetEventRequest { Tenant = "acme", EventId = id })).Event.PayloadJson);
        var first = (await _lake.GetEventAsync(new GetEventRequest { Tenant = "acme", EventId = id.ToUpperInvariant(), Revision = 0 })).Event;
        Assert.Equal(("""{"n":1}""", 1L, 1, "acme", "wpp-tui", id, "1@g.us", "received_at"),
            (first.PayloadJson, first.Position, first.Log, first.Tenant, first.Source, first.EventId, first.ChatJid, first.OccurredAtSource));
        await RefusedAsync(StatusCode.NotFound, id, () => _lake.GetEventAsync(new GetEventRequest { Tenant = "globex", EventId = id }).ResponseAsync);
        await RefusedAsync(StatusCode.NotFound, "revision 2", () => _lake.GetEventAsync(new GetEventRequest { Tenant = "acme", EventId = id, Revision = 2 }).ResponseAsync);
        await RefusedAsync(StatusCode.InvalidArgument, "event_id", () => _lake.GetEventAsync(new GetEventRequest { Tenant = "acme", EventId = "7" }).ResponseAsync);
        await RefusedAsync(StatusCode.InvalidArgument, "tenant", () => _lake.GetEventAsync(new GetEventRequest { EventId = id }).ResponseAsync);
    }

    [Fact]
    public async Task Pages_follow_each_other_newest_first_without_gap_or_repeat()
    {
        for (var n = 1; n <= 25; n++)
            await PostAsync(n % 5 == 0 ? "globex" : "acme", n % 2 == 0 ? "even" : "odd", "1@g.us");
        var filter = new EventFilter { Tenant = "acme", Types_ = { "odd" } };
        var (positions, token, pages) = (new List<long>(), "", 0);
        do
        {
            var page = await _lake.ListEventsAsync(new ListEventsRequest { Filter = filter, PageSize = 3, PageToken = token });
            positions.AddRange(page.Events.Select(static item => item.Position));
            token = page.NextPageToken;
            pages++;
        }
        while (token.Length > 0);
        Assert.Equal([23L, 21L, 19L, 17L, 13L, 11L, 9L, 7L, 3L, 1L], positions);
        Assert.Equal(4, pages);
    }

    [Fact]
    public async Task A_page_token_is_bound_to_its_filter_and_tenant()
    {
        for (var n = 0; n < 4; n++)
            await PostAsync("acme", "t", "1@g.us");
        var filter = new EventFilter { Tenant = "acme" };
        var token = (await _lake.ListEventsAsync(new ListEventsRequest { Filter = filter, PageSize = 2 })).NextPageToken;
        Assert.NotEmpty(token);
        foreach (var other in new[] { new EventFilter { Tenant = "globex" }, new EventFilter { Tenant = "acme", ChatJid = "1@g.us" } })
            await RefusedAsync(StatusCode.InvalidArgument, "page_token", () => _lake.ListEventsAsync(new ListEventsRequest { Filter = other, PageToken = token }).ResponseAsync);
        foreach (var garbage in new[] { "x", "!!!!", new string('A', 28), new string('A', 5000) })
            await RefusedAsync(StatusCode.InvalidArgument, "page_token", () => _lake.ListEventsAsync(new ListEventsRequest { Filter = filter, PageToken = garbage }).ResponseAsync);
        foreach (var size in new[] { -1, 501 })
            await RefusedAsync(StatusCode.InvalidArgument, "page_size", () => _lake.ListEventsAsync(new ListEventsRequest { Filter = filter, PageSize = size }).ResponseAsync);
        await RefusedAsync(StatusCode.InvalidArgument, "filter.tenant", () => _lake.ListEventsAsync(new ListEventsRequest()).ResponseAsync);
    }

    [Fact]
    public async Task Filters_restrict_by_chat_and_by_time()
    {
        foreach (var (chat, time) in new[] { ("1@g.us", 1717243200), ("1@g.us", 1717243300), ("2@g.us", 1717243300) })
            await _ingest.PostV2Async(Guid.NewGuid().ToString(), $$"""{"type":"messages.upsert","chat_jid":"{{chat}}","payload":{"messageTimestamp":{{time}},"x":[]} }""");
        Assert.Equal([2L, 1L], await ListAsync(new EventFilter { Tenant = "acme", ChatJid = "1@g.us" }));
        Assert.Equal([3L, 2L], await ListAsync(new EventFilter { Tenant = "acme", OccurredFrom = new Timestamp { Seconds = 1717243201 } }));
        Assert.Equal([1L], await ListAsync(new EventFilter { Tenant = "acme", OccurredTo = new Timestamp { Seconds = 1717243300 } }));
        Assert.Empty(await ListAsync(new EventFilter { Tenant = "nobody" }));
    }

    [Fact]
    public async Task An_export_streams_everything_in_log_order()
    {
        await AppendAsync(1_200, "acme");
        await PostAsync("globex", "t", "1@g.us");
        using var export = _lake.ExportEvents(new ExportEventsRequest { Filter = new EventFilter { Tenant = "acme" } });
        var positions = new List<long>();
        await foreach (var response in export.ResponseStream.ReadAllAsync())
            positions.Add(response.Event.Position);
        Assert.Equal(Enumerable.Range(1, 1_200).Select(static n => (long)n), positions);
    }

    [Fact]
    public async Task Stats_count_a_tenants_rows_and_what_waits_to_be_published()
    {
        var id = Guid.NewGuid().ToString();
        await _ingest.PostV2Async(id, """{"type":"a","payload":[1]}""");
        await _ingest.PostV2Async(id, """{"type":"a","payload":[2]}""");
        await PostAsync("acme", "b", "1@g.us");
        await PostAsync("globex", "a", "1@g.us");
        var stats = await _lake.GetStatsAsync(new GetStatsRequest { Tenant = "acme" });
        Assert.Equal((3, 1, 4), (stats.Events, stats.Revisions, stats.Unpublished));
        Assert.Equal([("a", 2L), ("b", 1L)], stats.ByType.OrderBy(static type => type.Key).Select(static type => (type.Key, type.Value)));
        Assert.InRange(stats.UnpublishedOldestAgeSeconds, 0.000001, 60);
    }

    [Fact]
    public async Task A_derived_event_is_appended_once_whatever_a_retry_says()
    {
        var id = Guid.NewGuid().ToString();
        var first = await _lake.AppendAsync(Append(Derived(id, """{"n":1}"""), Derived(Guid.NewGuid().ToString(), "[]")));
        Assert.Equal([(true, 1L), (true, 2L)], first.Results.Select(static result => (result.Appended, result.Position)));
        var again = await _lake.AppendAsync(Append(Derived(id, """{"n":2}"""), Derived(id, """{"n":3}"""), Derived(Guid.NewGuid().ToString(), "{}")));
        Assert.Equal([(false, 1, 1L), (false, 1, 1L), (true, 1, 3L)], again.Results.Select(static result => (result.Appended, result.Log, result.Position)));
        var stored = (await _lake.GetEventAsync(new GetEventRequest { Tenant = "acme", EventId = id })).Event;
        Assert.Equal(("service:membership", "member.joined", """{"n":1}""", 0), (stored.Source, stored.Type, stored.PayloadJson, stored.Revision));
        Assert.Equal(1717243200, stored.OccurredAt.Seconds);
        Assert.Empty((await _lake.AppendAsync(new AppendRequest { Service = "membership" })).Results);
    }

    [Fact]
    public async Task An_append_that_breaks_a_rule_names_the_field_and_stores_nothing()
    {
        void Change(Action<DerivedEvent> change, out AppendRequest request)
        {
            var item = Derived(Guid.NewGuid().ToString(), "{}");
            change(item);
            request = Append(Derived(Guid.NewGuid().ToString(), "{}"), item);
        }
        foreach (var (field, change) in new (string, Action<DerivedEvent>)[]
        {
            ("events[1].tenant", static item => item.Tenant = ""),
            ("events[1].event_id", static item => item.EventId = "x"),
            ("events[1].tenant", static item => item.Tenant = "a\0"),
            ("events[1].type", static item => item.Type = ""),
            ("events[1].type", static item => item.Type = "t\0"),
            ("events[1].type", static item => item.Type = new string('t', 101)),
            ("events[1].chat_jid", static item => item.ChatJid = new string('1', 256)),
            ("events[1].participant_jid", static item => item.ParticipantJid = "1\0@lid"),
            ("events[1].occurred_at", static item => item.OccurredAt = null),
            ("events[1].payload_json", static item => item.PayloadJson = "7"),
            ("events[1].payload_json", static item => item.PayloadJson = "{"),
            ("events[1].payload_json", static item => item.PayloadJson = "{} {}"),
            ("events[1].payload_json", static item => item.PayloadJson = new string('[', 300) + new string(']', 300)),
        })
        {
            Change(change, out var request);
            await RefusedAsync(StatusCode.InvalidArgument, field, () => _lake.AppendAsync(request).ResponseAsync);
        }
        await RefusedAsync(StatusCode.InvalidArgument, "service", () => _lake.AppendAsync(new AppendRequest { Service = "Not A Name" }).ResponseAsync);
        Assert.Equal(0L, await _database.ConnectionString.ScalarAsync<long>("select count(*) from whatsapp_events"));
    }

    [Fact]
    public async Task Heads_say_what_is_kept_and_what_is_logged()
    {
        await _ingest.PostV2Async(Guid.NewGuid().ToString(), """{"type":"t","payload":{}}""");
        await AppendAsync(9, "acme");
        var head = Assert.Single((await _lake.GetHeadsAsync(new GetHeadsRequest())).Heads);
        Assert.Equal((1, 1L, 10L), (head.Log, head.Oldest, head.Newest));
        Assert.NotNull(head.OldestReceivedAt);
        await _database.ConnectionString.ExecuteAsync("delete from whatsapp_events where position <= 4");
        Assert.Equal(5L, (await _lake.GetHeadsAsync(new GetHeadsRequest())).Heads[0].Oldest);
        await _database.ConnectionString.ExecuteAsync("delete from whatsapp_events");
        head = (await _lake.GetHeadsAsync(new GetHeadsRequest())).Heads[0];
        Assert.Equal((11L, 10L, (Timestamp?)null), (head.Oldest, head.Newest, head.OldestReceivedAt));
    }

    [Fact]
    public async Task Events_at_positions_come_in_the_order_asked_and_retired_ones_are_named()
    {
        await AppendAsync(700, "acme");
        await _database.ConnectionString.ExecuteAsync("delete from whatsapp_events where position <= 3 or position in (7, 8, 600)");
        Assert.Equal("r1-3 4 5 6", await AtAsync((1, 1, 6)));
        Assert.Equal("6 r7-8 9", await AtAsync((1, 6, 9)));
        Assert.Equal("10 r8-8 r2-2 5", await AtAsync((1, 10, 10), (1, 8, 8), (1, 2, 2), (1, 5, 5)));
        Assert.Equal("5 5", await AtAsync((1, 5, 5), (1, 5, 5)));
        Assert.Equal("699 700", await AtAsync((1, 699, 5_000)));
        Assert.Equal("", await AtAsync((1, 701, 800), (2, 1, 5)));
        var all = (await AtAsync((1, 1, long.MaxValue))).Split(' ');
        Assert.Equal(3 + 700 - 6, all.Length);
        Assert.Equal(["r1-3", "r7-8", "r600-600"], all.Where(static item => item[0] == 'r'));
        await RefusedAsync(StatusCode.InvalidArgument, "ranges", () => AtAsync((1, 5, 4)));
        await RefusedAsync(StatusCode.InvalidArgument, "ranges", () => AtAsync((1, 0, 4)));
        await RefusedAsync(StatusCode.InvalidArgument, "ranges", () => AtAsync([.. Enumerable.Repeat((1, 1L, 1L), 1_001)]));
    }

    [Fact]
    public async Task A_payload_too_large_for_the_topic_is_whole_over_grpc()
    {
        await _ingest.PostV2Async(Guid.NewGuid().ToString(), $$"""{"type":"t","payload":["{{new string('x', 3_000_000)}}"]}""");
        using var call = _lake.GetEventsAt(new GetEventsAtRequest { Ranges = { new PositionRange { Log = 1, From = 1, To = 1 } } });
        Assert.True(await call.ResponseStream.MoveNext());
        Assert.Equal(3_000_004, call.ResponseStream.Current.Event.PayloadJson.Length);
    }

    [Fact]
    public async Task A_database_that_is_away_is_unavailable()
    {
        await _database.ServerConnectionString.ExecuteAsync(
            $"alter database {_database.Name} allow_connections false; select pg_terminate_backend(pid) from pg_stat_activity where datname = '{_database.Name}'");
        await RefusedAsync(StatusCode.Unavailable, "try again", () => _lake.GetHeadsAsync(new GetHeadsRequest()).ResponseAsync);
        await RefusedAsync(StatusCode.Unavailable, "send them again", () => _lake.AppendAsync(Append(Derived(Guid.NewGuid().ToString(), "{}"))).ResponseAsync);
        await _database.ServerConnectionString.ExecuteAsync($"alter database {_database.Name} allow_connections true");
        Assert.Single((await _lake.AppendAsync(Append(Derived(Guid.NewGuid().ToString(), "{}")))).Results);
    }

    [Fact]
    public async Task Only_the_sidecar_reaches_the_lake_once_a_token_is_set()
    {
        await using var guarded = await IngestUnderTest.StartAsync(_database.ConnectionString, null, null, ("APP_API_TOKEN", "from-the-sidecar"));
        var lake = new Lake.LakeClient(guarded.Channel);
        await RefusedAsync(StatusCode.Unauthenticated, "token", () => lake.GetHeadsAsync(new GetHeadsRequest()).ResponseAsync);
        Assert.NotNull(await lake.GetHeadsAsync(new GetHeadsRequest(), new Metadata { { "dapr-api-token", "from-the-sidecar" } }));
    }

    private async Task<string> AtAsync(params (int Log, long From, long To)[] ranges)
    {
        using var call = _lake.GetEventsAt(new GetEventsAtRequest { Ranges = { ranges.Select(static range => new PositionRange { Log = range.Log, From = range.From, To = range.To }) } });
        var items = new List<string>();
        await foreach (var response in call.ResponseStream.ReadAllAsync())
            items.Add(response.ItemCase == GetEventsAtResponse.ItemOneofCase.Event ? $"{response.Event.Position}" : $"r{response.Retired.From}-{response.Retired.To}");
        return string.Join(' ', items);
    }

    private async Task<IEnumerable<long>> ListAsync(EventFilter filter) =>
        (await _lake.ListEventsAsync(new ListEventsRequest { Filter = filter })).Events.Select(static item => item.Position);

    private Task PostAsync(string tenant, string type, string chat) =>
        _ingest.PostV2Async(Guid.NewGuid().ToString(), $$"""{"type":"{{type}}","chat_jid":"{{chat}}","payload":[]}""", tenant);

    private async Task AppendAsync(int count, string tenant)
    {
        foreach (var chunk in Enumerable.Range(0, count).Chunk(1_000))
            await _lake.AppendAsync(Append([.. chunk.Select(_ => Derived(Guid.NewGuid().ToString(), "{}", tenant))]));
    }

    private static AppendRequest Append(params DerivedEvent[] events) => new() { Service = "membership", Events = { events } };

    private static DerivedEvent Derived(string id, string payload, string tenant = "acme") =>
        new() { Tenant = tenant, EventId = id, Type = "member.joined", ChatJid = "1@g.us", OccurredAt = new Timestamp { Seconds = 1717243200 }, PayloadJson = payload };

    private static async Task RefusedAsync(StatusCode status, string text, Func<Task> call)
    {
        var exception = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal(status, exception.StatusCode);
        Assert.Contains(text, exception.Status.Detail, StringComparison.Ordinal);
    }
}
