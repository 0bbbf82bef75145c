using Microsoft.AspNetCore.Http.HttpResults;
using WhatsAppMesh.DeadLetters.V1;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>Dead letters of every consumer, and their replay.</summary>
internal static class DeadLettersApi
{
    private const string Service = "service";

    /// <summary>The routes.</summary>
    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/dead-letters", ListAsync)
            .ForViewers(Service, "type", "category", "error", "state", "dead_from", "dead_to", "page_size", "page_token");
        api.MapGet("/dead-letters/{id}", GetAsync).ForViewers(Service);
        api.MapPost("/dead-letters/replay", ReplayAsync).ForOperators();
        api.MapPost("/dead-letters/discard", DiscardAsync).ForOperators();
    }

    private static async Task<JsonHttpResult<DeadLetterPage>> ListAsync(OperatorCall call, Consumers consumers)
    {
        var service = consumers.Named(Service, call.Query.Required(Service));
        var request = new ListRequest
        {
            Filter = new DeadLetterFilter
            {
                Tenant = call.Tenant,
                Types_ = { call.Query.Texts("type") },
                Category = call.Query.Text("category"),
                Error = call.Query.Text("error"),
                State = StateOf("state", call.Query.Text("state")),
                DeadFrom = call.Query.Time("dead_from"),
                DeadTo = call.Query.Time("dead_to"),
            },
            PageSize = call.Query.PageSize,
            PageToken = Consumers.OpenToken(service, call.Query.PageToken),
        };
        var page = await consumers.DeadLettersOf(service).ListAsync(request, cancellationToken: call.Aborted);
        return Answer.Json(new DeadLetterPage(
            [.. page.DeadLetters.Select(letter => DeadLetterView.Of(service, letter))],
            request.PageToken.Length > 0 ? null : [.. page.Causes.Select(static c => new CauseView(c.Category, c.Error, c.Step, c.Type, c.Count))],
            Consumers.SealToken(service, page.NextPageToken)));
    }

    private static async Task<JsonHttpResult<DeadLetterDetail>> GetAsync(string id, OperatorCall call, Consumers consumers)
    {
        var request = new GetRequest { Tenant = call.Tenant, Id = id };
        var (service, found) = await consumers.FindAsync(
            call.Query.Text(Service), "dead letter", service => consumers.DeadLettersOf(service).GetAsync(request, cancellationToken: call.Aborted).ResponseAsync);
        return Answer.Json(new DeadLetterDetail(
            DeadLetterView.Of(service, found.DeadLetter), call.SeesMessages ? RawJson.Of(found.EnvelopeJson) : null));
    }

    private static async Task<JsonHttpResult<ReplayAnswer>> ReplayAsync(HttpContext context, OperatorCall call, Consumers consumers, OperatorBody body)
    {
        var order = await body.ReadAsync(context, OperatorJson.Api.ReplayOrder);
        var service = consumers.Named(Service, order.Service);
        var request = new ReplayRequest
        {
            Tenant = call.Tenant,
            Ids = { OrderFields.Texts("ids", order.Ids) },
            Filter = order.Filter is { } filter ? FilterOf(call.Tenant, filter) : null,
            Ranges = { OrderFields.List("ranges", order.Ranges).Select(static range => new PositionRange { Log = range.Log, From = range.From, To = range.To }) },
            DryRun = order.DryRun,
            Reason = OrderFields.Text("reason", order.Reason),
            Rate = order.Rate,
            AllowSends = order.AllowSends,
            RequestedBy = call.Key,
        };
        var answer = await consumers.DeadLettersOf(service).ReplayAsync(request, cancellationToken: call.Aborted);
        return Answer.Json(new ReplayAnswer(answer.Matched, answer.JobId.NullIfEmpty()));
    }

    private static async Task<JsonHttpResult<DiscardAnswer>> DiscardAsync(HttpContext context, OperatorCall call, Consumers consumers, OperatorBody body)
    {
        var order = await body.ReadAsync(context, OperatorJson.Api.DiscardOrder);
        var service = consumers.Named(Service, order.Service);
        var request = new DiscardRequest { Tenant = call.Tenant, Ids = { OrderFields.Texts("ids", order.Ids) }, Reason = OrderFields.Text("reason", order.Reason), RequestedBy = call.Key };
        var answer = await consumers.DeadLettersOf(service).DiscardAsync(request, cancellationToken: call.Aborted);
        return Answer.Json(new DiscardAnswer(answer.Discarded));
    }

    private static DeadLetterFilter FilterOf(string tenant, FilterOrder filter) => new()
    {
        Tenant = tenant,
        Types_ = { OrderFields.Texts("filter.types", filter.Types) },
        Category = OrderFields.Text("filter.category", filter.Category),
        Error = OrderFields.Text("filter.error", filter.Error),
        State = StateOf("filter.state", filter.State ?? ""),
        DeadFrom = OrderFields.Time("filter.dead_from", filter.DeadFrom),
        DeadTo = OrderFields.Time("filter.dead_to", filter.DeadTo),
    };

    private static State StateOf(string field, string name) =>
        DeadLetterView.StateOf(name) ?? throw OperatorRefusal.Invalid(field, "must be open, replayed, failed_again or discarded");
}
