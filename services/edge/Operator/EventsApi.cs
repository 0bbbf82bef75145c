using Microsoft.AspNetCore.Http.HttpResults;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>The lake's events, one by one, in pages or as a stream.</summary>
internal static class EventsApi
{
    private static readonly string[] Filter = ["type", "chat_jid", "occurred_from", "occurred_to"];

    /// <summary>The routes.</summary>
    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/events", ListAsync).ForViewers([.. Filter, "page_size", "page_token"]);
        api.MapGet("/events/{id}", GetAsync).ForViewers("revision");
        api.MapGet("/events/export", EventExport.WriteAsync).ForOperators([.. Filter, EventExport.Full]);
        api.MapPost("/events/import", EventImport.ReadAsync).ForOperators();
        api.MapGet("/stats", StatsAsync).ForViewers();
    }

    /// <summary>Which events a query means.</summary>
    public static EventFilter FilterOf(OperatorCall call) => new()
    {
        Tenant = call.Tenant,
        Types_ = { call.Query.Texts("type") },
        ChatJid = call.Query.Text("chat_jid"),
        OccurredFrom = call.Query.Time("occurred_from"),
        OccurredTo = call.Query.Time("occurred_to"),
    };

    private static async Task<JsonHttpResult<EventPage>> ListAsync(OperatorCall call, ServiceCalls services)
    {
        var request = new ListEventsRequest { Filter = FilterOf(call), PageSize = call.Query.PageSize, PageToken = call.Query.PageToken };
        var page = await services.Lake.ListEventsAsync(request, cancellationToken: call.Aborted);
        return Answer.Json(new EventPage(
            [.. page.Events.Select(static value => EventView.Of(value, withPayload: false))], page.NextPageToken.NullIfEmpty()));
    }

    private static async Task<JsonHttpResult<EventView>> GetAsync(string id, OperatorCall call, ServiceCalls services)
    {
        var request = new GetEventRequest { Tenant = call.Tenant, EventId = id };
        if (call.Query.Number("revision", 0, int.MaxValue) is { } revision)
            request.Revision = revision;
        var found = await services.Lake.GetEventAsync(request, cancellationToken: call.Aborted);
        return Answer.Json(EventView.Of(found.Event, call.SeesMessages));
    }

    private static async Task<JsonHttpResult<StatsView>> StatsAsync(OperatorCall call, ServiceCalls services)
    {
        var stats = await services.Lake.GetStatsAsync(
            new GetStatsRequest { Tenant = call.Tenant }, deadline: services.PatientDeadline, cancellationToken: call.Aborted);
        return Answer.Json(StatsView.Of(call.Tenant, stats, call.IsForInstallation));
    }
}
