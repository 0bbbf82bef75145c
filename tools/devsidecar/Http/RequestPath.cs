using Microsoft.AspNetCore.Http.Features;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>Reads path segments from the request line, where an escaped slash is still part of its segment.</summary>
internal static class RequestPath
{
    /// <summary>A segment of the path, unescaped.</summary>
    /// <param name="context">The request.</param>
    /// <param name="index">0 = the first segment.</param>
    public static string Segment(HttpContext context, int index)
    {
        var segments = RawTarget(context).Split('?', 2)[0].Split('/', StringSplitOptions.RemoveEmptyEntries);
        return index < segments.Length ? Uri.UnescapeDataString(segments[index]) : "";
    }

    /// <summary>Path and query as they stood in the request line.</summary>
    public static string RawTarget(HttpContext context) =>
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
}
