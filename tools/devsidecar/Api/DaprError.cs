using System.Text.Encodings.Web;
using System.Text.Json;

namespace WhatsAppMesh.DevSidecar.Api;

/// <summary>An error answer of the HTTP API: <c>{"errorCode":"ERR_…","message":"…"}</c>, with details for the newer codes.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="ErrorCode">For example <c>ERR_PUBSUB_NOT_FOUND</c>.</param>
/// <param name="Message">What happened, for people.</param>
/// <param name="Reason">Reason of the ErrorInfo detail, for example <c>DAPR_PUBSUB_NOT_FOUND</c>; null = no details.</param>
/// <param name="Metadata">Metadata of the ErrorInfo detail.</param>
public sealed record DaprError(int Status, string ErrorCode, string Message, string? Reason = null, IReadOnlyDictionary<string, string>? Metadata = null) : IResult
{
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A request that names no app: also what a path unknown to the API is taken for.</summary>
    public static DaprError NoAppId { get; } = new(
        404, "ERR_DIRECT_INVOKE", "failed getting app id either from the URL path or the header dapr-app-id");

    /// <inheritdoc />
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        httpContext.Response.StatusCode = Status;
        httpContext.Response.ContentType = "application/json";
        await using (var writer = new Utf8JsonWriter(httpContext.Response.BodyWriter, Writing))
            Write(writer);
        await httpContext.Response.BodyWriter.FlushAsync(httpContext.RequestAborted);
    }

    private void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("errorCode", ErrorCode);
        writer.WriteString("message", Message);
        if (Reason is not null)
        {
            writer.WriteStartArray("details");
            writer.WriteStartObject();
            writer.WriteString("@type", "type.googleapis.com/google.rpc.ErrorInfo");
            writer.WriteString("domain", "dapr.io");
            writer.WriteStartObject("metadata");
            foreach (var (name, value) in Metadata ?? new Dictionary<string, string>())
                writer.WriteString(name, value);
            writer.WriteEndObject();
            writer.WriteString("reason", Reason);
            writer.WriteEndObject();
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }
}
