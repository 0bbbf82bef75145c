using WhatsAppMesh.Dispatch.Operator;

namespace WhatsAppMesh.Dispatch.Executions;

/// <summary><c>/api/executions</c>: what became of jobs, and what operators decide about them.</summary>
internal static class ExecutionsApi
{
    private const string What = "execution";
    private const int MaxReason = 1000;

    /// <summary>The routes.</summary>
    public static void Map(IEndpointRouteBuilder api)
    {
        api.Look("/api/executions", ListAsync);
        api.Look("/api/executions/{id}", GetAsync);
        api.Act(HttpMethods.Post, "/api/executions/{id}/replay", ReplayAsync);
        api.Act(HttpMethods.Post, "/api/triggers/executions/{id}/replay", ReplayAsync);
        api.Act(HttpMethods.Post, "/api/executions/{id}/resolve", ResolveAsync);
        api.Act(HttpMethods.Post, "/api/executions/{id}/discard", DiscardAsync);
    }

    /// <summary>Reads the filter of a query.</summary>
    public static ExecutionFilter Filter(Query query) => new(
        Statuses(query.Text("status")), query.Id("automation"), query.Text("entity"), query.Text("instance"), query.Time("from"), query.Time("to"));

    /// <summary>Reads statuses separated by commas; none when there are none.</summary>
    public static IReadOnlyList<string> Statuses(string? text)
    {
        var statuses = text?.Split(',', StringSplitOptions.TrimEntries) ?? [];
        return statuses.All(ExecutionQueries.Statuses.Contains)
            ? statuses
            : throw ApiRefusal.Invalid("status", $"must be one or more of {string.Join(", ", ExecutionQueries.Statuses)}, separated by commas");
    }

    private static async Task ListAsync(HttpContext context, Caller caller)
    {
        var query = new Query(context.Request.Query);
        var page = await Queries(context).ListAsync(caller.Tenant, Filter(query), query.Page, query.PageSize, caller.IsOperator, context.RequestAborted);
        await context.AnswerAsync(page, DispatchJson.Default.ExecutionPage);
    }

    private static async Task GetAsync(HttpContext context, Caller caller) => await context.AnswerAsync(
        await Queries(context).FindAsync(caller.Tenant, context.Id(What), caller.IsOperator, context.RequestAborted) ?? throw ApiRefusal.NotFound(What),
        DispatchJson.Default.ExecutionView);

    private static async Task ReplayAsync(HttpContext context, Caller caller)
    {
        var id = context.Id(What);
        var (fields, errors) = await FieldsAsync(context);
        var (reason, force) = (fields.Text("reason", MaxReason), fields.Bool("force_new_key") ?? false);
        if (force && reason is null)
            errors.Add("reason", "is required with force_new_key: the message may be sent twice");
        Check(fields, errors);
        await AnswerReplayAsync(context, await Decisions(context).ReplayAsync(new Decider(caller.Tenant, caller.Key, reason ?? ""), id, force, context.RequestAborted));
    }

    private static async Task ResolveAsync(HttpContext context, Caller caller)
    {
        var id = context.Id(What);
        var (fields, errors) = await FieldsAsync(context);
        var (outcome, reason, again) = (fields.Text("outcome", 20, required: true), fields.Text("reason", MaxReason, required: true), fields.Bool("send_again") ?? false);
        if (outcome is not (null or "sent" or "not_sent"))
            errors.Add("outcome", "must be sent or not_sent");
        if (again && outcome != "not_sent")
            errors.Add("send_again", "goes with not_sent only");
        Check(fields, errors);
        var by = new Decider(caller.Tenant, caller.Key, reason!);
        var (before, verdict, newId) = again
            ? await Decisions(context).ResendAsync(by, id, context.RequestAborted) ?? throw ApiRefusal.NotFound(What)
            : (await Decisions(context).ResolveAsync(by, id, outcome == "sent", context.RequestAborted) ?? throw ApiRefusal.NotFound(What), null, null);
        if (before != "in_doubt")
            throw new ApiRefusal(StatusCodes.Status409Conflict, "not_in_doubt", "Only an execution whose outcome is not known can be resolved.", state: before);
        if (verdict is not null)
            await AnswerReplayAsync(context, (verdict, newId));
        else
            await context.AnswerAsync(new ReplayAnswer(outcome == "sent" ? "sent" : "failed_retryable", null, null), DispatchJson.Default.ReplayAnswer);
    }

    private static async Task DiscardAsync(HttpContext context, Caller caller)
    {
        var id = context.Id(What);
        var (fields, errors) = await FieldsAsync(context);
        var reason = fields.Text("reason", MaxReason, required: true);
        Check(fields, errors);
        var before = await Decisions(context).DiscardAsync(new Decider(caller.Tenant, caller.Key, reason!), id, context.RequestAborted) ?? throw ApiRefusal.NotFound(What);
        if (before is not ("failed_retryable" or "failed" or "in_doubt" or "expired" or "discarded"))
            throw new ApiRefusal(StatusCodes.Status409Conflict, "not_discardable", "Only an execution that failed, expired or is in doubt can be given up.", state: before);
        await context.AnswerAsync(new ReplayAnswer("discarded", null, null), DispatchJson.Default.ReplayAnswer);
    }

    private static Task AnswerReplayAsync(HttpContext context, (ReplayVerdict Verdict, Guid? NewId)? answer) => answer switch
    {
        null => throw ApiRefusal.NotFound(What),
        (ReplayVerdict.AlreadySent, _) => context.AnswerAsync(new ReplayAnswer("ok", null, "idempotent_skip"), DispatchJson.Default.ReplayAnswer),
        (ReplayVerdict.TooSoon soon, _) => throw new ApiRefusal(
            StatusCodes.Status429TooManyRequests, "rate_limited", "This execution was replayed a moment ago.", retryAfter: soon.Wait),
        (ReplayVerdict.Forbidden forbidden, _) => throw new ApiRefusal(
            StatusCodes.Status409Conflict, "not_replayable", forbidden.Why, state: forbidden.Status),
        var (_, newId) => context.AnswerAsync(new ReplayAnswer("ok", newId, null), DispatchJson.Default.ReplayAnswer),
    };

    private static async Task<(JsonFields Fields, FieldErrors Errors)> FieldsAsync(HttpContext context)
    {
        var errors = new FieldErrors();
        return (new JsonFields(await context.BodyAsync(), "", errors), errors);
    }

    private static void Check(JsonFields fields, FieldErrors errors)
    {
        fields.RefuseOthers();
        if (!errors.IsEmpty)
            throw ApiRefusal.Unprocessable("invalid_body", "The request cannot be understood.", errors);
    }

    private static ExecutionQueries Queries(HttpContext context) => context.RequestServices.GetRequiredService<ExecutionQueries>();

    private static ExecutionDecisions Decisions(HttpContext context) => context.RequestServices.GetRequiredService<ExecutionDecisions>();
}
