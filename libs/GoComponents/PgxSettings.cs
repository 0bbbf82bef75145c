namespace WhatsAppMesh.GoComponents;

/// <summary>pgx's own settings, and what it checks of each before it connects.</summary>
internal static class PgxSettings
{
    // Not handed to the server: pgx's, its pool's and its statement cache's.
    private static readonly HashSet<string> Own =
    [
        "host", "port", "database", "user", "password", "passfile", "connect_timeout", "sslmode", "sslkey", "sslcert", "sslrootcert",
        "sslpassword", "sslsni", "krbspn", "krbsrvname", "target_session_attrs", "service", "servicefile",
        "pool_max_conns", "pool_min_conns", "pool_min_idle_conns",
        "pool_max_conn_lifetime", "pool_max_conn_idle_time", "pool_health_check_period", "pool_max_conn_lifetime_jitter", "statement_cache_capacity",
        "description_cache_capacity", "default_query_exec_mode",
    ];

    private static readonly string[] Lifetimes =
    [
        "pool_max_conn_lifetime", "pool_max_conn_idle_time", "pool_health_check_period", "pool_max_conn_lifetime_jitter",
    ];

    private static readonly string[] Counts =
    [
        "pool_max_conns", "pool_min_conns", "pool_min_idle_conns", "statement_cache_capacity", "description_cache_capacity",
    ];

    private static readonly HashSet<string> SslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

    private static readonly HashSet<string> SessionAttributes = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"];

    private static readonly HashSet<string> ExecModes = ["cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"];

    public static bool IsOwn(string keyword) => Own.Contains(keyword);

    /// <summary>Whether a word is a keyword of libpq's connection strings, or one that pgx adds.</summary>
    public static bool IsLibpqs(string keyword) =>
        Own.Contains(keyword) || keyword is "dbname" or "application_name" or "options" or "client_encoding" or "hostaddr";

    /// <exception cref="FormatException">pgx would refuse a setting.</exception>
    public static void Check(Dictionary<string, string> settings)
    {
        string Of(string keyword) => settings.GetValueOrDefault(keyword, "");
        if (settings.ContainsKey("service"))
            throw new FormatException("service: service files are not read here, say everything in the connection string");
        if (settings.TryGetValue("connect_timeout", out var timeout) && GoValues.ParseInt(timeout) is not >= 0)
            throw new FormatException("invalid connect_timeout: it must be a whole number of seconds");
        CheckHosts(settings);
        if (settings.TryGetValue("target_session_attrs", out var attributes) && !SessionAttributes.Contains(attributes))
            throw new FormatException($"unknown target_session_attrs value: it must be one of {string.Join(", ", SessionAttributes)}");
        bool IsNumber(string keyword) => GoValues.ParseInt(Of(keyword)) is >= int.MinValue and <= int.MaxValue;
        if (Counts.FirstOrDefault(name => settings.ContainsKey(name) && !IsNumber(name)) is { } count)
            throw new FormatException($"cannot parse {count}: it must be a whole number");
        if (settings.ContainsKey("pool_max_conns") && GoValues.ParseInt(Of("pool_max_conns")) < 1)
            throw new FormatException("pool_max_conns too small: it must be at least 1");
        if (Lifetimes.FirstOrDefault(name => settings.ContainsKey(name) && GoDuration.Parse(Of(name)) is null) is { } lifetime)
            throw new FormatException($"invalid {lifetime}: it must be a duration such as 30m or 1h30m");
        if (settings.TryGetValue("default_query_exec_mode", out var mode) && !ExecModes.Contains(mode))
            throw new FormatException($"invalid default_query_exec_mode: it must be one of {string.Join(", ", ExecModes)}");
    }

    private static void CheckHosts(Dictionary<string, string> settings)
    {
        var hosts = settings.GetValueOrDefault("host", "/").Split(',');
        var ports = settings.GetValueOrDefault("port", "5432").Split(',');
        foreach (var (i, host) in hosts.Index())
        {
            if (GoValues.ParseUint(i < ports.Length ? ports[i] : ports[0]) is not (>= 1 and <= ushort.MaxValue))
                throw new FormatException("invalid port: it must be a number from 1 to 65535");
            if (host.AsSpan().IndexOfAny(";='\" \t") >= 0)
                throw new FormatException("invalid host: no host has such a name");
            if (!host.StartsWith('/'))
                CheckTls(settings);
        }
    }

    private static void CheckTls(Dictionary<string, string> settings)
    {
        string Of(string keyword) => settings.GetValueOrDefault(keyword, "");
        if (Of("sslrootcert") is { Length: > 0 } root and not "system" && !IsCertificate(root))
            throw new FormatException("failed to configure TLS: unable to read CA file: sslrootcert must be the path of certificates in PEM form");
        var mode = Of("sslrootcert") == "system" ? "verify-full" : Of("sslmode") is { Length: > 0 } given ? given : "prefer";
        if (!SslModes.Contains(mode))
            throw new FormatException($"failed to configure TLS: sslmode is invalid: it must be one of {string.Join(", ", SslModes)}");
        if (mode == "disable")
            return;
        var (certificate, key) = (Of("sslcert"), Of("sslkey"));
        if (certificate.Length > 0 != key.Length > 0)
            throw new FormatException("failed to configure TLS: both \"sslcert\" and \"sslkey\" are required");
        if (certificate.Length > 0 && (!File.Exists(key) || !IsCertificate(certificate)))
            throw new FormatException("failed to configure TLS: unable to read sslkey or sslcert: both must be paths of files in PEM form");
    }

    private static bool IsCertificate(string path)
    {
        try
        {
            return File.ReadAllText(path).Contains("-----BEGIN CERTIFICATE-----", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return false;
        }
    }
}
