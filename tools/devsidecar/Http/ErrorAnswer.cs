using System.Text.Encodings.Web;
using System.Text.Json;
using WhatsAppMesh.DevSidecar.Api;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>An error as the HTTP API tells it: <c>{"errorCode":"ERR_…","message":"…"}</c>, with the details that the error has.</summary>
internal sealed class ErrorAnswer(DaprError error) : IResult
{
    private const string TypePrefix = "type.googleapis.com/google.rpc.";

    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Turns refusals of the engines into answers.</summary>
    public static async ValueTask<object?> Filter(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (DaprErrorException e)
        {
            return new ErrorAnswer(e.Error);
        }
    }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = error.Status;
        httpContext.Response.ContentType = "application/json";
        using var body = new MemoryStream();
        await using (var writer = new Utf8JsonWriter(body, Writing))
            Write(writer);
        httpContext.Response.ContentLength = body.Length;
        await httpContext.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length), httpContext.RequestAborted);
    }

    private void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("errorCode", error.ErrorCode);
        writer.WriteString("message", error.HttpMessage ?? error.Message);
        if (error.Reason is { } reason)
        {
            writer.WriteStartArray("details");
            if (error.Resource is { } resource)
                WriteResource(writer, resource);
            WriteInfo(writer, reason);
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static void WriteResource(Utf8JsonWriter writer, ErrorResource resource)
    {
        writer.WriteStartObject();
        writer.WriteString("@type", TypePrefix + "ResourceInfo");
        writer.WriteString("resource_type", resource.Type);
        writer.WriteString("resource_name", resource.Name);
        writer.WriteString("description", resource.Description);
        writer.WriteEndObject();
    }

    private void WriteInfo(Utf8JsonWriter writer, string reason)
    {
        writer.WriteStartObject();
        writer.WriteString("@type", TypePrefix + "ErrorInfo");
        writer.WriteString("domain", "dapr.io");
        writer.WriteStartObject("metadata");
        foreach (var (name, value) in error.Metadata)
            writer.WriteString(name, value);
        writer.WriteEndObject();
        writer.WriteString("reason", reason);
        writer.WriteEndObject();
    }
}
