using System.Security.Cryptography;
using System.Text.Json;
using WhatsAppMesh.Dispatch.Messages;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>
/// Direct sends: a message for one instance becomes a job, once per idempotency key. On the app port, behind the sidecar's token; edge has
/// verified who asks and says so in <c>mesh-tenant</c> and <c>mesh-role</c>.
/// </summary>
internal static class MessagesApi
{
    private const int MaxBody = 256 * 1024;
    private const int MaxKey = 255;

    /// <summary>Maps the route under both of its names.</summary>
    public static void MapMessages(this WebApplication app)
    {
        foreach (var prefix in InstancesApi.Prefixes)
            app.MapPost($"{prefix}/{{instanceId}}/messages", PostAsync).OnAppPort().RequireSidecarToken();
    }

    private static async Task PostAsync(HttpContext context, string instanceId, DirectSends sends, SendingState state, InstanceStatus instances, SendingOptions options)
    {
        var cancellationToken = context.RequestAborted;
        if (await InstancesApi.CallerAsync(context, writes: true) is not { } tenant || !await InstancesApi.HasIdAsync(context, instanceId))
            return;
        if (await ReadAsync(context) is not { } read)
            return;
        var (message, key) = read;
        var hash = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(message, MessageJson.Default.Message)));
        var known = await sends.FindAsync(tenant, instanceId, key, cancellationToken);
        if (known is null)
        {
            if (options.Mode != SendMode.DryRun && !await state.HasBrokerAsync(cancellationToken))
            {
                await InstancesApi.NotConfiguredAsync(context);
                return;
            }

            if (options.Mode != SendMode.DryRun && await instances.GetAsync(instanceId, cancellationToken) is { Connected: false } offline)
            {
                await InstancesApi.DisconnectedAsync(context, offline);
                return;
            }

            known = await sends.AddAsync(tenant, instanceId, key, message, hash, System.Diagnostics.Activity.Current?.Id, cancellationToken);
        }

        if (known.BodyHash != hash)
        {
            await ProblemAnswers.WriteAsync(context, StatusCodes.Status422UnprocessableEntity, "idempotency_key_reused", "The idempotency key was used with another message");
            return;
        }

        context.Response.StatusCode = StatusCodes.Status202Accepted;
        await InstancesApi.WriteAsync(context, json =>
        {
            json.WriteString("job_id", known.JobId);
            json.WriteString("status", known.Status);
        });
    }

    private static async Task<(Message Message, string Key)?> ReadAsync(HttpContext context)
    {
        var errors = new FieldErrors();
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(await InstancesApi.ReadBodyAsync(context, MaxBody) ?? []);
        }
        catch (JsonException)
        {
            await ProblemAnswers.WriteAsync(context, StatusCodes.Status400BadRequest, "invalid_body", "The body is not JSON, or is larger than 256 KiB");
            return null;
        }

        using (document)
        {
            var message = MessageRules.Read(document.RootElement, "", hasPlaceholders: false, toRequired: true, errors);
            var key = context.Request.Headers["Idempotency-Key"].ToString();
            if (key.Length == 0 && message.Metadata is { } metadata && metadata.TryGetProperty("idempotencyKey", out var inside) && inside.ValueKind == JsonValueKind.String)
                key = inside.GetString()!;
            if (key.Length > MaxKey || key.Any(char.IsControl))
                errors.Add("Idempotency-Key", $"must have at most {MaxKey} characters and no control characters");
            if (errors.IsEmpty)
                return (message, key.Length > 0 ? key : "once-" + Guid.NewGuid().ToString("N"));
        }

        await ProblemAnswers.WriteAsync(context, StatusCodes.Status422UnprocessableEntity, "invalid_body", "The message breaks rules", errors: errors.ByField);
        return null;
    }
}
