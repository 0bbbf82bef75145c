using System.Globalization;
using System.Text;
using Npgsql;

namespace WhatsAppMesh.GoComponents;

/// <summary>
/// An Npgsql connection string as a component written in Go reads it (pgx, and libpq likewise): a URL. Not <c>keyword=value</c>, because daprd
/// takes such a text apart at every space before pgx sees it, quotes or not, and a password with a space would be cut.
/// </summary>
/// <param name="Url">The URL. It holds the password.</param>
/// <param name="Dropped">Npgsql's names of the settings that have no meaning there: its own pool, buffers, prepared statements ...</param>
public sealed record GoConnectionString(string Url, IReadOnlyList<string> Dropped)
{
    private const int DefaultPort = 5432;

    /// <summary>Turns Npgsql settings into a URL.</summary>
    /// <param name="npgsql">For example <c>Host=db;Username=mesh;Password=...;Database=claims</c>.</param>
    /// <exception cref="FormatException">
    /// The text is no Npgsql connection string, or asks for what such a component cannot do and would silently do without (channel binding, for
    /// one). The message names the setting and never a value.
    /// </exception>
    public static GoConnectionString FromNpgsql(string npgsql)
    {
        var settings = Read(npgsql);
        var given = settings.Keys.Cast<string>().ToHashSet(StringComparer.OrdinalIgnoreCase);
        var query = new List<(string Name, string Value)>();
        var authority = AddressOf(settings, query);
        foreach (var setting in NpgsqlSettings.Carried.Where(setting => given.Contains(setting.Name)))
        {
            if (setting.Read(settings) is { Length: > 0 } value)
                query.Add((setting.Libpq, value));
        }

        query.Add(("sslmode", NpgsqlSettings.SslMode(settings.SslMode)));
        if (NpgsqlSettings.Options(settings) is { Length: > 0 } options)
            query.Add(("options", options));
        var dropped = given.Where(NpgsqlSettings.HasNoMeaning).Order(StringComparer.Ordinal);
        return new GoConnectionString(Compose(settings, authority, query), [.. dropped]);
    }

    private static NpgsqlConnectionStringBuilder Read(string npgsql)
    {
        NpgsqlConnectionStringBuilder settings;
        try
        {
            settings = new NpgsqlConnectionStringBuilder(npgsql);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or KeyNotFoundException or OverflowException)
        {
            // The parser's own message may quote a value.
            throw new FormatException("This is no Npgsql connection string, such as Host=db;Username=mesh;Password=...;Database=claims.");
        }

        if (string.IsNullOrWhiteSpace(settings.Host))
            throw new FormatException("The connection string names no Host.");
        if (NpgsqlSettings.Refusal(settings) is { } refusal)
            throw new FormatException(refusal);
        return settings;
    }

    // One TCP host stands where one looks for it. A list and the folder of a socket have no place in a URL's authority that every reader
    // agrees on, so that they are parameters.
    private static string AddressOf(NpgsqlConnectionStringBuilder settings, List<(string Name, string Value)> query)
    {
        var addresses = settings.Host!.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(host => Address(host, settings.Port)).ToList();
        if (addresses is [var only] && Ascii.IsValid(only.Host) && Uri.CheckHostName(only.Host) is UriHostNameType.Dns or UriHostNameType.IPv4)
            return $"{only.Host}:{Text(only.Port)}";
        query.Add(("host", string.Join(',', addresses.Select(address => address.Host))));
        query.Add(("port", string.Join(',', addresses.Select(address => Text(address.Port)))));
        return "";
    }

    // A host of a list may have a port of its own, an IPv6 address then stands in brackets. A socket's folder has none.
    private static (string Host, int Port) Address(string host, int port)
    {
        if (host.StartsWith('/'))
            return (host, port);
        if (host.Any(c => char.IsWhiteSpace(c) || c is '=' or '/' or '?' or '#'))
            throw new FormatException("The connection string's Host is no host: Npgsql's settings are parted by semicolons.");
        if (host.StartsWith('@'))
            throw new FormatException("The connection string's Host is an abstract socket, which Go cannot open: name a folder or a host.");
        var (name, rest) = host.StartsWith('[') && host.IndexOf(']') is > 0 and var end
            ? (host[1..end], host[(end + 1)..])
            : host.Count(c => c == ':') == 1 ? (host[..host.IndexOf(':')], host[host.IndexOf(':')..]) : (host, "");
        if (rest.Length == 0)
            return (name, port);
        return rest[0] == ':' && ushort.TryParse(rest.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var own) && own > 0
            ? (name, own)
            : throw new FormatException("The connection string's Host has a port that is none.");
    }

    private static string Compose(NpgsqlConnectionStringBuilder settings, string authority, List<(string Name, string Value)> query)
    {
        var url = new StringBuilder("postgres://");
        if (settings.Username is { Length: > 0 } user)
        {
            url.Append(Uri.EscapeDataString(user));
            if (settings.Password is { Length: > 0 } password)
                url.Append(':').Append(Uri.EscapeDataString(password));
            url.Append('@');
        }
        else if (settings.Password is { Length: > 0 } password)
        {
            query.Add(("password", password));
        }

        url.Append(authority).Append('/');
        // pgx takes every slash off the front of a path.
        if (settings.Database is ['/', ..])
            query.Add(("dbname", settings.Database));
        else
            url.Append(Uri.EscapeDataString(settings.Database ?? ""));
        return url.Append('?').AppendJoin('&', query.Select(parameter => $"{parameter.Name}={Uri.EscapeDataString(parameter.Value)}")).ToString();
    }

    private static string Text(int port) => (port == 0 ? DefaultPort : port).ToString(CultureInfo.InvariantCulture);
}
