using System.Text;
using System.Text.Json;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>
/// The broker's instances, passed through: what it answers goes back as it is, what goes wrong under one code whatever the broker calls it.
/// </summary>
internal static class InstancesApi
{
    /// <summary>The two names of the routes.</summary>
    public static readonly string[] Prefixes = ["/api/integrations/whatsapp/instances", "/api/whatsapp/instances"];

    private const int MaxBody = 64 * 1024;

    /// <summary>Maps the routes on the app port.</summary>
    public static void MapInstances(this WebApplication app)
    {
        foreach (var prefix in Prefixes)
        {
            var instances = app.MapGroup(prefix).OnAppPort().RequireSidecarToken();
            instances.MapGet("", (HttpContext context) => PassAsync(context, HttpMethod.Get, null, ""));
            instances.MapPost("", (HttpContext context) => PassAsync(context, HttpMethod.Post, null, ""));
            foreach (var read in (string[])["status", "groups", "metrics", "qr"])
                instances.MapGet($"/{{id}}/{read}", (HttpContext context, string id) => PassAsync(context, HttpMethod.Get, id, read));
            foreach (var write in (string[])["exists", "connect"])
                instances.MapPost($"/{{id}}/{write}", (HttpContext context, string id) => PassAsync(context, HttpMethod.Post, id, write));
        }
    }

    /// <summary>The caller's tenant, as edge verified it; null when the request was answered with a refusal.</summary>
    /// <param name="context">The request.</param>
    /// <param name="writes">It changes something, which a viewer may not.</param>
    internal static async Task<string?> CallerAsync(HttpContext context, bool writes)
    {
        var tenant = context.Request.Headers["mesh-tenant"].ToString();
        var role = context.Request.Headers["mesh-role"].ToString();
        if (tenant.Length > 0 && (role == "operator" || (role == "viewer" && !writes)))
            return tenant;
        await (tenant.Length == 0 || role.Length == 0
            ? ProblemAnswers.WriteAsync(context, StatusCodes.Status401Unauthorized, "unauthorized", "The request names no caller")
            : ProblemAnswers.WriteAsync(context, StatusCodes.Status403Forbidden, "forbidden", "The role of the API key does not allow this"));
        return null;
    }

    /// <summary>False when the id cannot be one, which was answered.</summary>
    internal static async Task<bool> HasIdAsync(HttpContext context, string id)
    {
        // A slash in an id stays escaped on its way here and would name another instance at the broker.
        if (id.Length is > 0 and <= 255 && !id.Any(char.IsControl) && !id.Contains('%', StringComparison.Ordinal))
            return true;
        await ProblemAnswers.WriteAsync(context, StatusCodes.Status404NotFound, "not_found", "There is no such instance");
        return false;
    }

    /// <summary>The broker has no credentials, or sending is switched off.</summary>
    internal static Task NotConfiguredAsync(HttpContext context) => ProblemAnswers.WriteAsync(
        context, StatusCodes.Status503ServiceUnavailable, "WHATSAPP_NOT_CONFIGURED", "The WhatsApp broker is not configured", TimeSpan.FromSeconds(60));

    /// <summary>The instance is offline.</summary>
    internal static Task DisconnectedAsync(HttpContext context, InstanceState state)
    {
        context.Response.StatusCode = StatusCodes.Status409Conflict;
        return WriteAsync(
            context,
            json =>
            {
                json.WriteString("type", "urn:whatsappmesh:problem:INSTANCE_DISCONNECTED");
                json.WriteString("title", "Conflict");
                json.WriteNumber("status", StatusCodes.Status409Conflict);
                json.WriteString("code", "INSTANCE_DISCONNECTED");
                json.WriteString("error", "The instance is not connected to WhatsApp");
                json.WriteStartObject("details");
                json.WriteString("status", state.Status);
                json.WriteBoolean("connected", state.Connected);
                json.WriteEndObject();
            },
            "application/problem+json");
    }

    /// <summary>Writes a JSON object.</summary>
    internal static async Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> write, string contentType = "application/json")
    {
        context.Response.ContentType = contentType;
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
    }

    /// <summary>The request's body; null when it is larger than <paramref name="limit"/>.</summary>
    internal static async Task<byte[]?> ReadBodyAsync(HttpContext context, int limit)
    {
        var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        for (int read; (read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0;)
        {
            if (body.Length + read > limit)
                return null;
            body.Write(buffer, 0, read);
        }

        return body.ToArray();
    }

    private static async Task PassAsync(HttpContext context, HttpMethod method, string? id, string action)
    {
        var services = context.RequestServices;
        if (await CallerAsync(context, writes: method != HttpMethod.Get && action != "exists") is null || (id is not null && !await HasIdAsync(context, id)))
            return;
        if (!await services.GetRequiredService<SendingState>().HasBrokerAsync(context.RequestAborted))
        {
            await NotConfiguredAsync(context);
            return;
        }

        byte[]? body = null;
        if (method == HttpMethod.Post && (body = await ReadBodyAsync(context, MaxBody)) is null)
        {
            await ProblemAnswers.WriteAsync(context, StatusCodes.Status413PayloadTooLarge, "body_too_large", "The body is larger than 64 KiB");
            return;
        }

        var path = id is null ? "/instances" : $"/instances/{Uri.EscapeDataString(id)}/{action}";
        var reply = await services.GetRequiredService<BrokerClient>().AskAsync(method, path, body is { Length: > 0 } ? body : null, context.RequestAborted);
        if (id is not null && action == "connect")
            services.GetRequiredService<InstanceStatus>().Forget(id);
        await AnswerAsync(context, reply);
    }

    private static async Task AnswerAsync(HttpContext context, BrokerReply reply)
    {
        if (reply.Status is >= 200 and < 300)
        {
            context.Response.StatusCode = reply.Status.Value;
            if (reply.Body.Length == 0)
                return;
            context.Response.ContentType = "application/json";
            await context.Response.BodyWriter.WriteAsync(Encoding.UTF8.GetBytes(reply.Body), context.RequestAborted);
            return;
        }

        var (status, code, error) = Canonical(reply);
        await ProblemAnswers.WriteAsync(context, status, code, error, status is 429 or 503 ? reply.RetryAfter ?? TimeSpan.FromSeconds(5) : null);
    }

    /// <summary>One code for what goes wrong at brokers, whatever each calls it.</summary>
    internal static (int Status, string Code, string Error) Canonical(BrokerReply reply)
    {
        var answer = BrokerAnswer.Read(reply);
        return answer.Verdict switch
        {
            BrokerVerdict.CircuitOpen => (503, "CIRCUIT_BREAKER_OPEN", "The broker failed too often and is left alone for a moment"),
            BrokerVerdict.Throttled => (429, "RATE_LIMITED", "The broker asks for fewer requests"),
            BrokerVerdict.Offline => (409, "INSTANCE_DISCONNECTED", "The instance is not connected to WhatsApp"),
            _ => reply.Status switch
            {
                401 or 403 => (502, "BROKER_AUTH", "The broker refuses this mesh's API key"),
                404 => (404, "not_found", "The broker does not know the instance"),
                409 or 410 => (409, "INSTANCE_NOT_CONNECTED", "The instance is not in a state that allows this"),
                400 or 422 => (422, "INVALID_REQUEST", "The broker refuses the request"),
                408 or 504 or null => (504, "BROKER_TIMEOUT", "The broker did not answer in time"),
                _ => (502, "BROKER_ERROR", "The broker failed"),
            },
        };
    }
}
