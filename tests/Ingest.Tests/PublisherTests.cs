using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>The publisher over real HTTP and a real database.</summary>
public class PublisherTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private FakeSidecar _sidecar = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _sidecar = await FakeSidecar.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _sidecar.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Every_stored_event_is_published_once_in_order_with_its_metadata()
    {
        await using var ingest = await StartAsync();
        var id = Guid.NewGuid().ToString();
        await ingest.SendAsync(IngestUnderTest.Request(
            "/v2/events", """{"type":"messages.upsert","chat_jid":"1@g.us","payload":{ "n" : 1.0, "t":"<é>" }}""", id,
            headers: ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")));
        await ingest.PostV2Async(id, """{"type":"messages.upsert","payload":{"n":2}}""");
        await ingest.PostV2Async(id, """{"type":"messages.upsert","payload":{"n":2}}""");
        await ingest.PostV2Async(Guid.NewGuid().ToString(), """{"type":"line\nfeed é","chat_jid":"1\u007f@g.us","payload":[]}""", "ten ant", "a/b%");
        await PublishedAsync(3);

        var events = _sidecar.Events;
        Assert.Equal(["1", "2", "3"], events.Select(static item => item.EntryId));
        Assert.Equal([1L, 2L, 3L], events.Select(static item => item.Event.Position));
        Assert.All(events, static item => Assert.Equal("application/json", item.ContentType));
        Assert.Equal("""{ "n" : 1.0, "t":"<é>" }""", events[0].Event.PayloadJson);
        Assert.Equal(("acme", "wpp-tui", id, 0, 1), (events[0].Event.Tenant, events[0].Event.Source, events[0].Event.EventId, events[0].Event.Revision, events[0].Event.Log));
        Assert.Equal("received_at", events[0].Event.OccurredAtSource);
        Assert.Equal(events[0].Event.ReceivedAt, events[0].Event.OccurredAt);
        Assert.Contains("4bf92f3577b34da6a3ce929d0e0e4736", events[0].Metadata["cloudevent.traceparent"], StringComparison.Ordinal);
        Assert.Equal("1@g.us", events[0].Metadata["partitionKey"]);
        Assert.Equal(id, events[1].Metadata["partitionKey"]);
        Assert.Equal([$"{id}#0", $"{id}#1"], events.Take(2).Select(static item => item.Metadata["cloudevent.id"]));
        Assert.Equal("whatsapp.messages.upsert", events[0].Metadata["cloudevent.type"]);
        Assert.Equal("acme/wpp-tui", events[0].Metadata["cloudevent.source"]);
        Assert.Equal("whatsapp.line%0Afeed%20%C3%A9", events[2].Metadata["cloudevent.type"]);
        Assert.Equal("1%7F@g.us", events[2].Metadata["partitionKey"]);
        Assert.Equal("ten%20ant/a/b%25", events[2].Metadata["cloudevent.source"]);
        Assert.Equal(("pubsub", "whatsapp.events"), (_sidecar.Requests.First().PubSub, _sidecar.Requests.First().Topic));
    }

    [Fact]
    public async Task A_refused_request_keeps_the_watermark_and_comes_again_until_it_is_taken()
    {
        var refusals = 0;
        _sidecar.Decide = _ => Interlocked.Increment(ref refusals) <= 4 ? 500 : 204;
        await using var ingest = await StartAsync();
        await PostAsync(ingest, 20);
        await Eventually.TrueAsync(() => refusals >= 1, "a refusal");
        await PublishedAsync(20);
        Assert.Equal(Enumerable.Range(1, 20).Select(static n => (long)n), _sidecar.Events.Select(static item => item.Event.Position));
    }

    [Fact]
    public async Task What_precedes_a_poisoned_event_gets_through()
    {
        // The sidecar refuses every request that holds position 13, as it would for one bad entry.
        _sidecar.Decide = request => request.Entries.Any(static entry => entry.Event.Position == 13) ? 400 : 204;
        await using var ingest = await StartAsync();
        await PostAsync(ingest, 20);
        await Eventually.TrueAsync(async () => await WatermarkAsync() == 12, "the watermark stands before the poisoned event");
        Assert.DoesNotContain(_sidecar.Events, static item => item.Event.Position >= 13);
        _sidecar.Decide = static _ => 204;
        await PublishedAsync(20);
    }

    [Fact]
    public async Task An_event_that_is_refused_for_its_payload_goes_out_without_and_holds_nobody_up()
    {
        _sidecar.Decide = static request => request.Entries.Any(static entry => entry.Event.Position == 3 && !entry.Event.PayloadInLake) ? 500 : 204;
        await using var ingest = await StartAsync();
        await PostAsync(ingest, 6);
        await PublishedAsync(6);
        Assert.Equal([1L, 2L, 3L, 4L, 5L, 6L], _sidecar.Events.Select(static item => item.Event.Position));
        Assert.Equal(3L, Assert.Single(_sidecar.Events, static item => item.Event.PayloadInLake).Event.Position);
        Assert.True(_sidecar.RefusedRequests.Count(static request => request.Entries.Count == 1) >= 3);
    }

    [Theory]
    [InlineData(true, 3, false)]
    [InlineData(true, 2, true)]
    [InlineData(false, 9, true)]
    public void Only_refusals_of_a_lone_event_take_its_payload(bool isRefusal, int times, bool withPayloads)
    {
        var pace = new PublishPace(8);
        pace.Fail(8, isRefusal: true);
        Assert.Equal(4, pace.MaxEvents);
        for (var n = 0; n < times; n++)
            pace.Fail(1, isRefusal);
        Assert.Equal((1, withPayloads), (pace.MaxEvents, pace.WithPayloads));
        pace.Succeed();
        Assert.Equal((8, true, 0), (pace.MaxEvents, pace.WithPayloads, pace.Failures));
    }

    [Fact]
    public void An_entry_longer_than_a_request_may_be_leaves_its_payload_in_the_lake()
    {
        using var request = new PublishRequest(2048);
        Assert.True(request.TryAdd(new() { Position = 1, Tenant = "acme", Source = "s", EventId = Guid.NewGuid().ToString(), Type = "t" }, System.Text.Encoding.UTF8.GetBytes($"\"{new string('x', 3000)}\""), null));
        Assert.InRange(request.Finish().Length, 1, 2048);
    }

    [Fact]
    public async Task A_log_whose_events_are_refused_does_not_hold_up_the_next_one()
    {
        await using (var ingest = await StartAsync(("Ingest:Publish", "false")))
            await PostAsync(ingest, 1);
        await _database.ConnectionString.ExecuteAsync("update logs set system_identifier = 'restored'");
        _sidecar.Decide = static request => request.Entries.Any(static entry => entry.Event.Log == 1) ? 400 : 204;
        await using var restored = await StartAsync();
        await PostAsync(restored, 3);
        await PublishedAsync(3);
        Assert.All(_sidecar.Events, static item => Assert.Equal(2, item.Event.Log));
    }

    [Fact]
    public async Task Events_are_accepted_while_the_sidecar_is_away_and_published_when_it_is_back()
    {
        var port = _sidecar.Port;
        await using var ingest = await StartAsync();
        _sidecar.Decide = static _ => 503;
        await PostAsync(ingest, 5);
        Assert.Equal(0, await WatermarkAsync());
        Assert.True(port > 0);
        _sidecar.Decide = static _ => 204;
        await PublishedAsync(5);
    }

    [Fact]
    public async Task A_restarted_publisher_goes_on_at_the_watermark()
    {
        await using (var first = await StartAsync())
        {
            await PostAsync(first, 5);
            await PublishedAsync(5);
            _sidecar.Decide = static _ => 500;
            await PostAsync(first, 5);
        }
        _sidecar.Decide = static _ => 204;
        await using var second = await StartAsync();
        await PublishedAsync(10);
        Assert.Equal(Enumerable.Range(1, 10).Select(static n => (long)n), _sidecar.Events.Select(static item => item.Event.Position));
    }

    [Fact]
    public async Task Large_payloads_stay_in_the_lake_and_requests_stay_below_a_mebibyte()
    {
        _sidecar.Decide = static _ => 500;
        await using var ingest = await StartAsync();
        foreach (var size in new[] { 300_000, 262_000, 10, 200_000, 200_000, 200_000, 200_000, 200_000, 2_000_000, 10 })
            await ingest.PostV2Async(Guid.NewGuid().ToString(), $$"""{"type":"t","payload":["{{new string('"', size / 2).Replace("\"", "\\\"", StringComparison.Ordinal)}}"]}""");
        _sidecar.Decide = static _ => 204;
        await PublishedAsync(10);
        Assert.Equal(Enumerable.Range(1, 10).Select(static n => (long)n), _sidecar.Events.Select(static item => item.Event.Position));
        Assert.Equal([1L, 9L], _sidecar.Events.Where(static item => item.Event.PayloadInLake).Select(static item => item.Event.Position));
        Assert.All(_sidecar.Events, static item => Assert.Equal(item.Event.PayloadInLake, item.Event.PayloadJson.Length == 0));
        Assert.All(_sidecar.Requests.Concat(_sidecar.RefusedRequests), static request => Assert.InRange(request.Bytes, 1, 1024 * 1024));
    }

    [Fact]
    public async Task A_backlog_is_published_in_order_over_many_requests()
    {
        _sidecar.Decide = static _ => 500;
        await using var ingest = await StartAsync(("Ingest:MaxPublishEvents", "50"));
        await PostAsync(ingest, 300);
        _sidecar.Decide = static _ => 204;
        await PublishedAsync(300);
        Assert.Equal(Enumerable.Range(1, 300).Select(static n => (long)n), _sidecar.Events.Select(static item => item.Event.Position));
        Assert.All(_sidecar.Requests, static request => Assert.InRange(request.Entries.Count, 1, 50));
    }

    [Fact]
    public async Task Another_replica_takes_over_when_the_publisher_dies_and_both_replicas_wake_it()
    {
        await using var second = await FakeSidecar.StartAsync();
        await using var one = await StartAsync();
        await PostAsync(one, 1);
        await PublishedAsync(1);
        await using var other = await IngestUnderTest.StartAsync(_database.ConnectionString, second, null, ("Ingest:PublisherPoll", "00:00:00.200"));
        await PostAsync(other, 5);
        await PublishedAsync(6);
        Assert.Empty(second.Events);

        // Its session dies, as when its process does; whoever is first publishes on.
        await _database.ConnectionString.ExecuteAsync(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = 778155303 and granted and database = (select oid from pg_database where datname = current_database())");
        await PostAsync(one, 5);
        await PostAsync(other, 5);
        await Eventually.TrueAsync(async () => await WatermarkAsync() == 16, "everything is published by one or the other");
        var positions = _sidecar.Events.Concat(second.Events).Select(static item => item.Event.Position).Distinct().Order();
        Assert.Equal(Enumerable.Range(1, 16).Select(static n => (long)n), positions);
    }

    [Fact]
    public async Task A_commit_wakes_the_publisher_long_before_it_would_look()
    {
        await using var leader = await StartAsync(("Ingest:PublisherPoll", "00:10:00"));
        await PostAsync(leader, 1);
        await PublishedAsync(1);
        // The other replica waits for leadership, and tells the leader of its commits.
        await using var other = await StartAsync(("Ingest:PublisherPoll", "00:10:00"));
        await PostAsync(other, 1);
        await PublishedAsync(2);
        await PostAsync(leader, 1);
        await PublishedAsync(3);
    }

    [Fact]
    public async Task An_old_log_is_published_to_its_end_before_the_new_one()
    {
        await using (var ingest = await StartAsync(("Ingest:Publish", "false")))
            await PostAsync(ingest, 3);
        await _database.ConnectionString.ExecuteAsync("update logs set system_identifier = 'restored'");
        await using (var waiting = await StartAsync(("Ingest:Publish", "false")))
            await PostAsync(waiting, 3);
        await using var restored = await StartAsync();
        await Eventually.TrueAsync(() => _sidecar.Events.Count == 6, "six events");
        Assert.Equal(["1:1", "1:2", "1:3", "2:1", "2:2", "2:3"], _sidecar.Events.Select(static item => $"{item.Event.Log}:{item.Event.Position}"));
    }

    [Fact]
    public async Task The_sidecar_gets_its_token()
    {
        await using var ingest = await StartAsync(("DAPR_API_TOKEN", "to-the-sidecar"));
        await PostAsync(ingest, 1);
        await PublishedAsync(1);
        Assert.Equal("to-the-sidecar", _sidecar.ApiToken);
    }

    private Task<IngestUnderTest> StartAsync(params (string, string)[] settings) => IngestUnderTest.StartAsync(_database.ConnectionString, _sidecar, null, settings);

    private static async Task PostAsync(IngestUnderTest ingest, int count)
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, count).Select(n => ingest.PostV2Async(Guid.NewGuid().ToString(), $$"""{"type":"t","payload":[{{n}}]}""")));
        Assert.All(answers, static answer => Assert.Equal(201, answer.Status));
    }

    private Task PublishedAsync(long position) => Eventually.TrueAsync(async () => await WatermarkAsync() == position, $"published up to {position}");

    private async Task<long> WatermarkAsync() =>
        await _database.ConnectionString.ScalarAsync<long>("select coalesce(max(position), 0) from published where log = (select max(log) from published)");
}
