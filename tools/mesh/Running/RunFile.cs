using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>
/// <c>dapr.yaml</c>: the multi-app run file of the Dapr CLI, version 1, so that <c>dapr run -f</c> starts the same processes. A key that
/// this launcher would not honour is refused by name, never skipped.
/// </summary>
public sealed record RunFile
{
    /// <summary>Version of the format; only 1 exists.</summary>
    [YamlMember(Alias = "version")]
    public int Version { get; init; }

    /// <summary>Settings that apply to every app which does not have its own.</summary>
    [YamlMember(Alias = "common")]
    public RunFileApp Common { get; init; } = new();

    /// <summary>The apps, in the order in which they are started.</summary>
    [YamlMember(Alias = "apps")]
    public List<RunFileApp> Apps { get; init; } = [];

    /// <summary>Reads a run file; paths in it become absolute, relative to the file.</summary>
    /// <exception cref="MeshException">The file is missing or says something that cannot be honoured; the message names the place.</exception>
    public static RunFile Load(string path)
    {
        if (!File.Exists(path))
            throw new MeshException($"{path} is missing: it says which services to start.");
        return Parse(File.ReadAllText(path), path);
    }

    /// <summary>Reads the text of a run file that stands at <paramref name="path"/>.</summary>
    /// <exception cref="MeshException">As <see cref="Load"/>.</exception>
    public static RunFile Parse(string text, string path)
    {
        try
        {
            var deserializer = new DeserializerBuilder().WithNamingConvention(NullNamingConvention.Instance).Build();
            var file = deserializer.Deserialize<RunFile?>(text) ?? throw new MeshException($"{path} is empty.");
            file.Check(path);
            var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
            return file with { Common = new(), Apps = [.. file.Apps.Select(app => app.Over(file.Common).Rooted(folder))] };
        }
        catch (YamlException e)
        {
            throw new MeshException($"{path}, line {e.Start.Line}: {e.InnerException?.Message ?? e.Message}");
        }
    }

    /// <summary>This file with another folder of components for every app; null changes nothing.</summary>
    public RunFile WithComponents(string? folder) =>
        folder is null ? this : this with { Apps = [.. Apps.Select(app => app with { ResourcesPaths = [folder] })] };

    private void Check(string path)
    {
        List<string> faults = [];
        if (Version != 1)
            faults.Add($"version is {Version}, only 1 is known");
        if (Apps.Count == 0)
            faults.Add("there are no apps");
        foreach (var app in Apps)
            faults.AddRange(app.Over(Common).Faults());
        faults.AddRange(Apps.GroupBy(a => a.AppId).Where(g => g.Count() > 1).Select(g => $"appID '{g.Key}' stands there {g.Count()} times"));
        if (faults.Count > 0)
            throw new MeshException($"{path}: {string.Join("; ", faults)}.");
    }
}

/// <summary>One app of a run file, or the part that is common to all.</summary>
public sealed record RunFileApp
{
    [YamlMember(Alias = "appID")]
    public string AppId { get; init; } = "";

    /// <summary>Working directory of the app.</summary>
    [YamlMember(Alias = "appDirPath")]
    public string AppDirectory { get; init; } = "";

    /// <summary>Program and arguments.</summary>
    [YamlMember(Alias = "command")]
    public List<string> Command { get; init; } = [];

    [YamlMember(Alias = "appPort")]
    public int AppPort { get; init; }

    [YamlMember(Alias = "appProtocol")]
    public string AppProtocol { get; init; } = "";

    [YamlMember(Alias = "daprHTTPPort")]
    public int DaprHttpPort { get; init; }

    [YamlMember(Alias = "daprGRPCPort")]
    public int DaprGrpcPort { get; init; }

    [YamlMember(Alias = "daprInternalGRPCPort")]
    public int DaprInternalGrpcPort { get; init; }

    [YamlMember(Alias = "metricsPort")]
    public int MetricsPort { get; init; }

    /// <summary>Folders with components, subscriptions and resiliency.</summary>
    [YamlMember(Alias = "resourcesPaths")]
    public List<string> ResourcesPaths { get; init; } = [];

    [YamlMember(Alias = "configFilePath")]
    public string ConfigFile { get; init; } = "";

    /// <summary>Largest body that a sidecar takes, as a quantity (<c>16Mi</c>).</summary>
    [YamlMember(Alias = "maxBodySize")]
    public string MaxBodySize { get; init; } = "";

    [YamlMember(Alias = "logLevel")]
    public string LogLevel { get; init; } = "";

    /// <summary>Environment of the app (the Dapr CLI gives it to the sidecar too).</summary>
    [YamlMember(Alias = "env")]
    public Dictionary<string, string> Environment { get; init; } = [];

    // Where the CLI sends logs and which control plane it looks for: nothing that this launcher has.
    [YamlMember(Alias = "appLogDestination")]
    public string AppLogDestination { get; init; } = "";

    [YamlMember(Alias = "daprdLogDestination")]
    public string DaprdLogDestination { get; init; } = "";

    [YamlMember(Alias = "placementHostAddress")]
    public string PlacementHostAddress { get; init; } = "";

    [YamlMember(Alias = "schedulerHostAddress")]
    public string SchedulerHostAddress { get; init; } = "";

    /// <summary>This app with the common settings underneath: its own win, environments are joined by name.</summary>
    internal RunFileApp Over(RunFileApp common) => this with
    {
        AppProtocol = First(AppProtocol, common.AppProtocol, "http"),
        ConfigFile = First(ConfigFile, common.ConfigFile),
        MaxBodySize = First(MaxBodySize, common.MaxBodySize, "4Mi"),
        LogLevel = First(LogLevel, common.LogLevel, "info"),
        ResourcesPaths = ResourcesPaths.Count > 0 ? ResourcesPaths : common.ResourcesPaths,
        Environment = new(common.Environment.Concat(Environment).GroupBy(e => e.Key).Select(g => g.Last())),
    };

    internal RunFileApp Rooted(string folder) => this with
    {
        AppDirectory = Path.GetFullPath(AppDirectory, folder),
        ConfigFile = ConfigFile.Length == 0 ? "" : Path.GetFullPath(ConfigFile, folder),
        ResourcesPaths = [.. ResourcesPaths.Select(p => Path.GetFullPath(p, folder))],
    };

    internal IEnumerable<string> Faults()
    {
        if (AppId.Length == 0)
            yield return "an app has no appID";
        if (Command.Count == 0)
            yield return $"app '{AppId}' has no command";
        if (AppDirectory.Length == 0)
            yield return $"app '{AppId}' has no appDirPath";
        if (AppPort == 0 || DaprHttpPort == 0 || DaprGrpcPort == 0)
            yield return $"app '{AppId}' needs appPort, daprHTTPPort and daprGRPCPort";
        if (!Environment.TryGetValue(ServiceSettings.HttpPort, out var port) || !int.TryParse(port, out _))
            yield return $"app '{AppId}' needs a number as env {ServiceSettings.HttpPort}";
    }

    private static string First(params ReadOnlySpan<string> values)
    {
        foreach (var value in values)
        {
            if (value.Length > 0)
                return value;
        }
        return "";
    }
}
