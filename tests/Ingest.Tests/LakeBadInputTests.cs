using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>Whatever a client sends to the lake over gRPC: the answer names the field, and is never UNKNOWN.</summary>
public class LakeBadInputTests(SharedIngest shared) : IClassFixture<SharedIngest>
{
    private static readonly Timestamp[] NoTimes =
    [
        new() { Seconds = long.MaxValue }, new() { Seconds = long.MinValue }, new() { Seconds = 253_402_300_800 }, new() { Seconds = -62_135_596_801 },
        new() { Nanos = -1 }, new() { Nanos = int.MaxValue },
    ];

    private static IEnumerable<(string Field, Func<Lake.LakeClient, Task> Call)> Calls()
    {
        var id = Guid.NewGuid().ToString();
        foreach (var tenant in new[] { "", "a\0", new string('t', 101) })
        {
            yield return ("tenant", lake => lake.GetEventAsync(new GetEventRequest { Tenant = tenant, EventId = id }).ResponseAsync);
            yield return ("tenant", lake => lake.GetStatsAsync(new GetStatsRequest { Tenant = tenant }).ResponseAsync);
            yield return ("filter.tenant", lake => ListAsync(lake, new EventFilter { Tenant = tenant }));
            yield return ("filter.tenant", lake => ExportAsync(lake, new EventFilter { Tenant = tenant }));
            yield return ("events[0].tenant", lake => AppendAsync(lake, item => item.Tenant = tenant));
        }
        foreach (var eventId in new[] { "", "7", "\0", $"{{{id}}}", id.Replace("-", "", StringComparison.Ordinal), new string('a', 100_000) })
        {
            yield return ("event_id", lake => lake.GetEventAsync(new GetEventRequest { Tenant = "acme", EventId = eventId }).ResponseAsync);
            yield return ("events[0].event_id", lake => AppendAsync(lake, item => item.EventId = eventId));
        }
        foreach (var text in new[] { "x\0", new string('x', 256) })
        {
            yield return ("filter.chat_jid", lake => ListAsync(lake, new EventFilter { Tenant = "acme", ChatJid = text }));
            yield return ("filter.types", lake => ExportAsync(lake, new EventFilter { Tenant = "acme", Types_ = { "t", text } }));
            yield return ("events[0].type", lake => AppendAsync(lake, item => item.Type = text));
            yield return ("events[0].chat_jid", lake => AppendAsync(lake, item => item.ChatJid = text));
            yield return ("events[0].participant_jid", lake => AppendAsync(lake, item => item.ParticipantJid = text));
            yield return ("events[0].participant_alt", lake => AppendAsync(lake, item => item.ParticipantAlt = text));
        }
        foreach (var time in NoTimes)
        {
            yield return ("filter.occurred_from", lake => ListAsync(lake, new EventFilter { Tenant = "acme", OccurredFrom = time }));
            yield return ("filter.occurred_to", lake => ExportAsync(lake, new EventFilter { Tenant = "acme", OccurredTo = time }));
            yield return ("events[0].occurred_at", lake => AppendAsync(lake, item => item.OccurredAt = time));
        }
        yield return ("filter.types", lake => ListAsync(lake, new EventFilter { Tenant = "acme", Types_ = { Enumerable.Repeat("t", 101) } }));
        yield return ("filter.tenant", lake => lake.ListEventsAsync(new ListEventsRequest()).ResponseAsync);
        yield return ("page_size", lake => lake.ListEventsAsync(new ListEventsRequest { Filter = new EventFilter { Tenant = "acme" }, PageSize = int.MinValue }).ResponseAsync);
        yield return ("page_token", lake => lake.ListEventsAsync(new ListEventsRequest { Filter = new EventFilter { Tenant = "acme" }, PageToken = "\0" }).ResponseAsync);
        yield return ("service", lake => lake.AppendAsync(new AppendRequest { Service = "\0" }).ResponseAsync);
        yield return ("events", lake => lake.AppendAsync(new AppendRequest { Service = "membership", Events = { Enumerable.Repeat(new DerivedEvent(), 1_001) } }).ResponseAsync);
        foreach (var (from, to) in new[] { (0L, 5L), (5L, 4L), (long.MinValue, long.MaxValue), (-1L, -1L) })
            yield return ("ranges", lake => AtAsync(lake, new PositionRange { Log = 1, From = from, To = to }));
        yield return ("ranges", lake => AtAsync(lake, [.. Enumerable.Repeat(new PositionRange { Log = 1, From = 1, To = 1 }, 1_001)]));
    }

    [Fact]
    public async Task Bad_input_is_refused_by_the_name_of_its_field()
    {
        var lake = new Lake.LakeClient(shared.Ingest.Channel);
        foreach (var (field, call) in Calls())
        {
            var refusal = await Assert.ThrowsAsync<RpcException>(() => call(lake));
            Assert.Equal((StatusCode.InvalidArgument, field), (refusal.StatusCode, refusal.Status.Detail.Split(' ')[0]));
        }
        Assert.Equal(0L, await shared.Database.ScalarAsync<long>("select count(*) from whatsapp_events"));
    }

    [Fact]
    public async Task The_ends_of_the_calendar_and_of_the_log_are_no_bad_input()
    {
        var lake = new Lake.LakeClient(shared.Ingest.Channel);
        var ends = new EventFilter { Tenant = "acme", OccurredFrom = new Timestamp { Seconds = -62_135_596_800 }, OccurredTo = new Timestamp { Seconds = 253_402_300_799, Nanos = 999_999_999 } };
        Assert.Empty((await lake.ListEventsAsync(new ListEventsRequest { Filter = ends })).Events);
        await AtAsync(lake, new PositionRange { Log = int.MaxValue, From = 1, To = long.MaxValue }, new PositionRange { Log = int.MinValue, From = long.MaxValue, To = long.MaxValue });
    }

    private static Task ListAsync(Lake.LakeClient lake, EventFilter filter) => lake.ListEventsAsync(new ListEventsRequest { Filter = filter }).ResponseAsync;

    private static async Task ExportAsync(Lake.LakeClient lake, EventFilter filter)
    {
        using var call = lake.ExportEvents(new ExportEventsRequest { Filter = filter });
        while (await call.ResponseStream.MoveNext(default))
        {
        }
    }

    private static async Task AtAsync(Lake.LakeClient lake, params PositionRange[] ranges)
    {
        using var call = lake.GetEventsAt(new GetEventsAtRequest { Ranges = { ranges } });
        while (await call.ResponseStream.MoveNext(default))
        {
        }
    }

    private static Task AppendAsync(Lake.LakeClient lake, Action<DerivedEvent> change)
    {
        var item = new DerivedEvent { Tenant = "acme", EventId = Guid.NewGuid().ToString(), Type = "t", OccurredAt = new Timestamp { Seconds = 1717243200 }, PayloadJson = "{}" };
        change(item);
        return lake.AppendAsync(new AppendRequest { Service = "membership", Events = { item } }).ResponseAsync;
    }
}
