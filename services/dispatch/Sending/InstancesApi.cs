using System.Text;
using WhatsAppMesh.Dispatch.Operator;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>
/// The broker's instances, passed through: what it answers goes back as it is, what goes wrong under one code whatever the broker calls it.
/// </summary>
internal static class InstancesApi
{
    /// <summary>The two names of the routes.</summary>
    public static readonly string[] Prefixes = ["/api/integrations/whatsapp/instances", "/api/whatsapp/instances"];

    private static readonly TimeSpan ComeBack = TimeSpan.FromSeconds(5);

    /// <summary>Maps the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        foreach (var prefix in Prefixes)
        {
            routes.Look(prefix, static (context, _) => PassAsync(context, HttpMethod.Get, ""));
            routes.Act(HttpMethods.Post, prefix, static (context, _) => PassAsync(context, HttpMethod.Post, ""));
            foreach (var action in (string[])["status", "groups", "metrics"])
                routes.Look($"{prefix}/{{id}}/{action}", (context, _) => PassAsync(context, HttpMethod.Get, action));
            // Whoever scans the code takes the instance over.
            routes.Act(HttpMethods.Get, $"{prefix}/{{id}}/qr", static (context, _) => PassAsync(context, HttpMethod.Get, "qr"));
            foreach (var action in (string[])["exists", "connect"])
                routes.Act(HttpMethods.Post, $"{prefix}/{{id}}/{action}", (context, _) => PassAsync(context, HttpMethod.Post, action));
        }
    }

    /// <summary>The instance that the path names.</summary>
    /// <exception cref="ApiRefusal">It cannot be one. A slash stays escaped on its way here and would name another instance at the broker.</exception>
    internal static string InstanceOf(HttpContext context) =>
        context.Request.RouteValues["id"] is string { Length: > 0 and <= 255 } id && !id.Any(char.IsControl) && !id.Contains('%', StringComparison.Ordinal)
            ? id
            : throw ApiRefusal.NotFound("instance");

    /// <exception cref="ApiRefusal">The broker has no credentials, or sending is switched off.</exception>
    internal static async Task RequireBrokerAsync(HttpContext context)
    {
        if (!await context.RequestServices.GetRequiredService<SendingState>().HasBrokerAsync(context.RequestAborted))
        {
            throw new ApiRefusal(
                StatusCodes.Status503ServiceUnavailable, "WHATSAPP_NOT_CONFIGURED", "The WhatsApp broker is not configured.", retryAfter: TimeSpan.FromSeconds(60));
        }
    }

    private static async Task PassAsync(HttpContext context, HttpMethod method, string action)
    {
        var services = context.RequestServices;
        var id = action.Length > 0 ? InstanceOf(context) : null;
        await RequireBrokerAsync(context);
        var body = method == HttpMethod.Post ? Encoding.UTF8.GetBytes((await context.BodyAsync()).GetRawText()) : null;
        var path = id is null ? "/instances" : $"/instances/{Uri.EscapeDataString(id)}/{action}";
        var reply = await services.GetRequiredService<BrokerClient>().AskAsync(method, path, body, context.RequestAborted);
        if (id is not null && action == "connect")
            services.GetRequiredService<InstanceStatus>().Forget(id);
        await AnswerAsync(context, reply);
    }

    private static async Task AnswerAsync(HttpContext context, BrokerReply reply)
    {
        if (reply.Status is not (>= 200 and < 300))
        {
            var (status, code, error) = Canonical(reply);
            await ProblemAnswers.WriteAsync(context, status, code, error, status is 429 or 503 ? reply.RetryAfter ?? ComeBack : null);
            return;
        }

        context.Response.StatusCode = reply.Status.Value;
        if (reply.Body.Length == 0)
            return;
        context.Response.ContentType = "application/json";
        await context.Response.BodyWriter.WriteAsync(Encoding.UTF8.GetBytes(reply.Body), context.RequestAborted);
    }

    /// <summary>One code for what goes wrong at brokers, whatever each calls it.</summary>
    internal static (int Status, string Code, string Error) Canonical(BrokerReply reply) => BrokerAnswer.Read(reply).Verdict switch
    {
        BrokerVerdict.CircuitOpen => (503, "CIRCUIT_BREAKER_OPEN", "The broker failed too often and is left alone for a moment."),
        BrokerVerdict.Throttled => (429, "RATE_LIMITED", "The broker asks for fewer requests."),
        BrokerVerdict.Offline => (409, "INSTANCE_DISCONNECTED", "The instance is not connected to WhatsApp."),
        _ => reply.Status switch
        {
            401 or 403 => (502, "BROKER_AUTH", "The broker refuses this mesh's API key."),
            404 => (404, "not_found", "The broker does not know the instance."),
            409 or 410 => (409, "INSTANCE_NOT_CONNECTED", "The instance is not in a state that allows this."),
            400 or 422 => (422, "INVALID_REQUEST", "The broker refuses the request."),
            408 or 504 or null => (504, "BROKER_TIMEOUT", "The broker did not answer in time."),
            _ => (502, "BROKER_ERROR", "The broker failed."),
        },
    };
}
