using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace WhatsAppMesh.GoComponents;

/// <summary>
/// What becomes of each of Npgsql's settings: most have a libpq keyword that pgx knows too, some must not be lost in silence, and the rest is
/// about Npgsql itself.
/// </summary>
internal static partial class NpgsqlSettings
{
    /// <summary>Settings with a keyword of their own, by the names that Npgsql writes.</summary>
    public static readonly IReadOnlyList<(string Name, string Libpq, Func<NpgsqlConnectionStringBuilder, string?> Read)> Carried =
    [
        ("Passfile", "passfile", s => s.Passfile),
        ("Application Name", "application_name", s => s.ApplicationName),
        ("Client Encoding", "client_encoding", s => s.ClientEncoding),
        ("Root Certificate", "sslrootcert", s => s.RootCertificate),
        ("SSL Certificate", "sslcert", s => s.SslCertificate),
        ("SSL Key", "sslkey", s => s.SslKey),
        ("SSL Password", "sslpassword", s => s.SslPassword),
        ("Kerberos Service Name", "krbsrvname", s => s.KerberosServiceName),
        // 0 waits for ever, in both.
        ("Timeout", "connect_timeout", s => s.Timeout.ToString(CultureInfo.InvariantCulture)),
        ("Target Session Attributes", "target_session_attrs", s => s.TargetSessionAttributes),
    ];

    // In the address, the path or the options of the URL.
    private static readonly HashSet<string> Elsewhere =
    [
        "Host", "Port", "Database", "Username", "Password", "SSL Mode", "Options", "Search Path", "Timezone",
    ];

    private static readonly HashSet<string> SessionAttributes = new(StringComparer.OrdinalIgnoreCase)
    {
        "any", "primary", "standby", "prefer-standby", "read-write", "read-only",
    };

    /// <summary>Whether a setting is neither carried nor refused.</summary>
    public static bool HasNoMeaning(string name) => !Elsewhere.Contains(name) && Carried.All(setting => setting.Name != name);

    /// <summary>libpq's word for how the connection is encrypted.</summary>
    public static string SslMode(SslMode mode) => mode switch
    {
        Npgsql.SslMode.VerifyCA => "verify-ca",
        Npgsql.SslMode.VerifyFull => "verify-full",
        _ => mode.ToString().ToLowerInvariant(),
    };

    /// <summary>Options of the session: the given ones, and what Npgsql has a name for and a URL of libpq's has not.</summary>
    public static string Options(NpgsqlConnectionStringBuilder settings) => string.Join(' ', new[]
    {
        settings.Options?.Trim(), Option("search_path", settings.SearchPath), Option("TimeZone", settings.Timezone),
    }.Where(option => !string.IsNullOrEmpty(option)));

    /// <summary>Why these settings cannot be handed over: what protects the connection must not get lost on the way. Null = they can.</summary>
    public static string? Refusal(NpgsqlConnectionStringBuilder settings) => settings switch
    {
        { ChannelBinding: ChannelBinding.Require } => Cannot("Channel Binding=Require"),
        { RequireAuth.Length: > 0 } => Cannot("Require Auth"),
        { CheckCertificateRevocation: true } => Cannot("Check Certificate Revocation"),
        { GssEncryptionMode: GssEncryptionMode.Require } => Cannot("GSS Encryption Mode=Require"),
        { SslNegotiation: SslNegotiation.Direct } => Cannot("SSL Negotiation=Direct"),
        { SslCertificate.Length: > 0, SslKey: null or "" } =>
            "SSL Certificate needs SSL Key beside it: a component in Go reads no key from the certificate's file.",
        { TargetSessionAttributes: { Length: > 0 } attributes } when !SessionAttributes.Contains(attributes) =>
            Cannot("Target Session Attributes=prefer-primary"),
        _ => null,
    };

    private static string Cannot(string setting) => $"{setting} is nothing that a component in Go can do: leave it out.";

    private static string? Option(string name, string? value) =>
        string.IsNullOrEmpty(value) ? null : $"-c {name}={Spaces().Replace(value, @"\$0")}";

    /// <summary>What the server would take for the end of an option.</summary>
    [GeneratedRegex(@"[\s\\]")]
    private static partial Regex Spaces();
}
