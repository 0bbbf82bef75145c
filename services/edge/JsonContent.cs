using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace WhatsAppMesh.Edge;

/// <summary>Decides whether a body says that it is JSON as this system reads it: UTF-8 and not compressed.</summary>
public static class JsonContent
{
    /// <summary>
    /// True for one Content-Type of <c>application/json</c> or <c>application/*+json</c>, charset absent or utf-8, without a
    /// Content-Encoding other than identity.
    /// </summary>
    public static bool IsJson(IHeaderDictionary headers) => IsPlain(headers.ContentEncoding) && IsJsonType(headers.ContentType);

    private static bool IsJsonType(StringValues contentType)
    {
        if (contentType.Count != 1 || contentType[0] is not { } text)
            return false;

        // What nearly every sender says needs no parsing.
        if (text is "application/json" or "application/json; charset=utf-8")
            return true;
        if (!MediaTypeHeaderValue.TryParse(text, out var type))
            return false;
        var isJson = type.Type.Equals("application", StringComparison.OrdinalIgnoreCase)
            && (type.SubType.Equals("json", StringComparison.OrdinalIgnoreCase) || type.Suffix.Equals("json", StringComparison.OrdinalIgnoreCase));
        return isJson && (!type.Charset.HasValue || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase));
    }

    private static bool IsPlain(StringValues contentEncoding) =>
        contentEncoding.Count == 0 || string.Equals(contentEncoding.ToString(), "identity", StringComparison.OrdinalIgnoreCase);
}
