namespace WhatsAppMesh.DevSidecar.Hosting;

/// <summary>The command line of the sidecar: the flags of Dapr's own, as far as this one can honour them.</summary>
public sealed record SidecarFlags
{
    /// <summary>Name of the app: its consumer group, its address for invocation, the source of its events.</summary>
    public required string AppId { get; init; }

    /// <summary>Port of the app (cleartext HTTP/2); null = the sidecar has no app to call.</summary>
    public int? AppPort { get; init; }

    /// <summary>Address of the app.</summary>
    public string AppChannelAddress { get; init; } = "127.0.0.1";

    /// <summary>Most calls to the app at a time over HTTP; null = no limit.</summary>
    public int? AppMaxConcurrency { get; init; }

    /// <summary>Port of the HTTP API; 0 = any free one.</summary>
    public int HttpPort { get; init; } = 3500;

    /// <summary>Port of the gRPC API and proxy; 0 = any free one.</summary>
    public int GrpcPort { get; init; } = 50001;

    /// <summary>Port other sidecars call; 0 = any free one.</summary>
    public int InternalGrpcPort { get; init; }

    /// <summary>Addresses the ports are opened on.</summary>
    public IReadOnlyList<string> ListenAddresses { get; init; } = ["127.0.0.1"];

    /// <summary>Folders whose YAML files are the resources.</summary>
    public IReadOnlyList<string> ResourcesPaths { get; init; } = [];

    /// <summary>Files holding a Configuration.</summary>
    public IReadOnlyList<string> ConfigFiles { get; init; } = [];

    /// <summary>Largest request body in bytes. Default 4 Mi.</summary>
    public long MaxBodySize { get; init; } = 4 * 1024 * 1024;

    /// <summary>Largest sum of request headers in bytes. Default 4 Ki.</summary>
    public int ReadBufferSize { get; init; } = 4 * 1024;

    /// <summary>How long a graceful stop may take. Default 5 s.</summary>
    public TimeSpan GracefulShutdown { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Smallest level logged.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>Log lines are JSON.</summary>
    public bool LogAsJson { get; init; }

    /// <summary>Each API call is logged.</summary>
    public bool ApiLogging { get; init; }

    /// <summary>The app is asked for its programmatic subscriptions (off with <c>--disable-init-endpoints=subscribe</c>).</summary>
    public bool AskSubscriptions { get; init; } = true;

    /// <summary>Flags that were given and change nothing here; logged at start.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>Reads a command line.</summary>
    /// <exception cref="StartFailure">A flag is unknown, has a bad value, or asks for something this sidecar does not do.</exception>
    public static SidecarFlags Parse(IReadOnlyList<string> args) => new FlagReader(args).Read();
}
