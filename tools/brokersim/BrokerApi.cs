using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Connections.Features;

namespace WhatsAppMesh.BrokerSim;

/// <summary>The broker's own API, as its clients know it.</summary>
internal static class BrokerApi
{
    private static readonly HashSet<string> Media = ["image", "video", "document", "audio"];
    private static readonly HashSet<string> Types = [.. Media, "text", "location", "template"];

    public static void MapBroker(this WebApplication app, string apiKey, SendBook sends, FaultScript faults, InstanceBook instances)
    {
        var broker = app.MapGroup("/instances").AddEndpointFilter((context, next) => HasKey(context.HttpContext, apiKey)
            ? next(context)
            : ValueTask.FromResult<object?>(Error(401, "UNAUTHORIZED", "bad key")));
        broker.MapPost("/{id}/send-text", (string id, HttpContext context) => SendAsync(id, context, sends, faults, instances));
        broker.MapGet("", () => Results.Json(instances.All));
        // The return type makes it an endpoint whose result is written, not a RequestDelegate.
        broker.MapPost("", Task<IResult> (HttpContext context) => CreateAsync(context, instances));
        broker.MapGet("/{id}/status", (string id) => Status(instances.Ask(id)));
        broker.MapGet("/{id}/groups", (string id) => instances.Get(id) is { Connected: true }
            ? Results.Json(new[] { new { id = "120363000000000001@g.us", subject = "Exemplo", size = 3 } })
            : Disconnected());
        broker.MapGet("/{id}/metrics", (string id) => Results.Json(new
        {
            instanceId = instances.Get(id).Id,
            sent = sends.All.Count(s => s.Instance == id && s.Verdict == SendVerdict.Sent),
        }));
        broker.MapGet("/{id}/qr", (string id) => instances.Get(id).Connected
            ? Error(409, "ALREADY_CONNECTED", "the instance is connected")
            : Results.Json(new { qr = "2@simulated", expiresAt = TimeProvider.System.GetUtcNow().AddMinutes(1) }));
        broker.MapPost("/{id}/connect", (string id) => Status(instances.Set(id, "connected")));
        broker.MapPost("/{id}/exists", async (string id, HttpContext context) => await ExistsAsync(context));
    }

    private static async Task<IResult> SendAsync(string id, HttpContext context, SendBook sends, FaultScript faults, InstanceBook instances)
    {
        var body = await ReadAsync(context);
        var key = context.Request.Headers["Idempotency-Key"].ToString() is { Length: > 0 } given ? given : null;
        var trace = context.Request.Headers.TraceParent.ToString();
        if (Problem(body) is { } problem)
        {
            sends.Refuse(key, id, body, trace);
            return problem;
        }

        var fault = faults.Next(id);
        if (fault is { Accept: false } && !(fault is { Status: 0, End: FaultEnd.Answer or FaultEnd.SlowBody }))
        {
            sends.Refuse(key, id, body, trace);
            return await GoWrongAsync(context, fault, Error(fault.Status, fault.Code ?? CodeOf(fault.Status), "scripted"));
        }

        if (!instances.Get(id).Connected)
        {
            sends.Refuse(key, id, body, trace);
            return Disconnected();
        }

        var externalId = sends.Accept(key, id, body, trace);
        var sent = Results.Json(new { externalId, status = "sent", timestamp = TimeProvider.System.GetUtcNow() });
        if (fault is null)
            return sent;
        return await GoWrongAsync(context, fault, fault.Status == 0 ? sent : Error(fault.Status, fault.Code ?? CodeOf(fault.Status), "scripted"));
    }

    private static async Task<IResult> GoWrongAsync(HttpContext context, Fault fault, IResult answer)
    {
        if (fault.RetryAfter is { } seconds)
            context.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (fault.End == FaultEnd.SlowBody)
            return new SlowBody(fault.DelayMs);
        if (fault.DelayMs > 0)
            await Task.Delay(fault.DelayMs, CancellationToken.None);
        switch (fault.End)
        {
            case FaultEnd.Hang:
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(static _ => { }, TaskScheduler.Default);
                return Results.Empty;
            case FaultEnd.Reset:
                // Without lingering, the client gets a reset and no orderly end.
                context.Features.Get<IConnectionSocketFeature>()!.Socket.LingerState = new(true, 0);
                context.Abort();
                return Results.Empty;
            case FaultEnd.Html:
                return Results.Text("<html>bad gateway</html>", "text/html", statusCode: fault.Status == 0 ? 502 : fault.Status);
            default:
                return answer;
        }
    }

    private static IResult? Problem(byte[] body)
    {
        JsonObject? message;
        try
        {
            message = JsonNode.Parse(body) as JsonObject;
        }
        catch (JsonException)
        {
            message = null;
        }

        if (message is null)
            return Error(400, "INVALID_BODY", "the body is not a JSON object");
        if (Text(message, "to").Length == 0)
            return Error(422, "INVALID_TO", "invalid recipient");
        var type = Text(message, "type");
        if (!Types.Contains(type))
            return Error(422, "INVALID_TYPE", "the type is none of a message");
        if (type == "text" && string.IsNullOrWhiteSpace(Text(message, "message")))
            return Error(422, "INVALID_MESSAGE", "a text needs a message");
        if (Media.Contains(type) && Text(message, "mediaUrl").Length == 0)
            return Error(422, "INVALID_MEDIA", "mediaUrl is required");
        return (type, message[type]) switch
        {
            ("location", not JsonObject) or ("template", not JsonObject) => Error(422, "INVALID_MESSAGE", $"{type} is required"),
            ("location", JsonObject place) when !IsNumber(place["latitude"]) || !IsNumber(place["longitude"]) =>
                Error(422, "INVALID_MESSAGE", "a location needs latitude and longitude"),
            ("template", JsonObject template) when Text(template, "name").Length == 0 => Error(422, "INVALID_MESSAGE", "a template needs a name"),
            _ => null,
        };
    }

    private static bool IsNumber(JsonNode? node) => node?.GetValueKind() == JsonValueKind.Number;

    private static string Text(JsonObject json, string name) => json[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";

    private static async Task<IResult> CreateAsync(HttpContext context, InstanceBook instances)
    {
        var wanted = JsonNode.Parse(await ReadAsync(context)) as JsonObject;
        var id = wanted is null ? "" : Text(wanted, "id") is { Length: > 0 } given ? given : Text(wanted, "instanceId");
        return id.Length == 0
            ? Error(422, "INVALID_INSTANCE", "id is required")
            : Results.Json(instances.Set(id, "qr_required"), statusCode: 201);
    }

    private static async Task<IResult> ExistsAsync(HttpContext context)
    {
        var to = JsonNode.Parse(await ReadAsync(context)) is JsonObject asked ? Text(asked, "to") : "";
        return Results.Json(new { exists = to.Length is >= 8 and <= 15 && to.All(char.IsAsciiDigit) });
    }

    private static IResult Status(BrokerInstance instance) =>
        Results.Json(new { instanceId = instance.Id, status = instance.Status, connected = instance.Connected });

    private static IResult Disconnected() => Error(409, "SESSION_DISCONNECTED", "the session is not connected");

    private static IResult Error(int status, string code, string message) => Results.Json(new { error = new { code, message } }, statusCode: status);

    private static string CodeOf(int status) => status switch
    {
        401 or 403 => "UNAUTHORIZED",
        408 or 504 => "GATEWAY_TIMEOUT",
        409 => "SESSION_DISCONNECTED",
        422 => "INVALID_TO",
        429 => "RATE_LIMITED",
        _ => "BROKER_ERROR",
    };

    private static bool HasKey(HttpContext context, string apiKey) => context.Request.Headers["X-API-Key"] == apiKey;

    private static async Task<byte[]> ReadAsync(HttpContext context)
    {
        var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        return body.ToArray();
    }

    private sealed class SlowBody(int milliseconds) : IResult
    {
        public async Task ExecuteAsync(HttpContext context)
        {
            var body = """{"status":"sent"}"""u8.ToArray();
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = body.Length;
            foreach (var letter in body)
            {
                await context.Response.Body.WriteAsync(new[] { letter }, context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await Task.Delay(milliseconds / body.Length, context.RequestAborted);
            }
        }
    }
}
