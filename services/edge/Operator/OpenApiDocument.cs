using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>GET /api/openapi.json: the description of the operator API, for everybody: it holds nothing that is not public.</summary>
internal static class OpenApiDocument
{
    /// <summary>Name of the document inside the assembly.</summary>
    public const string Resource = "openapi.json";

    private static readonly Lazy<byte[]> Document = new(Read);

    /// <summary>The route.</summary>
    public static void Map(IEndpointRouteBuilder api) =>
        api.MapGet("/openapi.json", static () => TypedResults.Bytes(Document.Value, "application/json")).OnHttpPort();

    private static byte[] Read()
    {
        using var stream = typeof(OpenApiDocument).Assembly.GetManifestResourceStream(Resource)!;
        var document = new byte[stream.Length];
        stream.ReadExactly(document);
        return document;
    }
}
