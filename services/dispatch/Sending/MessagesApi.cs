using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using WhatsAppMesh.Dispatch.Messages;
using WhatsAppMesh.Dispatch.Operator;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>Direct sends: a message for one instance becomes a job, once per idempotency key.</summary>
internal static class MessagesApi
{
    private const int MaxKey = 255;

    /// <summary>Maps the route under both of its names.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        foreach (var prefix in InstancesApi.Prefixes)
            routes.Act(HttpMethods.Post, $"{prefix}/{{id}}/messages", PostAsync);
    }

    private static async Task PostAsync(HttpContext context, Caller caller)
    {
        var services = context.RequestServices;
        var (sends, cancellationToken) = (services.GetRequiredService<DirectSends>(), context.RequestAborted);
        var instance = InstancesApi.InstanceOf(context, caller);
        var isTheirs = services.GetRequiredService<InstanceTenants>().Of(caller.Tenant);
        var (message, key) = Read(await context.BodyAsync(), context.Request.Headers["Idempotency-Key"].ToString(), isTheirs);
        var hash = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(message, MessageJson.Default.Message)));
        if (await sends.FindAsync(caller.Tenant, instance, key, cancellationToken) is not { } send)
        {
            // It would be accepted and then wait, perhaps until it expires: whoever asks may as well wait.
            if (await services.GetRequiredService<SendingState>().IsRebuildingAsync(cancellationToken))
                throw new ApiRefusal(StatusCodes.Status503ServiceUnavailable, "unavailable", "Dispatch is being rebuilt: send it again.", retryAfter: TimeSpan.FromSeconds(30));
            if (await RefuseAsync(context, instance))
                return;
            send = await sends.AddAsync(caller.Tenant, instance, key, message, hash, Activity.Current?.Id, cancellationToken);
        }

        if (send.BodyHash != hash)
            throw new ApiRefusal(StatusCodes.Status422UnprocessableEntity, "idempotency_key_reused", "The idempotency key was used with another message.");

        context.Response.StatusCode = StatusCodes.Status202Accepted;
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("job_id", send.JobId);
        json.WriteString("status", send.Status);
        json.WriteEndObject();
    }

    /// <summary>True when nothing can be sent by this instance now, which was answered.</summary>
    private static async Task<bool> RefuseAsync(HttpContext context, string instance)
    {
        var services = context.RequestServices;
        if (services.GetRequiredService<SendingOptions>().Mode == SendMode.DryRun)
            return false;
        await InstancesApi.RequireBrokerAsync(context);
        var state = await services.GetRequiredService<InstanceStatus>().GetAsync(instance, context.RequestAborted);
        if (state.Connected)
            return false;

        await ProblemAnswers.WriteAsync(
            context, StatusCodes.Status409Conflict, "INSTANCE_DISCONNECTED", "The instance is not connected to WhatsApp.",
            more: new Dictionary<string, object?>
            {
                ["details"] = new Dictionary<string, object?> { ["status"] = state.Status, ["connected"] = state.Connected },
            });
        return true;
    }

    private static (Message Message, string Key) Read(JsonElement body, string key, Predicate<string> isTheirs)
    {
        var errors = new FieldErrors();
        var message = MessageRules.Read(body, "", hasPlaceholders: false, toRequired: true, errors);
        if (key.Length == 0 && message.Metadata is { } metadata && metadata.TryGetProperty("idempotencyKey", out var inside) && inside.ValueKind == JsonValueKind.String)
            key = inside.GetString()!;
        if (key.Length > MaxKey || key.Any(char.IsControl))
            errors.Add("Idempotency-Key", $"must have at most {MaxKey} characters and no control characters");
        if (message.SessionId is { } session && !isTheirs(session))
            errors.Add("sessionId", InstanceTenants.Rule);
        if (!errors.IsEmpty)
            throw ApiRefusal.Unprocessable("invalid_body", "The message breaks rules.", errors);
        return (message, key.Length > 0 ? key : "once-" + Guid.NewGuid().ToString("N"));
    }
}
