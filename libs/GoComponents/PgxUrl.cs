using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;

namespace WhatsAppMesh.GoComponents;

/// <summary>A PostgreSQL URL as Go's net/url takes it apart, for daprd, which sets the component's own settings into it, and then for pgx.</summary>
internal static class PgxUrl
{
    private static readonly SearchValues<char> Userinfo =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:~!$&'()*+,;=%@");

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static Dictionary<string, string> Parse(string text, IReadOnlyDictionary<string, string> overrides)
    {
        var (url, fragment) = Cut(text, '#');
        _ = Decode(fragment, plusIsSpace: false);
        if (url.Any(c => c < ' ' || c == '\u007f'))
            throw Wrong("invalid control character in URL");
        var (address, query) = Cut(url[(url.IndexOf("://", StringComparison.Ordinal) + 3)..], '?');
        var slash = address.IndexOf('/', StringComparison.Ordinal);
        var (authority, path) = slash < 0 ? (address, "") : (address[..slash], address[slash..]);

        var settings = new Dictionary<string, string>();
        var at = authority.LastIndexOf('@');
        if (at >= 0)
            ReadUser(authority[..at], settings);
        ReadHosts(HostOf(authority[(at + 1)..], overrides), settings);
        if (Decode(path, plusIsSpace: false).TrimStart('/') is { Length: > 0 } database)
            settings["database"] = database;
        foreach (var name in (string[])["user", "password", "database"])
        {
            if (overrides.TryGetValue(name, out var own))
                settings[name] = name == "database" ? own.TrimStart('/') : own;
        }

        ReadQuery(query, settings);
        if (overrides.TryGetValue("sslrootcert", out var root))
            settings["sslrootcert"] = root;
        return settings;
    }

    private static void ReadUser(string userinfo, Dictionary<string, string> settings)
    {
        if (userinfo.AsSpan().ContainsAnyExcept(Userinfo))
            throw Wrong("net/url: invalid userinfo (write special characters of user and password as %XX)");
        var (user, password) = Cut(userinfo, ':');
        settings["user"] = Decode(user, plusIsSpace: false);
        // daprd writes a password beside every user, an empty one too.
        if (user.Length > 0 || userinfo.Contains(':', StringComparison.Ordinal))
            settings["password"] = Decode(password, plusIsSpace: false);
    }

    private static string HostOf(string host, IReadOnlyDictionary<string, string> overrides)
    {
        if (host.AsSpan().IndexOfAny(" \\^`{|}") >= 0)
            throw Wrong("invalid character in host name");
        // Escapes are for letters outside ASCII there, and for the percent sign of an IPv6 zone.
        if (host.Index().Any(c => c.Item == '%' && !MayBeEscaped(host.AsSpan(c.Index + 1))))
            throw Wrong("invalid URL escape in the host name (write special characters of user and password, not of the host, as %XX)");
        host = overrides.GetValueOrDefault("hostaddr") ?? overrides.GetValueOrDefault("host") ?? Decode(host, plusIsSpace: false);
        return overrides.TryGetValue("port", out var port) ? $"{host}:{port}" : host;
    }

    private static bool MayBeEscaped(ReadOnlySpan<char> code) =>
        code is ['8' or '9' or (>= 'a' and <= 'f') or (>= 'A' and <= 'F'), _, ..] or ['2', '5', ..];

    private static void ReadHosts(string hosts, Dictionary<string, string> settings)
    {
        var colon = hosts.LastIndexOf(':');
        if (colon >= 0 && colon > hosts.LastIndexOf(']') && hosts.AsSpan(colon + 1).ContainsAnyExceptInRange('0', '9'))
            throw Wrong("invalid port after host (write special characters of user and password as %XX)");
        var (names, ports) = (new List<string>(), new List<string>());
        foreach (var host in hosts.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (IPAddress.TryParse(host.Trim('[', ']'), out _) || !host.Contains(':', StringComparison.Ordinal))
            {
                names.Add(host.Trim('[', ']'));
                continue;
            }

            var split = host.LastIndexOf(':');
            var name = host[..split];
            if (name.Contains(':', StringComparison.Ordinal) && !(name.StartsWith('[') && name.EndsWith(']')))
                throw Wrong("failed to split host:port: too many colons in address");
            if (name.Trim('[', ']') is { Length: > 0 } bare)
                names.Add(bare);
            if (host[(split + 1)..] is { Length: > 0 } port)
                ports.Add(port);
        }

        if (names.Count > 0)
            settings["host"] = string.Join(',', names);
        if (ports.Count > 0)
            settings["port"] = string.Join(',', ports);
    }

    // Of a parameter that is there several times the first counts, and one that cannot be read is passed over: Go's Query() hides its errors.
    private static void ReadQuery(string query, Dictionary<string, string> settings)
    {
        var seen = new HashSet<string>();
        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries).Where(pair => !pair.Contains(';', StringComparison.Ordinal)))
        {
            var (name, value) = Cut(pair, '=');
            if (TryDecode(name) is not { } key || TryDecode(value) is not { } read)
                continue;
            if (seen.Add(key))
                settings[key == "dbname" ? "database" : key] = read;
        }
    }

    private static string? TryDecode(string text)
    {
        try
        {
            return Decode(text, plusIsSpace: true);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static string Decode(string text, bool plusIsSpace)
    {
        var bytes = new ArrayBufferWriter<byte>(text.Length + 1);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '%')
            {
                var digits = text.AsSpan(i + 1, Math.Min(2, text.Length - i - 1));
                if (digits.Length < 2 || !byte.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
                    throw Wrong("invalid URL escape (write a percent sign as %25)");
                bytes.Write([code]);
                i += 2;
            }
            else
            {
                var length = char.IsHighSurrogate(text[i]) && i + 1 < text.Length ? 2 : 1;
                bytes.Write(Encoding.UTF8.GetBytes(plusIsSpace && text[i] == '+' ? " " : text.Substring(i, length)));
                i += length - 1;
            }
        }

        try
        {
            return Strict.GetString(bytes.WrittenSpan);
        }
        catch (DecoderFallbackException)
        {
            throw Wrong("an escape stands for no text in UTF-8");
        }
    }

    private static (string Before, string After) Cut(string text, char at) =>
        text.IndexOf(at, StringComparison.Ordinal) is >= 0 and var i ? (text[..i], text[(i + 1)..]) : (text, "");

    private static FormatException Wrong(string what) => new($"failed to parse as URL: {what}");
}
