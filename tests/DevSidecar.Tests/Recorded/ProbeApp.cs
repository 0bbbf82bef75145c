using System.Text;
using System.Text.Json;
using WhatsAppMesh.DevSidecar.Tests.Running;

namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>The app behind the recorded calls: it tells how it was called, or answers as the path says.</summary>
internal static class ProbeApp
{
    public static Task<TestApp> StartAsync() => TestApp.StartAsync(
        app =>
        {
            app.MapGrpcService<ProbeService>();
            app.Map("/{**path}", AnswerAsync);
        },
        services: services => services.AddGrpc(grpc => (grpc.MaxReceiveMessageSize, grpc.MaxSendMessageSize) = (null, null)));

    private static async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        var parts = path.Trim('/').Split('/');
        context.Response.Headers["probe-app"] = "echo";
        context.Response.Headers.Server = "Kestrel";
        if (parts[0] is "dapr" or "events")
        {
            context.Response.StatusCode = parts[0] == "events" ? StatusCodes.Status200OK : StatusCodes.Status404NotFound;
            return;
        }

        if (parts is ["slow", var milliseconds])
            await Task.Delay(int.Parse(milliseconds), context.RequestAborted);
        if (parts is ["status", var status, ..])
            context.Response.StatusCode = int.Parse(status);
        if (path is "/headers/large")
        {
            for (var i = 0; i < 10; i++)
                context.Response.Headers[$"probe-large-{i}"] = new string((char)('a' + i), 500);
        }

        if (parts[0] == "empty" || parts[^1] == "empty" || context.Response.StatusCode == StatusCodes.Status204NoContent)
            return;

        context.Response.ContentType = "application/json; charset=utf-8";
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.Body.WriteAsync(await DescribeAsync(context.Request, path));
    }

    /// <summary>Method, path, query, headers and body, in the order of the recordings: its beginning is part of error details.</summary>
    private static async Task<byte[]> DescribeAsync(HttpRequest request, string path)
    {
        using var body = new StreamReader(request.Body);
        var text = await body.ReadToEndAsync();
        using var output = new MemoryStream();
        await using (var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("method", request.Method);
            json.WriteString("path", path);
            json.WriteString("query", request.QueryString.Value);
            json.WriteStartObject("headers");
            json.WriteStartArray("host");
            json.WriteStringValue(request.Host.Value);
            json.WriteEndArray();
            foreach (var (name, values) in request.Headers.Where(header => !header.Key.Equals("host", StringComparison.OrdinalIgnoreCase)))
            {
                json.WriteStartArray(name.ToLowerInvariant());
                foreach (var value in values)
                    json.WriteStringValue(value);
                json.WriteEndArray();
            }

            json.WriteEndObject();
            json.WriteString("body", text);
            json.WriteEndObject();
        }

        return output.ToArray();
    }
}
