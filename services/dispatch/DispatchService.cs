using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Npgsql;
using WhatsAppMesh.Dispatch.Automations;
using WhatsAppMesh.Dispatch.Executions;
using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Dispatch.Operator;
using WhatsAppMesh.Dispatch.V1;

namespace WhatsAppMesh.Dispatch;

/// <summary>The operator API's functions for services, over gRPC.</summary>
internal sealed class DispatchService(
    AutomationStore automations, ExecutionQueries queries, ExecutionDecisions decisions, ExecutionStats stats, Runs runs, DispatchOptions options,
    InstanceTenants instances) : V1.Dispatch.DispatchBase
{
    /// <inheritdoc/>
    public override async Task<V1.Automation> CreateAutomation(CreateAutomationRequest request, ServerCallContext context) =>
        View(await automations.CreateAsync(Tenant(request.Tenant), Read(request.Tenant, request.DefinitionJson, enabled: true), context.CancellationToken)
            ?? throw new RpcException(new Status(StatusCode.FailedPrecondition, "The tenant has as many automations as it may.")));

    /// <inheritdoc/>
    public override async Task<V1.Automation> UpdateAutomation(UpdateAutomationRequest request, ServerCallContext context)
    {
        var (tenant, id) = (Tenant(request.Tenant), Id(request.Id));
        var stored = Found(await automations.FindAsync(tenant, id, context.CancellationToken));
        var draft = Read(tenant, request.DefinitionJson, stored.Draft.Enabled);
        if (stored.Version == request.Version && await automations.UpdateAsync(tenant, id, draft, request.Version, context.CancellationToken) is { } updated)
            return View(updated);
        throw new RpcException(new Status(StatusCode.Aborted, "version: the automation has been changed since."));
    }

    /// <inheritdoc/>
    public override async Task<DeleteAutomationResponse> DeleteAutomation(DeleteAutomationRequest request, ServerCallContext context) =>
        await automations.DeleteAsync(Tenant(request.Tenant), Id(request.Id), context.CancellationToken) ? new DeleteAutomationResponse() : throw NotFound();

    /// <inheritdoc/>
    public override async Task<V1.Automation> GetAutomation(GetAutomationRequest request, ServerCallContext context) =>
        View(Found(await automations.FindAsync(Tenant(request.Tenant), Id(request.Id), context.CancellationToken)));

    /// <inheritdoc/>
    public override async Task<ListAutomationsResponse> ListAutomations(ListAutomationsRequest request, ServerCallContext context)
    {
        var size = Math.Min(Size(request.PageSize), AutomationsApi.MaxPage);
        var found = await automations.ListAsync(Tenant(request.Tenant), Page(request.PageToken), size + 1, context.CancellationToken);
        var page = found.Take(size).ToList();
        return new ListAutomationsResponse
        {
            Automations = { page.Select(View) },
            NextPageToken = found.Count > size ? new PageKey(page[^1].CreatedAt, page[^1].Id).Write() : "",
        };
    }

    /// <inheritdoc/>
    public override async Task<ListExecutionsResponse> ListExecutions(ListExecutionsRequest request, ServerCallContext context)
    {
        if (request.Statuses.FirstOrDefault(static status => !ExecutionQueries.Statuses.Contains(status)) is not null)
            throw Invalid("statuses", $"must be of {string.Join(", ", ExecutionQueries.Statuses)}");
        var filter = new ExecutionFilter(
            [.. request.Statuses], request.AutomationId.Length > 0 ? Id(request.AutomationId, "automation_id") : null, OrNull(request.Entity), OrNull(request.InstanceId),
            request.From?.ToDateTimeOffset(), request.To?.ToDateTimeOffset());
        var page = await queries.ListAsync(Tenant(request.Tenant), filter, Page(request.PageToken), Size(request.PageSize), withMessage: false, context.CancellationToken);
        return new ListExecutionsResponse { Executions = { page.Executions.Select(View) }, NextPageToken = page.NextPageToken ?? "" };
    }

    /// <inheritdoc/>
    public override async Task<Execution> GetExecution(GetExecutionRequest request, ServerCallContext context) =>
        View(Found(await queries.FindAsync(Tenant(request.Tenant), Id(request.Id), withMessage: false, context.CancellationToken)));

    /// <inheritdoc/>
    public override async Task<ReplayExecutionResponse> ReplayExecution(ReplayExecutionRequest request, ServerCallContext context)
    {
        var by = By(request.Tenant, request.RequestedBy, request.Reason, isReasonRequired: request.ForceNewKey);
        return await decisions.ReplayAsync(by, Id(request.Id), request.ForceNewKey, context.CancellationToken) switch
        {
            null => throw NotFound(),
            (ReplayVerdict.AlreadySent, _) => new ReplayExecutionResponse { IdempotentSkip = true },
            (ReplayVerdict.TooSoon soon, _) => throw new RpcException(new Status(
                StatusCode.ResourceExhausted, $"The execution was replayed a moment ago: try again in {Math.Ceiling(soon.Wait.TotalSeconds)} s.")),
            (ReplayVerdict.Forbidden forbidden, _) => throw new RpcException(new Status(StatusCode.FailedPrecondition, forbidden.Why)),
            var (_, newId) => new ReplayExecutionResponse { NewExecutionId = newId.ToString() },
        };
    }

    /// <inheritdoc/>
    public override async Task<ResolveExecutionResponse> ResolveExecution(ResolveExecutionRequest request, ServerCallContext context)
    {
        var by = By(request.Tenant, request.RequestedBy, request.Reason, isReasonRequired: true);
        var before = Found(await decisions.ResolveAsync(by, Id(request.Id), request.WasSent, context.CancellationToken));
        return before == "in_doubt" ? new ResolveExecutionResponse() : throw Forbidden(before);
    }

    /// <inheritdoc/>
    public override async Task<DiscardExecutionResponse> DiscardExecution(DiscardExecutionRequest request, ServerCallContext context)
    {
        var by = By(request.Tenant, request.RequestedBy, request.Reason, isReasonRequired: true);
        var before = Found(await decisions.DiscardAsync(by, Id(request.Id), context.CancellationToken));
        return before is "failed_retryable" or "failed" or "in_doubt" or "expired" or "discarded" ? new DiscardExecutionResponse() : throw Forbidden(before);
    }

    /// <inheritdoc/>
    public override async Task<Run> StartRun(StartRunRequest request, ServerCallContext context) =>
        View(await runs.CreateAsync(Tenant(request.Tenant), OrNull(request.RequestedBy) ?? "a service", context.CancellationToken));

    /// <inheritdoc/>
    public override async Task<Run> GetRun(GetRunRequest request, ServerCallContext context) =>
        View(Found(await runs.FindAsync(Tenant(request.Tenant), Id(request.Id), context.CancellationToken)));

    /// <inheritdoc/>
    public override async Task<Run> CancelRun(CancelRunRequest request, ServerCallContext context) =>
        View(Found(await runs.CancelAsync(Tenant(request.Tenant), Id(request.Id), context.CancellationToken)));

    /// <inheritdoc/>
    public override async Task<Stats> GetStats(GetStatsRequest request, ServerCallContext context)
    {
        if (request.WindowDays is < 0 or > StatsApi.MaxDays)
            throw Invalid("window_days", $"must be from 1 to {StatsApi.MaxDays}");
        var found = await stats.GetAsync(Tenant(request.Tenant), request.WindowDays == 0 ? StatsApi.DefaultDays : request.WindowDays, context.CancellationToken);
        return new Stats
        {
            WindowDays = found.WindowDays,
            TotalExecutions = found.TotalExecutions,
            ByStatus = { found.ByStatus.ToDictionary() },
            RetriesObserved = found.RetriesObserved,
            IdempotentReplays = found.IdempotentReplays,
            DlqSize = found.DlqSize,
            SendsToday = found.SendsToday,
            WatermarkHit = found.WatermarkHit,
        };
    }

    private AutomationDraft Read(string tenant, string definition, bool enabled) => AutomationsApi.Read(Json(definition), tenant, options, instances, enabled, out _);

    private static V1.Automation View(Automations.Automation one)
    {
        var view = AutomationView.Of(one, withMessages: true);
        var definition = new AutomationDefinition(view.Name, view.Enabled, view.Trigger, view.Steps);
        return new V1.Automation
        {
            Id = one.Id.ToString(),
            Version = one.Version,
            DefinitionJson = JsonSerializer.Serialize(definition, DispatchJson.Default.AutomationDefinition),
            CreatedAt = Timestamp.FromDateTimeOffset(one.CreatedAt),
            UpdatedAt = Timestamp.FromDateTimeOffset(one.UpdatedAt),
        };
    }

    private static Execution View(ExecutionView one) => new()
    {
        Id = one.Id.ToString(),
        Status = one.Status,
        Kind = one.Kind,
        AutomationId = one.AutomationId?.ToString() ?? "",
        StepId = one.StepId ?? "",
        Entity = one.Entity,
        InstanceId = one.InstanceId,
        DueAt = Timestamp.FromDateTimeOffset(one.DueAt),
        AttemptCount = one.AttemptCount,
        Category = one.Category ?? "",
        Error = one.Error ?? "",
        ExternalId = one.ExternalId ?? "",
        IdempotencyKey = one.IdempotencyKey,
        ReplayOf = one.ReplayOf?.ToString() ?? "",
        ReplayedAs = one.ReplayedAs?.ToString() ?? "",
        CreatedAt = Timestamp.FromDateTimeOffset(one.CreatedAt),
        FinishedAt = TimeOf(one.FinishedAt),
        Attempts = { (one.Attempts ?? []).Select(View) },
    };

    private static Attempt View(AttemptView one) => new()
    {
        Number = one.Number,
        StartedAt = Timestamp.FromDateTimeOffset(one.StartedAt),
        SendBeganAt = TimeOf(one.SendBeganAt),
        FinishedAt = TimeOf(one.FinishedAt),
        BrokerStatus = one.BrokerStatus ?? 0,
        Category = one.Category ?? "",
        LatencyMs = one.LatencyMs ?? 0,
        Error = one.Error ?? "",
    };

    private static Run View(RunView one) => new()
    {
        Id = one.RunId.ToString(),
        State = one.State,
        Queued = one.Queued,
        Claimed = one.Claimed,
        Skipped = one.Skipped,
        Sent = one.Sent,
        Failed = one.Failed,
        CreatedAt = Timestamp.FromDateTimeOffset(one.CreatedAt),
        FinishedAt = TimeOf(one.FinishedAt),
    };

    private static Timestamp? TimeOf(DateTimeOffset? time) => time is { } known ? Timestamp.FromDateTimeOffset(known) : null;

    private static Decider By(string tenant, string requestedBy, string reason, bool isReasonRequired) =>
        isReasonRequired && string.IsNullOrWhiteSpace(reason)
            ? throw Invalid("reason", "is required")
            : new Decider(Tenant(tenant), OrNull(requestedBy) ?? "a service", reason);

    private static string Tenant(string tenant) => tenant.Length > 0 ? tenant : throw Invalid("tenant", "is required");

    private static Guid Id(string id, string field = "id") => Guid.TryParse(id, out var parsed) ? parsed : throw Invalid(field, "must be a UUID");

    private static int Size(int size) => size switch
    {
        0 => Query.DefaultPage,
        >= 1 and <= Query.MaxPage => size,
        _ => throw Invalid("page_size", $"must be from 1 to {Query.MaxPage}"),
    };

    private static PageKey? Page(string token) => token.Length == 0 ? null : PageKey.Read(token) ?? throw Invalid("page_token", "is not one that was given out");

    private static string? OrNull(string text) => text.Length > 0 ? text : null;

    private static JsonElement Json(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = OperatorRoutes.MaxDepth, AllowDuplicateProperties = false });
            return OperatorRoutes.IsStorable(document.RootElement)
                ? document.RootElement.Clone()
                : throw Invalid("definition_json", "must hold neither NUL nor half a character, nor a number that no double can hold");
        }
        catch (JsonException)
        {
            throw Invalid("definition_json", $"must be JSON, nested at most {OperatorRoutes.MaxDepth} levels deep, without two members of one name in an object");
        }
    }

    private static T Found<T>(T? found) where T : class => found ?? throw NotFound();

    private static RpcException NotFound() => new(new Status(StatusCode.NotFound, "id: there is nothing of this id in the tenant."));

    private static RpcException Forbidden(string status) => new(new Status(StatusCode.FailedPrecondition, $"The execution is {status}."));

    private static RpcException Invalid(string field, string rule) => new(new Status(StatusCode.InvalidArgument, $"{field}: {rule}."));
}

/// <summary>Turns what the operator API refuses, and a database that is away, into gRPC statuses.</summary>
internal sealed class RefusalInterceptor : Grpc.Core.Interceptors.Interceptor
{
    /// <inheritdoc/>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context);
        }
        catch (ApiRefusal refusal)
        {
            throw new RpcException(new Status(
                StatusCode.InvalidArgument, string.Join("; ", (refusal.Errors ?? new Dictionary<string, IReadOnlyList<string>>()).Select(static one => $"{one.Key}: {string.Join(", ", one.Value)}"))));
        }
        catch (PostgresException exception) when (OperatorRoutes.IsBadData(exception))
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, "A text holds NUL, or another value cannot be kept."));
        }
        catch (NpgsqlException exception) when (exception.IsTransient)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "Dispatch's database does not answer: try again."));
        }
    }
}
