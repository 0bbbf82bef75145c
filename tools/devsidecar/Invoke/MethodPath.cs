using System.Globalization;
using System.Text;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>Makes a path of a method's name: dots resolved as Go's path.Clean does, odd characters escaped, escapes left alone.</summary>
internal static class MethodPath
{
    /// <returns>The path with its leading slash, or what is wrong with the name.</returns>
    public static (string Path, string? Problem) Of(string method) => ProblemOf(method) is { } problem ? ("", problem) : ("/" + Escape(Clean(method)), null);

    /// <summary>What access control decides about: the path of a request without its query, its dots resolved.</summary>
    /// <param name="target">Path and query as they stand in the request line.</param>
    /// <param name="isDecoded">The path is a name as it is: that of a gRPC method, which keeps its leading slash. Else escapes are resolved first.</param>
    /// <returns>The name, or what is wrong with it.</returns>
    public static (string Name, string? Problem) Operation(string target, bool isDecoded)
    {
        var path = target.Split('?', 2)[0];
        var method = isDecoded ? path : Uri.UnescapeDataString(path);
        return ProblemOf(method) is { } problem ? ("", problem) : (isDecoded ? "/" + Clean(method) : Clean(method), null);
    }

    private static string? ProblemOf(string method)
    {
        if (method.IndexOfAny(['#', '?', '\0']) >= 0)
            return $"invalid method: method contains forbidden character: \"{method}\"";
        for (var i = 0; i < method.Length; i++)
        {
            if (method[i] < ' ' || method[i] == '\x7f')
                return $"invalid method: method contains control character at position {i}: \"{method}\"";
        }

        return null;
    }

    private static string Clean(string method)
    {
        var kept = new List<string>();
        foreach (var segment in method.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (segment == "..")
            {
                if (kept.Count > 0)
                    kept.RemoveAt(kept.Count - 1);
            }
            else if (segment != ".")
            {
                kept.Add(segment);
            }
        }

        return string.Join('/', kept);
    }

    private static string Escape(string path)
    {
        var escaped = new StringBuilder(path.Length);
        foreach (var b in Encoding.UTF8.GetBytes(path))
        {
            if (b < 0x80 && (char.IsAsciiLetterOrDigit((char)b) || "-._~!$&'()*+,;=:@/%".Contains((char)b, StringComparison.Ordinal)))
                escaped.Append((char)b);
            else
                escaped.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }

        return escaped.ToString();
    }
}
