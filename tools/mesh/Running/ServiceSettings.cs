using System.Globalization;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>
/// Environment and arguments of the processes. What a service asks for by naming it in dapr.yaml (a database, the internal token, the
/// address of ingest, a secret) is filled in with this mesh's own; nothing here knows a service by name except where one calls another directly.
/// </summary>
public static class ServiceSettings
{
    /// <summary>The HTTP port of a service.</summary>
    public const string HttpPort = "HTTP_PORT";

    /// <summary>A service that names this setting owns a database, named for its app id.</summary>
    public const string Database = "ConnectionStrings__Database";

    /// <summary>The database of state store <c>claims</c>, as components/claims.yaml finds it: a URL, or libpq's keyword=value.</summary>
    public const string ClaimsDatabase = "CLAIMS_DATABASE";

    private const string InternalToken = "Mesh__InternalToken";
    private const string IngestAddress = "Edge__Ingest__Address";
    private const string OperatorKeyHash = "Edge__ApiKeys__0__Hash";
    private const string Ingest = "ingest";

    /// <summary>Environment of a service.</summary>
    public static Dictionary<string, string> ForApp(PlannedService service, IReadOnlyList<PlannedService> all, MeshOptions options, MeshSecrets secrets, MeshDatabases databases)
    {
        var environment = Common(service, options, secrets);
        environment["APP_ID"] = service.App.AppId;
        environment["APP_PORT"] = Text(service.AppPort);
        environment["APP_PROTOCOL"] = service.App.AppProtocol;
        environment[HttpPort] = Text(service.HttpPort);
        environment["DAPR_HTTP_PORT"] = Text(service.DaprHttpPort);
        environment["DAPR_GRPC_PORT"] = Text(service.DaprGrpcPort);
        environment["DAPR_METRICS_PORT"] = Text(service.DaprMetricsPort);
        Fill(environment, Database, () => databases.ConnectionString(service.App.AppId));
        Fill(environment, InternalToken, () => secrets.InternalToken);
        Fill(environment, OperatorKeyHash, () => Operating.OperatorKeys.HashOf(secrets.OperatorKey));
        if (Partner(service, all) is { } ingest)
            Fill(environment, IngestAddress, () => ingest.HttpAddress.ToString());
        return With(environment, options, service.App.AppId, service.Name);
    }

    /// <summary>
    /// Environment of a service's sidecar: its secret store reads secrets from there. The same for every daprd. A database for claims that the
    /// launcher's own environment names is kept.
    /// </summary>
    public static Dictionary<string, string> ForSidecar(PlannedService service, MeshOptions options, MeshSecrets secrets, MeshDatabases databases)
    {
        var environment = Common(service, options, secrets);
        environment["DEVSIDECAR_DATABASE"] = databases.ConnectionString(MeshDatabases.Sidecar);
        environment[ClaimsDatabase] = System.Environment.GetEnvironmentVariable(ClaimsDatabase) is { Length: > 0 } given
            ? given
            : databases.ComponentUrl(MeshDatabases.Sidecar);
        environment["WHATSAPP_WEBHOOK_SECRET"] = secrets.CollectorSecret;
        environment["WHATSAPP_STANDARD_SECRET"] = secrets.StandardSecret;
        environment["MESH_SMOKE_SECRET"] = secrets.SmokeSecret;
        environment[LocalBroker.ApiKeySecret] = secrets.BrokerApiKey;
        return With(environment, options, service.App.AppId + RunPlan.SidecarSuffix, service.SidecarName);
    }

    /// <summary>Arguments of a service's sidecar: daprd's flags.</summary>
    /// <param name="service">The service.</param>
    /// <param name="resources">The folder to use in place of one of the run file.</param>
    /// <param name="checksAccess">The sidecar lets through what the chart's rules allow, and nothing else.</param>
    /// <exception cref="MeshException">There are no rules for the service.</exception>
    public static IReadOnlyList<string> SidecarArguments(PlannedService service, Func<string, string> resources, bool checksAccess)
    {
        List<string> arguments =
        [
            "--app-id", service.App.AppId,
            "--app-port", Text(service.AppPort),
            "--app-protocol", service.App.AppProtocol,
            "--dapr-http-port", Text(service.DaprHttpPort),
            "--dapr-grpc-port", Text(service.DaprGrpcPort),
            "--dapr-internal-grpc-port", Text(service.DaprInternalPort),
            "--metrics-port", Text(service.DaprMetricsPort),
            "--max-body-size", service.App.MaxBodySize,
            "--log-level", service.App.LogLevel,
        ];
        foreach (var path in service.App.ResourcesPaths)
            arguments.AddRange(["--resources-path", resources(path)]);
        if (service.App.ConfigFile.Length > 0)
            arguments.AddRange(["--config", service.App.ConfigFile]);
        if (checksAccess)
            arguments.AddRange(["--config", RulesOf(service.App)]);
        return arguments;
    }

    /// <summary>The file that says who may call what of a service, beside the configuration that all sidecars have.</summary>
    public static string AccessControlOf(RunFileApp app)
    {
        ArgumentNullException.ThrowIfNull(app);
        return Path.Combine(Path.GetDirectoryName(app.ConfigFile)!, "access-control", app.AppId + ".yaml");
    }

    /// <summary>False for a release that is older than access control in the local mesh: it has no rules for anybody.</summary>
    public static bool HaveAccessControl(IEnumerable<RunFileApp> apps) =>
        apps.All(static app => app.ConfigFile.Length > 0) && apps.Any(static app => Directory.Exists(Path.GetDirectoryName(AccessControlOf(app))));

    /// <summary>Database names that the services of a run file ask for, and the sidecars' own.</summary>
    public static IReadOnlyList<string> DatabasesOf(RunFile file) =>
        [.. file.Apps.Where(a => a.Environment.ContainsKey(Database)).Select(a => a.AppId), MeshDatabases.Sidecar];

    private static Dictionary<string, string> Common(PlannedService service, MeshOptions options, MeshSecrets secrets)
    {
        var environment = new Dictionary<string, string>(service.App.Environment)
        {
            ["APP_API_TOKEN"] = secrets.AppApiToken,
            ["DAPR_API_TOKEN"] = options.ApiToken ? secrets.DaprApiToken : "",
        };
        return environment;
    }

    private static string RulesOf(RunFileApp app) => File.Exists(AccessControlOf(app))
        ? AccessControlOf(app)
        : throw new MeshException($"{AccessControlOf(app)} is missing, so nobody says who may call {app.AppId}: write it, or start with --access-control=off.");

    private static void Fill(Dictionary<string, string> environment, string name, Func<string> value)
    {
        if (environment.ContainsKey(name))
            environment[name] = value();
    }

    // The n-th edge talks to the n-th ingest, wrapping round.
    private static PlannedService? Partner(PlannedService service, IReadOnlyList<PlannedService> all)
    {
        var partners = all.Where(s => s.App.AppId == Ingest).ToList();
        return partners.Count == 0 ? null : partners[(service.Replica - 1) % partners.Count];
    }

    private static Dictionary<string, string> With(Dictionary<string, string> environment, MeshOptions options, string appName, string processName)
    {
        foreach (var name in (string[])[appName, processName])
        {
            foreach (var (key, value) in options.Environment.GetValueOrDefault(name) ?? new Dictionary<string, string>())
                environment[key] = value;
        }
        return environment;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
