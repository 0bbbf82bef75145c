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
            routes.Look(prefix, ListAsync);
            routes.Act(HttpMethods.Post, prefix, static (context, caller) => PassAsync(context, caller, HttpMethod.Post, "/instances", isNew: true));
            foreach (var action in (string[])["status", "groups", "metrics"])
                routes.Look($"{prefix}/{{id}}/{action}", (context, caller) => PassAsync(context, caller, HttpMethod.Get, PathOf(context, caller, action)));
            // Whoever scans the code takes the instance over.
            routes.Act(HttpMethods.Get, $"{prefix}/{{id}}/qr", static (context, caller) => PassAsync(context, caller, HttpMethod.Get, PathOf(context, caller, "qr")));
            routes.Act(HttpMethods.Post, $"{prefix}/{{id}}/exists", static (context, caller) => PassAsync(context, caller, HttpMethod.Post, PathOf(context, caller, "exists")));
            routes.Act(HttpMethods.Post, $"{prefix}/{{id}}/connect", ConnectAsync);
        }
    }

    /// <summary>The instance that the path names.</summary>
    /// <exception cref="ApiRefusal">It cannot be one, or is another tenant's. A slash stays escaped on its way here and would name another instance at the broker.</exception>
    internal static string InstanceOf(HttpContext context, Caller caller) =>
        context.Request.RouteValues["id"] is string { Length: > 0 and <= 255 } id and not ("." or "..")
            && !id.Any(char.IsControl) && !id.Contains('%', StringComparison.Ordinal) && Tenants(context).Has(caller.Tenant, id)
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

    private static string PathOf(HttpContext context, Caller caller, string action) => $"/instances/{Uri.EscapeDataString(InstanceOf(context, caller))}/{action}";

    private static async Task ListAsync(HttpContext context, Caller caller)
    {
        var reply = await AskAsync(context, HttpMethod.Get, "/instances", null);
        if (reply.Status is >= 200 and < 300 && !Tenants(context).AreEverybodys)
        {
            reply = InstanceList.Visible(reply.Body, Tenants(context).Of(caller.Tenant)) is { } visible
                ? reply with { Body = visible }
                : new BrokerReply(StatusCodes.Status502BadGateway);
        }

        await AnswerAsync(context, reply);
    }

    private static async Task ConnectAsync(HttpContext context, Caller caller)
    {
        var reply = await AskAsync(context, HttpMethod.Post, PathOf(context, caller, "connect"), await BodyAsync(context, caller, isNew: false));
        context.RequestServices.GetRequiredService<InstanceStatus>().Forget(InstanceOf(context, caller));
        await AnswerAsync(context, reply);
    }

    private static async Task PassAsync(HttpContext context, Caller caller, HttpMethod method, string path, bool isNew = false)
    {
        var body = method == HttpMethod.Post ? await BodyAsync(context, caller, isNew) : null;
        await AnswerAsync(context, await AskAsync(context, method, path, body));
    }

    private static async Task<byte[]> BodyAsync(HttpContext context, Caller caller, bool isNew)
    {
        var body = await context.BodyAsync();
        var errors = new FieldErrors();
        if (!Tenants(context).AreEverybodys)
            InstanceList.Check(body, isNew, Tenants(context).Of(caller.Tenant), errors);
        return errors.IsEmpty ? Encoding.UTF8.GetBytes(body.GetRawText()) : throw ApiRefusal.Unprocessable("invalid_body", "The request names another instance.", errors);
    }

    private static async Task<BrokerReply> AskAsync(HttpContext context, HttpMethod method, string path, byte[]? body)
    {
        await RequireBrokerAsync(context);
        return await context.RequestServices.GetRequiredService<BrokerClient>().AskAsync(method, path, body, context.RequestAborted);
    }

    private static InstanceTenants Tenants(HttpContext context) => context.RequestServices.GetRequiredService<InstanceTenants>();

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
