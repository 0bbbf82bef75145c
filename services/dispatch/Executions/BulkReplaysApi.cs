using System.Text.Json;
using WhatsAppMesh.Dispatch.Operator;

namespace WhatsAppMesh.Dispatch.Executions;

/// <summary><c>POST /api/executions/replay</c> and <c>/api/dispatch/replays</c>: the replay of many executions.</summary>
internal static class BulkReplaysApi
{
    private const string What = "replay";
    private const int MaxIds = 10_000;

    /// <summary>The routes.</summary>
    public static void Map(IEndpointRouteBuilder api)
    {
        api.Act(HttpMethods.Post, "/api/executions/replay", CreateAsync);
        api.Look("/api/dispatch/replays/{id}", async (context, caller) =>
            await AnswerAsync(context, await Replays(context).FindAsync(caller.Tenant, context.Id(What), context.RequestAborted)));
        api.Act(HttpMethods.Post, "/api/dispatch/replays/{id}/pause", (context, caller) => SetAsync(context, caller, "paused"));
        api.Act(HttpMethods.Post, "/api/dispatch/replays/{id}/resume", (context, caller) => SetAsync(context, caller, "running"));
        api.Act(HttpMethods.Delete, "/api/dispatch/replays/{id}", (context, caller) => SetAsync(context, caller, "cancelled"));
    }

    private static async Task CreateAsync(HttpContext context, Caller caller)
    {
        var options = context.RequestServices.GetRequiredService<DispatchOptions>();
        var errors = new FieldErrors();
        var fields = new JsonFields(await context.BodyAsync(), "", errors);
        var filter = fields.Object("filter") is { } given ? ReadFilter(given, errors) : null;
        var (reason, isDry, force) = (fields.Text("reason", 1000, required: true), fields.Bool("dry_run") ?? false, fields.Bool("force_new_key") ?? false);
        var rate = fields.Int("rate", 1, 1000) ?? options.ReplayRate;
        fields.RefuseOthers();
        if (filter is null)
            errors.Add("filter", "is required: an empty one takes everything that can be replayed");
        if (!errors.IsEmpty)
            throw ApiRefusal.Unprocessable("invalid_body", "The request cannot be understood.", errors);

        var order = new BulkOrder(filter!, rate, force);
        if (isDry)
        {
            var count = await Replays(context).CountAsync(caller.Tenant, order, context.RequestAborted);
            await context.AnswerAsync(new BulkReplayView(null, "dry_run", count, 0, 0, 0, rate, reason!, caller.Key, null, null), DispatchJson.Default.BulkReplayView);
            return;
        }

        var created = await Replays(context).CreateAsync(new Decider(caller.Tenant, caller.Key, reason!), order, context.RequestAborted);
        context.Response.Headers.Location = $"/api/dispatch/replays/{created.ReplayId}";
        await context.AnswerAsync(created, DispatchJson.Default.BulkReplayView, StatusCodes.Status202Accepted);
    }

    private static ExecutionFilter ReadFilter(JsonElement element, FieldErrors errors)
    {
        var fields = new JsonFields(element, "filter", errors);
        var filter = new ExecutionFilter(
            Statuses(fields, errors), Id(fields, errors), fields.Text("entity", 255), fields.Text("instance", 255), Time(fields, "from", errors), Time(fields, "to", errors),
            Ids(fields, errors));
        fields.RefuseOthers();
        return filter;
    }

    private static IReadOnlyList<string> Statuses(JsonFields fields, FieldErrors errors)
    {
        var statuses = fields.Text("status", 255)?.Split(',', StringSplitOptions.TrimEntries) ?? [];
        if (!statuses.All(ExecutionQueries.Statuses.Contains))
            errors.Add(fields.Path("status"), $"must be one or more of {string.Join(", ", ExecutionQueries.Statuses)}, separated by commas");
        return statuses;
    }

    private static Guid? Id(JsonFields fields, FieldErrors errors)
    {
        if (fields.Text("automation", 255) is not { } text)
            return null;
        if (Guid.TryParse(text, out var id))
            return id;
        errors.Add(fields.Path("automation"), "must be a UUID");
        return null;
    }

    private static DateTimeOffset? Time(JsonFields fields, string name, FieldErrors errors)
    {
        if (fields.Text(name, 255) is not { } text)
            return null;
        if (Query.TryTime(text, out var time))
            return time;
        errors.Add(fields.Path(name), "must be a time such as 2026-11-21T10:00:00Z");
        return null;
    }

    private static List<Guid>? Ids(JsonFields fields, FieldErrors errors)
    {
        if (fields.Get("ids") is not { } list)
            return null;
        var ids = new List<Guid>();
        if (list.ValueKind == JsonValueKind.Array && list.GetArrayLength() <= MaxIds
            && list.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String && Guid.TryParse(one.GetString(), out var id) && Add(id)))
            return ids;
        errors.Add(fields.Path("ids"), $"must be a list of at most {MaxIds} UUIDs");
        return null;

        bool Add(Guid id)
        {
            ids.Add(id);
            return true;
        }
    }

    private static async Task SetAsync(HttpContext context, Caller caller, string state) =>
        await AnswerAsync(context, await Replays(context).SetStateAsync(caller.Tenant, context.Id(What), state, context.RequestAborted));

    private static Task AnswerAsync(HttpContext context, BulkReplayView? replay) =>
        context.AnswerAsync(replay ?? throw ApiRefusal.NotFound(What), DispatchJson.Default.BulkReplayView);

    private static BulkReplays Replays(HttpContext context) => context.RequestServices.GetRequiredService<BulkReplays>();
}
