using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Npgsql;
using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>No request to the lake's gRPC service may cost more than its answer is worth, or harm others.</summary>
public class LakeLimitsTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private FakeSidecar _sidecar = null!;
    private IngestUnderTest _ingest = null!;
    private V1.Lake.LakeClient _lake = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _sidecar = await FakeSidecar.StartAsync();
        _ingest = await IngestUnderTest.StartAsync(_database.ConnectionString, _sidecar);
        _lake = new V1.Lake.LakeClient(_ingest.Channel);
    }

    public async Task DisposeAsync()
    {
        await _ingest.DisposeAsync();
        await _sidecar.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_page_ends_before_two_mebibytes_but_holds_at_least_one_event()
    {
        foreach (var size in new[] { 900_000, 900_000, 2_500_000, 900_000, 900_000, 900_000 })
            Assert.Equal(201, (await _ingest.PostV2Async(Guid.NewGuid().ToString(), $$"""{"type":"t","payload":["{{new string('x', size)}}"]}""")).Status);
        var (pages, token) = (new List<string>(), "");
        do
        {
            var page = await _lake.ListEventsAsync(new ListEventsRequest { Filter = new EventFilter { Tenant = "acme" }, PageToken = token });
            pages.Add(string.Join(',', page.Events.Select(static item => item.Position)));
            token = page.NextPageToken;
        }
        while (token.Length > 0);
        Assert.Equal(["6,5", "4", "3", "2,1"], pages);

        using var export = _lake.ExportEvents(new ExportEventsRequest { Filter = new EventFilter { Tenant = "acme" } });
        var positions = new List<long>();
        await foreach (var item in export.ResponseStream.ReadAllAsync())
            positions.Add(item.Event.Position);
        Assert.Equal([1L, 2L, 3L, 4L, 5L, 6L], positions);
    }

    [Fact]
    public async Task A_tenant_that_nobody_knows_has_no_events_and_costs_no_look_at_them()
    {
        await _ingest.PostV2Async(Guid.NewGuid().ToString(), """{"type":"t","payload":{}}""");
        await using var connection = new NpgsqlConnection(_database.ConnectionString);
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await new NpgsqlCommand("lock table whatsapp_events in access exclusive mode", connection).ExecuteNonQueryAsync();
        var page = await _lake.ListEventsAsync(new ListEventsRequest { Filter = new EventFilter { Tenant = "nobody" } }, deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(10));
        Assert.Empty(page.Events);
        Assert.Empty(page.NextPageToken);
    }

    [Fact]
    public async Task Readers_that_hold_every_connection_of_theirs_leave_the_service_ready()
    {
        var queries = _ingest.Services.GetRequiredService<LakeDatabase>().Queries;
        var held = new List<NpgsqlConnection>();
        for (var n = 0; n < 8; n++)
            held.Add(await queries.OpenConnectionAsync());
        using (var answer = await _ingest.Http.GetAsync("/readyz"))
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        foreach (var connection in held)
            await connection.DisposeAsync();
    }

    [Fact]
    public async Task Streams_that_nobody_reads_on_hold_no_connection()
    {
        for (var n = 0; n < 5; n++)
            await _ingest.PostV2Async(Guid.NewGuid().ToString(), $$"""{"type":"t","payload":["{{new string('x', 900_000)}}"]}""");
        var streams = new List<AsyncServerStreamingCall<GetEventsAtResponse>>();
        for (var n = 0; n < 10; n++)
        {
            streams.Add(_lake.GetEventsAt(new GetEventsAtRequest { Ranges = { new PositionRange { Log = 1, From = 1, To = 3 }, new PositionRange { Log = 1, From = 4, To = 5 } } }));
            Assert.True(await streams[^1].ResponseStream.MoveNext(default));
        }
        var stats = await _lake.GetStatsAsync(new GetStatsRequest { Tenant = "acme" }, deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(10));
        Assert.Equal(5, stats.Events);
        var positions = new List<long> { streams[0].ResponseStream.Current.Event.Position };
        while (await streams[0].ResponseStream.MoveNext(default))
            positions.Add(streams[0].ResponseStream.Current.Event.Position);
        Assert.Equal([1L, 2L, 3L, 4L, 5L], positions);
        streams.ForEach(static stream => stream.Dispose());
    }

    [Fact]
    public async Task What_no_database_can_hold_is_an_invalid_argument_that_names_its_field()
    {
        var late = new Timestamp { Seconds = 253_402_300_800 };
        await RefusedAsync("filter.tenant", new EventFilter { Tenant = "a\0b" });
        await RefusedAsync("filter.chat_jid", new EventFilter { Tenant = "acme", ChatJid = "1\0@g.us" });
        await RefusedAsync("filter.types", new EventFilter { Tenant = "acme", Types_ = { "t\0" } });
        await RefusedAsync("filter.occurred_from", new EventFilter { Tenant = "acme", OccurredFrom = late });
        await RefusedAsync("filter.occurred_to", new EventFilter { Tenant = "acme", OccurredTo = new Timestamp { Nanos = -1 } });
        await RefusedAsync("tenant", () => _lake.GetEventAsync(new GetEventRequest { Tenant = "a\0b", EventId = Guid.NewGuid().ToString() }).ResponseAsync);
        await RefusedAsync("tenant", () => _lake.GetStatsAsync(new GetStatsRequest { Tenant = "a\0b" }).ResponseAsync);
        var derived = new DerivedEvent { Tenant = "acme", EventId = Guid.NewGuid().ToString(), Type = "t", OccurredAt = late, PayloadJson = "{}" };
        await RefusedAsync("events[0].occurred_at", () => _lake.AppendAsync(new AppendRequest { Service = "membership", Events = { derived } }).ResponseAsync);
    }

    private Task RefusedAsync(string field, EventFilter filter) => RefusedAsync(field, () => _lake.ListEventsAsync(new ListEventsRequest { Filter = filter }).ResponseAsync);

    private static async Task RefusedAsync(string field, Func<Task> call)
    {
        var refusal = (await Assert.ThrowsAsync<RpcException>(call)).Status;
        Assert.Equal((StatusCode.InvalidArgument, true), (refusal.StatusCode, refusal.Detail.StartsWith($"{field} ", StringComparison.Ordinal)));
    }
}
