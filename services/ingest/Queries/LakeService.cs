using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Ingest;

/// <summary>The lake over gRPC: queries for operators, and the ground truth for services.</summary>
internal sealed class LakeService(LakeQueries queries, LakeAppender appender, LakeImporter importer, LakeDatabase database, TimeProvider clock) : V1.Lake.LakeBase
{
    private const int DefaultPageSize = 50;
    private const int MaxPageSize = 500;
    private const int MaxRanges = 1_000;
    private const int MaxTypes = 100;
    private const int MaxTenantLength = 100;
    private const int Chunk = 500;

    /// <inheritdoc/>
    public override async Task<GetEventResponse> GetEvent(GetEventRequest request, ServerCallContext context)
    {
        RequireTenant(request.Tenant, "tenant");
        Require(Guid.TryParseExact(request.EventId, "D", out var eventId), "event_id", "must be a UUID");
        var found = await queries.FindAsync(request.Tenant, eventId, request.HasRevision ? request.Revision : null, context.CancellationToken);
        return new GetEventResponse { Event = found ?? throw new RpcException(new Status(StatusCode.NotFound, $"There is no event {eventId}{(request.HasRevision ? $" with revision {request.Revision}" : "")}.")) };
    }

    /// <inheritdoc/>
    public override async Task<ListEventsResponse> ListEvents(ListEventsRequest request, ServerCallContext context)
    {
        var filter = Required(request.Filter);
        Require(request.PageSize is >= 0 and <= MaxPageSize, "page_size", $"must be 0 to {MaxPageSize}");
        PageToken? before = null;
        if (request.PageToken.Length > 0)
        {
            Require(PageToken.TryRead(request.PageToken, filter, out var token), "page_token", "belongs to another filter, or is no token");
            before = token;
        }
        var size = request.PageSize == 0 ? DefaultPageSize : request.PageSize;
        var page = await queries.NewestAsync(filter, before, size, context.CancellationToken);
        return new ListEventsResponse { Events = { page.Events }, NextPageToken = page.HasMore ? TokenOf(page.Events[^1]).ToText(filter) : "" };
    }

    /// <inheritdoc/>
    public override async Task ExportEvents(ExportEventsRequest request, IServerStreamWriter<ExportEventsResponse> responseStream, ServerCallContext context)
    {
        var filter = Required(request.Filter);
        // What is logged by now: an export that ran after its own tail would never end.
        var heads = (await queries.HeadsAsync(context.CancellationToken)).ToDictionary(static head => head.Log, static head => head.Newest);
        // Page by page: one long query would hold back the database's clean-up for as long as the client reads.
        for (PageToken? after = new PageToken(0, 0); after is { } place;)
        {
            var page = await queries.InOrderAsync(filter, place, Chunk, context.CancellationToken);
            foreach (var item in page.Events)
            {
                if (item.Position > heads.GetValueOrDefault(item.Log))
                    return;
                await responseStream.WriteAsync(new ExportEventsResponse { Event = item }, context.CancellationToken);
            }
            after = page.HasMore ? TokenOf(page.Events[^1]) : null;
        }
    }

    /// <inheritdoc/>
    public override Task<ImportEventsResponse> ImportEvents(IAsyncStreamReader<ImportEventsRequest> requestStream, ServerCallContext context) =>
        importer.ImportAsync(requestStream, context.CancellationToken);

    /// <inheritdoc/>
    public override async Task<GetStatsResponse> GetStats(GetStatsRequest request, ServerCallContext context)
    {
        RequireTenant(request.Tenant, "tenant");
        var stats = await queries.CountAsync(request.Tenant, context.CancellationToken);
        var backlog = await BacklogWatch.LookAsync(database.Queries, clock.GetUtcNow(), context.CancellationToken);
        (stats.Unpublished, stats.UnpublishedOldestAgeSeconds) = (backlog.Events, backlog.OldestAgeSeconds);
        return stats;
    }

    /// <inheritdoc/>
    public override Task<AppendResponse> Append(AppendRequest request, ServerCallContext context) => appender.AppendAsync(request);

    /// <inheritdoc/>
    public override async Task<GetHeadsResponse> GetHeads(GetHeadsRequest request, ServerCallContext context) =>
        new() { Heads = { await queries.HeadsAsync(context.CancellationToken) } };

    /// <inheritdoc/>
    public override async Task GetEventsAt(GetEventsAtRequest request, IServerStreamWriter<GetEventsAtResponse> responseStream, ServerCallContext context)
    {
        Require(request.Ranges.Count <= MaxRanges, "ranges", $"must be at most {MaxRanges}");
        foreach (var range in request.Ranges)
            Require(range.From >= 1 && range.From <= range.To, "ranges", "must each have 1 <= from <= to");
        var heads = (await queries.HeadsAsync(context.CancellationToken)).ToDictionary(static head => head.Log, static head => head.Newest);
        foreach (var ranges in PositionChunks.Of(request.Ranges, heads, Chunk))
        {
            var gaps = new PositionGaps(ranges);
            await foreach (var item in queries.AtAsync(ranges, context.CancellationToken))
            {
                foreach (var retired in gaps.Before(item.Log, item.Position))
                    await responseStream.WriteAsync(new GetEventsAtResponse { Retired = retired }, context.CancellationToken);
                await responseStream.WriteAsync(new GetEventsAtResponse { Event = item }, context.CancellationToken);
            }
            foreach (var retired in gaps.Rest())
                await responseStream.WriteAsync(new GetEventsAtResponse { Retired = retired }, context.CancellationToken);
        }
    }

    /// <summary>INVALID_ARGUMENT that names the field, unless a rule holds.</summary>
    internal static void Require(bool holds, string field, string rule)
    {
        if (!holds)
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"{field} {rule}."));
    }

    /// <summary>INVALID_ARGUMENT that names the field, unless a time is absent or one that a calendar holds.</summary>
    internal static void RequireTime(Timestamp? time, string field) =>
        Require(TextRules.IsTime(time), field, TextRules.Time);

    /// <summary>INVALID_ARGUMENT that names the field, unless a text keeps the rules.</summary>
    internal static void RequireText(string text, string field, int maxLength, bool isRequired = false)
    {
        if (TextRules.BrokenBy(text, maxLength, isRequired) is { } rule)
            Require(false, field, rule);
    }

    /// <summary>INVALID_ARGUMENT that names the field, unless it can be a tenant's name.</summary>
    internal static void RequireTenant(string tenant, string field) => RequireText(tenant, field, MaxTenantLength, isRequired: true);

    private static EventFilter Required(EventFilter? filter)
    {
        RequireTenant(filter?.Tenant ?? "", "filter.tenant");
        RequireText(filter!.ChatJid, "filter.chat_jid", Jid.MaxLength);
        Require(filter.Types_.Count <= MaxTypes, "filter.types", $"must be at most {MaxTypes}");
        foreach (var type in filter.Types_)
            RequireText(type, "filter.types", EventReader.MaxTypeLength);
        RequireTime(filter.OccurredFrom, "filter.occurred_from");
        RequireTime(filter.OccurredTo, "filter.occurred_to");
        return filter;
    }

    private static PageToken TokenOf(CollectedEvent item) => new(item.Log, item.Position);
}
