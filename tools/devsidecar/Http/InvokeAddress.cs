using System.Text;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>Whom an HTTP request wants to call, and where there.</summary>
/// <param name="Target">An app id (with or without a namespace), the name of an HTTPEndpoint, or a URL.</param>
/// <param name="PathAndQuery">Path and query at the target, escaped as the caller escaped them, with the leading slash.</param>
internal sealed record InvokeAddress(string Target, string PathAndQuery)
{
    private const string Prefix = "/v1.0/invoke/";
    private const string MethodPart = "/method/";

    /// <summary>
    /// Reads the address of a request: the header <c>dapr-app-id</c> (the path is the method), Basic authentication with the user
    /// <c>dapr-app-id</c> (likewise), or the path <c>/v1.0/invoke/APP/method/METHOD</c>, in this order. Null when it names nobody.
    /// </summary>
    /// <param name="rawTarget">The request target as it stood in the request line.</param>
    /// <param name="appIdHeader">The header <c>dapr-app-id</c>.</param>
    /// <param name="authorization">The header <c>Authorization</c>.</param>
    public static InvokeAddress? Find(string rawTarget, string? appIdHeader, string? authorization)
    {
        if ((NullIfEmpty(appIdHeader) ?? UserOf(authorization)) is { } named)
            return new InvokeAddress(named, rawTarget);

        if (!rawTarget.StartsWith(Prefix, StringComparison.Ordinal))
            return null;

        var query = rawTarget.IndexOf('?', StringComparison.Ordinal);
        var method = rawTarget.IndexOf(MethodPart, Prefix.Length, StringComparison.Ordinal);
        if (method < 0 || (query >= 0 && query < method))
            return null;

        var target = Uri.UnescapeDataString(rawTarget[Prefix.Length..method]);
        return target.Length == 0 ? null : new InvokeAddress(target, "/" + rawTarget[(method + MethodPart.Length)..]);
    }

    /// <summary>Why a name cannot be that of an app; null when it can.</summary>
    public static string? Problem(string target) => target switch
    {
        "" => "app id is empty",
        _ when target.StartsWith("http://", StringComparison.Ordinal) || target.StartsWith("https://", StringComparison.Ordinal) => null,
        _ => target.Split('.').Length > 2 ? $"invalid app id {target}" : null,
    };

    private static string? UserOf(string? authorization)
    {
        const string Basic = "Basic ";
        if (authorization is null || !authorization.StartsWith(Basic, StringComparison.Ordinal))
            return null;

        var buffer = new byte[authorization.Length];
        if (!Convert.TryFromBase64String(authorization[Basic.Length..], buffer, out var length))
            return null;

        var pair = Encoding.UTF8.GetString(buffer, 0, length).Split(':');
        return pair.Length == 2 && string.Equals(pair[0], "dapr-app-id", StringComparison.OrdinalIgnoreCase) ? NullIfEmpty(pair[1]) : null;
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
