using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace WhatsAppMesh.Hosting;

/// <summary>Error answers as RFC 9457 problem+json, with a stable <c>code</c> and the same short <c>error</c> text older clients read.</summary>
public static class ProblemAnswers
{
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the answer.</summary>
    /// <param name="code">Stable, public, snake case: what a client switches on.</param>
    /// <param name="error">One short sentence for a person; never holds a secret, a body or a phone number.</param>
    /// <param name="retryAfter">When to come back: becomes the Retry-After header, whole seconds, at least 1.</param>
    /// <param name="errors">Every rule broken, by field.</param>
    /// <param name="more">Writes further members.</param>
    public static async Task WriteAsync(
        HttpContext context,
        int status,
        string code,
        string error,
        TimeSpan? retryAfter = null,
        IReadOnlyDictionary<string, IReadOnlyList<string>>? errors = null,
        Action<Utf8JsonWriter>? more = null)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = "application/problem+json";
        if (retryAfter is { } wait)
            response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

        await using var json = new Utf8JsonWriter(response.BodyWriter, WriterOptions);
        json.WriteStartObject();
        json.WriteString("type", $"urn:whatsappmesh:problem:{code}");
        json.WriteString("title", ReasonPhrases.GetReasonPhrase(status));
        json.WriteNumber("status", status);
        json.WriteString("code", code);
        json.WriteString("error", error);
        if (errors is { Count: > 0 })
            WriteErrors(json, errors);
        more?.Invoke(json);
        json.WriteEndObject();
    }

    private static void WriteErrors(Utf8JsonWriter json, IReadOnlyDictionary<string, IReadOnlyList<string>> errors)
    {
        json.WriteStartObject("errors");
        foreach (var (field, reasons) in errors)
        {
            json.WriteStartArray(field);
            foreach (var reason in reasons)
                json.WriteStringValue(reason);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }
}
