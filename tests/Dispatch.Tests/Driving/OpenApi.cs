using System.Text.Json;
using WhatsAppMesh.Edge.Tests.Operator;

namespace WhatsAppMesh.Dispatch.Tests.Driving;

/// <summary>The document that edge serves, about the routes that dispatch answers.</summary>
internal static class OpenApi
{
    private static readonly JsonElement Document = Read();

    /// <summary>Operations at paths that begin so, as <c>GET /api/executions</c>.</summary>
    public static IEnumerable<string> Operations(params string[] prefixes) =>
        from path in Document.GetProperty("paths").EnumerateObject()
        where prefixes.Any(prefix => path.Name.StartsWith(prefix, StringComparison.Ordinal))
        from verb in path.Value.EnumerateObject()
        select $"{verb.Name.ToUpperInvariant()} {path.Name}";

    /// <summary>True when an operation may answer so.</summary>
    public static bool Documents(string operation, int status) => Response(operation, status).ValueKind != JsonValueKind.Undefined;

    /// <summary>Fails unless the answer is one of the operation's and keeps to its schema.</summary>
    public static void Describes(string operation, int status, string? mediaType, string text)
    {
        var response = Response(operation, status);
        Assert.True(response.ValueKind != JsonValueKind.Undefined, $"{operation}: {status} is not documented");
        if (!response.TryGetProperty("content", out var content))
        {
            Assert.True(text.Length == 0, $"{operation}: {status} has a body that is not documented");
            return;
        }

        Assert.True(mediaType is not null && content.TryGetProperty(mediaType, out _), $"{operation}: {status} with {mediaType} is not documented");
        using var json = JsonDocument.Parse(text);
        Assert.Empty(JsonSchema.Check(Document, content.GetProperty(mediaType!).GetProperty("schema"), json.RootElement, $"{operation} {status}"));
    }

    /// <summary>Where a request's body does not keep to its schema.</summary>
    public static IEnumerable<string> ErrorsOf(string operation, string body)
    {
        var schema = Operation(operation).GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("schema");
        using var json = JsonDocument.Parse(body);
        return [.. JsonSchema.Check(Document, schema, json.RootElement, operation)];
    }

    private static JsonElement Operation(string operation) =>
        Document.GetProperty("paths").GetProperty(operation.Split(' ')[1]).GetProperty(operation.Split(' ')[0].ToLowerInvariant());

    private static JsonElement Response(string operation, int status)
    {
        if (!Operation(operation).GetProperty("responses").TryGetProperty(status.ToString(System.Globalization.CultureInfo.InvariantCulture), out var response))
            return default;
        return response.TryGetProperty("$ref", out var reference) ? JsonSchema.Resolve(Document, reference.GetString()!) : response;
    }

    private static JsonElement Read()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "global.json")))
            folder = folder.Parent ?? throw new InvalidOperationException("There is no repository above the tests.");
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder.FullName, "services", "edge", "Operator", "openapi.json")));
        return json.RootElement.Clone();
    }
}
