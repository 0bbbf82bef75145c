using System.Collections.Frozen;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace WhatsAppMesh.Edge;

/// <summary>Decides whether a body says that it is JSON, or a form, as this system reads it: UTF-8 and not compressed.</summary>
public static class JsonContent
{
    // The labels that the WHATWG Encoding Standard and IANA have for UTF-8, Java's and Python's spelling, and ASCII, which is UTF-8 too.
    private static readonly FrozenSet<string> Utf8Names = new[]
    {
        "utf-8", "utf8", "utf_8", "csutf8", "unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8", "us-ascii", "ascii",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// True for one Content-Type of <c>application/json</c> or <c>application/*+json</c>, charset absent or any spelling of UTF-8, without a
    /// Content-Encoding other than identity.
    /// </summary>
    public static bool IsJson(IHeaderDictionary headers)
    {
        // What nearly every sender says needs no parsing.
        if (headers.ContentType is ["application/json" or "application/json; charset=utf-8"] && headers.ContentEncoding.Count == 0)
            return true;
        return TypeOf(headers) is { } type
            && (type.SubType.Equals("json", StringComparison.OrdinalIgnoreCase) || type.Suffix.Equals("json", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The same for <c>application/x-www-form-urlencoded</c>.</summary>
    public static bool IsForm(IHeaderDictionary headers) =>
        TypeOf(headers) is { } type && type.SubType.Equals("x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase);

    // The one type of a body that can be read here; null when it is none of application/*, or not plain UTF-8.
    private static MediaTypeHeaderValue? TypeOf(IHeaderDictionary headers)
    {
        if (!IsPlain(headers.ContentEncoding) || headers.ContentType is not [{ } text])
            return null;
        if (!MediaTypeHeaderValue.TryParse(text.AsSpan().TrimEnd("; ").ToString(), out var type))
            return null;
        return type.Type.Equals("application", StringComparison.OrdinalIgnoreCase) && IsUtf8(type) ? type : null;
    }

    // Every charset that is named counts: of two different ones, which the next reader believes cannot be known.
    private static bool IsUtf8(MediaTypeHeaderValue type)
    {
        foreach (var parameter in type.Parameters)
        {
            if (!parameter.Name.Equals("charset", StringComparison.OrdinalIgnoreCase))
                continue;
            var name = HeaderUtilities.RemoveQuotes(parameter.Value).ToString().Trim(' ', '\'');
            if (name.Length > 0 && !Utf8Names.Contains(name))
                return false;
        }

        return true;
    }

    private static bool IsPlain(StringValues contentEncoding) =>
        contentEncoding.Count == 0 || string.Equals(contentEncoding.ToString(), "identity", StringComparison.OrdinalIgnoreCase);
}
