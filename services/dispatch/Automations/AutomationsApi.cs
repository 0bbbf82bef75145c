using System.Globalization;
using System.Text.Json;
using WhatsAppMesh.Dispatch.Operator;

namespace WhatsAppMesh.Dispatch.Automations;

/// <summary><c>/api/automations</c>.</summary>
internal static class AutomationsApi
{
    /// <summary>Most automations of a page, whatever was asked for: each may be large.</summary>
    public const int MaxPage = 100;

    private const string What = "automation";
    private const int MaxStepsBytes = 128 * 1024;

    /// <summary>The routes.</summary>
    public static void Map(IEndpointRouteBuilder api)
    {
        api.Look("/api/automations", ListAsync);
        api.Act(HttpMethods.Post, "/api/automations", CreateAsync);
        api.Look("/api/automations/{id}", GetAsync);
        api.Act(HttpMethods.Put, "/api/automations/{id}", UpdateAsync);
        api.Act(HttpMethods.Delete, "/api/automations/{id}", DeleteAsync);
    }

    /// <summary>Reads and checks an automation.</summary>
    /// <param name="enabled">Whether it is on when the body does not say.</param>
    /// <exception cref="ApiRefusal">422 <c>invalid_automation</c> with every error by field.</exception>
    public static AutomationDraft Read(JsonElement body, string tenant, DispatchOptions options, InstanceTenants instances, bool enabled, out int? version)
    {
        var errors = new FieldErrors();
        var draft = AutomationReader.Read(body, options, enabled, errors, out version);
        if (JsonSerializer.SerializeToUtf8Bytes(draft.Steps, AutomationJson.Default.IReadOnlyListAutomationStep).Length > MaxStepsBytes)
            errors.Add("steps", $"must have at most {MaxStepsBytes} bytes in all");
        foreach (var (index, step) in draft.Steps.Index())
        {
            if (step.InstanceId.Length > 0 && !instances.Has(tenant, step.InstanceId))
                errors.Add($"steps[{index}].instance_id", InstanceTenants.Rule);
            if (step.Message.SessionId is { } session && !instances.Has(tenant, session))
                errors.Add($"steps[{index}].message.sessionId", InstanceTenants.Rule);
        }

        return errors.IsEmpty ? draft : throw ApiRefusal.Unprocessable("invalid_automation", "The automation cannot be saved.", errors);
    }

    private static async Task ListAsync(HttpContext context, Caller caller)
    {
        var query = new Query(context.Request.Query);
        var size = Math.Min(query.PageSize, MaxPage);
        var found = await Store(context).ListAsync(caller.Tenant, query.Page, size + 1, context.RequestAborted);
        var page = found.Take(size).ToList();
        var next = found.Count > size ? new PageKey(page[^1].CreatedAt, page[^1].Id).Write() : null;
        await context.AnswerAsync(new AutomationPage([.. page.Select(one => AutomationView.Of(one, caller.IsOperator))], next), DispatchJson.Default.AutomationPage);
    }

    private static async Task GetAsync(HttpContext context, Caller caller) =>
        await AnswerAsync(context, caller, await Store(context).FindAsync(caller.Tenant, context.Id(What), context.RequestAborted) ?? throw ApiRefusal.NotFound(What));

    private static async Task CreateAsync(HttpContext context, Caller caller)
    {
        var draft = Read(context, caller, await context.BodyAsync(), enabled: true, out _);
        var created = await Store(context).CreateAsync(caller.Tenant, draft, context.RequestAborted) ?? throw new ApiRefusal(
            StatusCodes.Status409Conflict, "too_many_automations", "The tenant has as many automations as it may: delete one first.");
        context.Response.Headers.Location = $"/api/automations/{created.Id}";
        await AnswerAsync(context, caller, created, StatusCodes.Status201Created);
    }

    private static async Task UpdateAsync(HttpContext context, Caller caller)
    {
        var id = context.Id(What);
        var body = await context.BodyAsync();
        var stored = await Store(context).FindAsync(caller.Tenant, id, context.RequestAborted) ?? throw ApiRefusal.NotFound(What);
        // Whether it is on stays as it is, unless the body says.
        var draft = Read(context, caller, body, stored.Draft.Enabled, out var version);
        var expected = IfMatch(context) ?? version ?? throw new ApiRefusal(
            StatusCodes.Status428PreconditionRequired, "version_required", "Say which version you change: If-Match with the ETag, or version in the body.");
        if (stored.Version == expected && await Store(context).UpdateAsync(caller.Tenant, id, draft, expected, context.RequestAborted) is { } updated)
        {
            await AnswerAsync(context, caller, updated);
            return;
        }

        var now = await Store(context).FindAsync(caller.Tenant, id, context.RequestAborted) ?? throw ApiRefusal.NotFound(What);
        throw new ApiRefusal(StatusCodes.Status412PreconditionFailed, "version_conflict", $"The automation has been changed since: it has version {now.Version} now.");
    }

    private static async Task DeleteAsync(HttpContext context, Caller caller)
    {
        if (!await Store(context).DeleteAsync(caller.Tenant, context.Id(What), context.RequestAborted))
            throw ApiRefusal.NotFound(What);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static Task AnswerAsync(HttpContext context, Caller caller, Automation one, int status = StatusCodes.Status200OK)
    {
        context.Response.Headers.ETag = string.Create(CultureInfo.InvariantCulture, $"\"{one.Version}\"");
        return context.AnswerAsync(AutomationView.Of(one, caller.IsOperator), DispatchJson.Default.AutomationView, status);
    }

    private static int? IfMatch(HttpContext context) => context.Request.Headers.IfMatch switch
    {
        [] => null,
        // A proxy that compresses makes the tag a weak one; the version is the same.
        [{ } tag] when int.TryParse((tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag).Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out var version) => version,
        _ => throw ApiRefusal.Invalid("If-Match", "must be the ETag of the version that is changed"),
    };

    private static AutomationStore Store(HttpContext context) => context.RequestServices.GetRequiredService<AutomationStore>();

    private static AutomationDraft Read(HttpContext context, Caller caller, JsonElement body, bool enabled, out int? version) => Read(
        body, caller.Tenant, context.RequestServices.GetRequiredService<DispatchOptions>(), context.RequestServices.GetRequiredService<InstanceTenants>(), enabled, out version);
}
