using System.Globalization;

namespace WhatsAppMesh.DevSidecar.Hosting;

/// <summary>Parses daprd's command line; says in one sentence what it cannot honour, instead of starting as something else.</summary>
internal sealed class FlagReader(IReadOnlyList<string> args)
{
    private static readonly HashSet<string> Switches =
    [
        "log-as-json", "enable-metrics", "enable-api-logging", "enable-app-health-check", "enable-mtls", "enable-profiling", "app-ssl",
    ];

    /// <summary>Accepted, without any effect here: they tune what this sidecar does not have, and no app can tell.</summary>
    private static readonly HashSet<string> Harmless =
    [
        "enable-metrics", "metrics-port", "metrics-listen-address", "dapr-internal-grpc-listen-address", "allowed-origins", "enable-profiling",
        "profile-port", "app-health-check-path", "app-health-probe-interval", "app-health-probe-timeout", "app-health-threshold",
        "control-plane-trust-domain", "runtime-path",
    ];

    private static readonly Dictionary<string, string> Unsupported = new()
    {
        ["enable-mtls"] = "mTLS between sidecars",
        ["sentry-address"] = "certificates from Sentry",
        ["control-plane-address"] = "a control plane",
        ["trust-anchors-file"] = "certificates from Sentry",
        ["unix-domain-socket"] = "unix domain sockets",
        ["placement-host-address"] = "actors (the placement service)",
        ["actors-service"] = "actors",
        ["reminders-service"] = "actor reminders",
        ["scheduler-host-address"] = "jobs (the scheduler service)",
        ["enable-app-health-check"] = "app health checks",
        ["dapr-block-shutdown-duration"] = "a delayed shutdown",
        ["dapr-public-port"] = "a public port",
        ["app-ssl"] = "TLS to the app",
    };

    private readonly Dictionary<string, List<string>> _values = [];

    public SidecarFlags Read()
    {
        Collect();
        RefuseUnsupported();
        var appPort = Number("app-port", 0) is > 0 and var port ? port : (int?)null;
        var flags = new SidecarFlags
        {
            AppId = Last("app-id") ?? throw new StartFailure("--app-id is missing: give the app's name."),
            AppPort = appPort,
            AppChannelAddress = Last("app-channel-address") ?? "127.0.0.1",
            AppMaxConcurrency = Number("app-max-concurrency", -1) is > 0 and var calls ? calls : null,
            HttpPort = Number("dapr-http-port", 3500),
            GrpcPort = Number("dapr-grpc-port", 50001),
            InternalGrpcPort = Number("dapr-internal-grpc-port", 0),
            ListenAddresses = Last("dapr-listen-addresses")?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? ["127.0.0.1"],
            ResourcesPaths = [.. All("resources-path"), .. All("components-path")],
            ConfigFiles = All("config"),
            MaxBodySize = Size("max-body-size") ?? Scaled("dapr-http-max-request-size", 1024 * 1024) ?? 4 * 1024 * 1024,
            ReadBufferSize = (int)(Size("read-buffer-size") ?? Scaled("dapr-http-read-buffer-size", 1024) ?? 4 * 1024),
            GracefulShutdown = TimeSpan.FromSeconds(Number("dapr-graceful-shutdown-seconds", 5) is >= 0 and var seconds ? seconds : 5),
            LogLevel = Level(Last("log-level") ?? "info"),
            LogAsJson = On("log-as-json"),
            ApiLogging = On("enable-api-logging"),
            AskSubscriptions = AskSubscriptions(),
            Ignored = [.. _values.Keys.Where(Harmless.Contains).Order()],
        };
        if (appPort is not null && (appPort == flags.HttpPort || appPort == flags.GrpcPort))
            throw new StartFailure($"--app-port {appPort} is also one of the sidecar's own ports: choose another.");

        return flags;
    }

    private void Collect()
    {
        for (var i = 0; i < args.Count; i++)
        {
            var flag = args[i];
            if (!flag.StartsWith('-'))
                throw new StartFailure($"'{flag}' is not a flag: flags start with --.");

            var body = flag.TrimStart('-');
            var equals = body.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? body : body[..equals];
            var value = equals >= 0 ? body[(equals + 1)..]
                : Switches.Contains(name) ? "true"
                : i + 1 < args.Count ? args[++i]
                : throw new StartFailure($"--{name} has no value.");
            if (!_values.TryGetValue(name, out var values))
                _values[name] = values = [];
            values.Add(value);
        }
    }

    private void RefuseUnsupported()
    {
        foreach (var (name, feature) in Unsupported)
        {
            if (Last(name) is { Length: > 0 } value && value is not ("false" or "0"))
                throw new StartFailure($"--{name} asks for {feature}, which the development sidecar does not have: leave the flag out.");
        }

        if (Last("mode") is { } mode && mode != "standalone")
            throw new StartFailure($"--mode {mode} is not supported by the development sidecar, only standalone.");

        if (Number("app-port", 0) > 0 && (Last("app-protocol") ?? "http") is var protocol && protocol != "h2c")
            throw new StartFailure($"--app-protocol {protocol} is not supported by the development sidecar: serve the app over cleartext HTTP/2 and pass h2c.");

        var unknown = _values.Keys.FirstOrDefault(name => !Known.Contains(name) && !Harmless.Contains(name) && !Unsupported.ContainsKey(name));
        if (unknown is not null)
            throw new StartFailure($"--{unknown} is not a flag of the development sidecar.");
    }

    private static readonly HashSet<string> Known =
    [
        "app-id", "app-port", "app-protocol", "app-channel-address", "app-max-concurrency", "dapr-http-port", "dapr-grpc-port",
        "dapr-internal-grpc-port", "dapr-listen-addresses", "resources-path", "components-path", "config", "max-body-size",
        "dapr-http-max-request-size", "read-buffer-size", "dapr-http-read-buffer-size", "dapr-graceful-shutdown-seconds", "log-level",
        "log-as-json", "enable-api-logging", "disable-init-endpoints", "mode",
    ];

    private bool AskSubscriptions()
    {
        var off = Last("disable-init-endpoints")?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        // The config endpoint concerns actors only, the bindings endpoint bindings only: neither is ever asked here.
        var unknown = off.FirstOrDefault(name => name is not ("subscribe" or "config" or "bindings"));
        return unknown is null
            ? !off.Contains("subscribe")
            : throw new StartFailure($"--disable-init-endpoints {unknown} is not known: use config, subscribe or bindings.");
    }

    private string? Last(string name) => _values.TryGetValue(name, out var values) ? values[^1] : null;

    private IReadOnlyList<string> All(string name) => _values.TryGetValue(name, out var values) ? values : [];

    private bool On(string name) => Last(name) is not (null or "false" or "0");

    private int Number(string name, int fallback) => Last(name) is not { Length: > 0 } text
        ? fallback
        : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new StartFailure($"--{name} must be a whole number, not '{text}'.");

    private long? Scaled(string name, long unit) => Number(name, 0) is > 0 and var number ? number * unit : null;

    /// <summary>A Kubernetes quantity: 4Mi, 512Ki, 4M, 4194304.</summary>
    private long? Size(string name)
    {
        if (Last(name) is not { Length: > 0 } text)
            return null;

        var digits = text.TrimEnd('K', 'k', 'M', 'G', 'i', 'B');
        long? unit = text[digits.Length..] switch
        {
            "" or "B" => 1,
            "k" or "K" or "KB" => 1000,
            "M" or "MB" => 1000 * 1000,
            "G" or "GB" => 1000 * 1000 * 1000,
            "Ki" or "KiB" => 1024,
            "Mi" or "MiB" => 1024 * 1024,
            "Gi" or "GiB" => 1024 * 1024 * 1024,
            _ => null,
        };
        return unit is not null && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number * unit
            : throw new StartFailure($"--{name} must be a size such as 4Mi, not '{text}'.");
    }

    private static LogLevel Level(string text) => text switch
    {
        "debug" => LogLevel.Debug,
        "info" => LogLevel.Information,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        "fatal" => LogLevel.Critical,
        _ => throw new StartFailure($"--log-level must be debug, info, warn, error or fatal, not '{text}'."),
    };
}
