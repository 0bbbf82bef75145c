using System.Net;
using WhatsAppMesh.Edge.Operator;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge;

/// <summary>Settings of edge: the section <c>Edge</c> (as environment variables <c>Edge__...</c>). Read once, when the process starts.</summary>
/// <remarks>
/// Beside it: <c>Mesh:InternalToken</c> (required), the ports and sidecar settings that every service has, the senders
/// (<see cref="Sources.CatalogSettings"/>, reloaded while running), and two names of older systems: <c>WHATSAPP_WEBHOOK_SECRET</c> is a
/// secret of the collector <c>default</c>, <c>WHATSAPP_BROKER_API_KEY</c> an API key of the broker <c>default</c>; each counts only where
/// no entry of that name is configured.
/// </remarks>
public sealed record EdgeOptions
{
    /// <summary>Tenant of every sender that names none. Default: <c>default</c>.</summary>
    public string DefaultTenant { get; init; } = "default";

    /// <summary>JSON file with senders, read again when it changes. Default: none.</summary>
    public string? SourcesFile { get; init; }

    /// <summary>How often the senders' file and secrets are looked at, in seconds. Default: 3.</summary>
    public int ReloadSeconds { get; init; } = 3;

    /// <summary>How often a secret in a Dapr secret store is read again, in seconds. Default: 60.</summary>
    public int SecretStoreSeconds { get; init; } = 60;

    /// <summary>
    /// Networks (CIDR) of the proxies in front of edge. Only they are believed when they say in <c>X-Forwarded-For</c> who the client is.
    /// Default: none, the address of the connection counts.
    /// </summary>
    public IReadOnlyList<string> Proxies { get; init; } = [];

    /// <summary>How long requests are still taken after readiness has turned false at shutdown, in seconds. Default: 0.</summary>
    public int ShutdownDelaySeconds { get; init; }

    /// <summary>How long accepted requests may take to finish at shutdown, in seconds. Default: 30.</summary>
    public int ShutdownTimeoutSeconds { get; init; } = 30;

    /// <summary>Where events go.</summary>
    public IngestOptions Ingest { get; init; } = new();

    /// <summary>Whom the operator API asks.</summary>
    public OperatorOptions Operator { get; init; } = new();

    /// <summary>What is held and let through.</summary>
    public LimitOptions Limits { get; init; } = new();

    /// <summary>The token that ingest demands (<c>Mesh:InternalToken</c>). Required.</summary>
    internal string InternalToken { get; init; } = "";

    internal TimeSpan ReloadInterval => TimeSpan.FromSeconds(ReloadSeconds);

    internal TimeSpan SecretStoreRefresh => TimeSpan.FromSeconds(SecretStoreSeconds);

    internal IEnumerable<IPNetwork> ProxyNetworks => Proxies.Select(static text => IPNetwork.Parse(text));

    /// <summary>Reads and checks the settings.</summary>
    /// <exception cref="SettingsException">Some are wrong; the message names every one with its key.</exception>
    public static EdgeOptions Read(IConfiguration configuration)
    {
        var options = configuration.GetSection("Edge").Get<EdgeOptions>() ?? new EdgeOptions();
        options = options with { InternalToken = configuration["Mesh:InternalToken"] ?? "", Limits = options.Limits.For(configuration) };
        var errors = EdgeOptionsValidator.Validate(options);
        if (errors.Count > 0)
            throw new SettingsException("edge", errors);
        return options;
    }
}

/// <summary>How edge reaches ingest: the section <c>Edge:Ingest</c>.</summary>
public sealed record IngestOptions
{
    /// <summary>ingest's HTTP port, e.g. <c>http://ingest:8080</c>. Required unless <see cref="ThroughSidecar"/>.</summary>
    public string Address { get; init; } = "";

    /// <summary>
    /// True sends through edge's own Dapr sidecar, for its mTLS, access control and resiliency. Default: false, straight to the address.
    /// </summary>
    public bool ThroughSidecar { get; init; }

    /// <summary>ingest's Dapr app id, for <see cref="ThroughSidecar"/>. Default: <c>ingest</c>.</summary>
    public string AppId { get; init; } = "ingest";

    /// <summary>Longest wait for ingest's next sign of life, in seconds; then 503. Default: 10 (collectors give up after 15).</summary>
    public int TimeoutSeconds { get; init; } = 10;

    /// <summary>Longest wait for a connection, in seconds. Default: 2.</summary>
    public int ConnectTimeoutSeconds { get; init; } = 2;

    /// <summary>Most connections to ingest at once. Default: 512.</summary>
    public int MaxConnections { get; init; } = 512;
}

/// <summary>What edge holds and lets through: the section <c>Edge:Limits</c>.</summary>
public sealed record LimitOptions
{
    private const string Section = "Edge:Limits:";

    /// <summary>Largest body, in bytes. Default: <c>Mesh:MaxBodyBytes</c>, which is 4 MiB.</summary>
    public int BodyBytes { get; init; } = BodyLimit.Default;

    /// <summary>Bodies in flight at once; more are answered 429. Default: 2048.</summary>
    public int ConcurrentBodies { get; init; } = 2048;

    /// <summary>
    /// Memory that all bodies in flight may hold together, in bytes; more are answered 429. One body alone always has room. Default: 64 MiB, at
    /// least 4 times the largest body.
    /// </summary>
    public long BufferedBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Requests per second from one address before any work is done; 0 means no limit. Default: 20000.</summary>
    public double AddressRequestsPerSecond { get; init; } = 20_000;

    /// <summary>Requests at once from one address after a pause. Default: 40000.</summary>
    public int AddressBurst { get; init; } = 40_000;

    /// <summary>
    /// Bodies in flight from one address at once, so that one client with slow bodies cannot take every place. Default: 512.
    /// </summary>
    public int AddressConcurrentBodies { get; init; } = 512;

    /// <summary>Requests per second of a source that sets none itself; 0 means no limit. Counted after authentication. Default: 10000.</summary>
    public double SourceRequestsPerSecond { get; init; } = 10_000;

    /// <summary>Requests per second of an operator key that sets none itself; 0 means no limit. Default: 100.</summary>
    public double KeyRequestsPerSecond { get; init; } = 100;

    /// <summary>
    /// Longest time until a body's last byte, in seconds, and as long again for each 4 MiB that have arrived; then 408. Default: 30.
    /// </summary>
    public int BodyTimeoutSeconds { get; init; } = 30;

    /// <summary>Slowest a body may come, in bytes per second; 0 means no limit. Default: 240.</summary>
    public double MinBodyBytesPerSecond { get; init; } = 240;

    /// <summary>How long a body may be slower than that at its beginning, in seconds; at least 2. Default: 5.</summary>
    public int MinBodyRateGraceSeconds { get; init; } = 5;

    /// <summary>These limits with what follows from the one setting of a body's size, where they do not say it themselves.</summary>
    internal LimitOptions For(IConfiguration configuration)
    {
        var bodyBytes = BodyLimit.IsOwn(configuration, Section + nameof(BodyBytes)) ? BodyBytes : BodyLimit.Read(configuration);
        var bufferedBytes = BodyLimit.IsOwn(configuration, Section + nameof(BufferedBytes)) ? BufferedBytes : Math.Max(BufferedBytes, 4L * bodyBytes);
        return this with { BodyBytes = bodyBytes, BufferedBytes = bufferedBytes };
    }
}
