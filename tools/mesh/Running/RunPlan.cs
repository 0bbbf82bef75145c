using System.Globalization;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>One process of a service together with its sidecar, and the ports of both.</summary>
public sealed record PlannedService
{
    /// <summary>What dapr.yaml says about the service.</summary>
    public required RunFileApp App { get; init; }

    /// <summary>Number among the processes of this service, from 1.</summary>
    public required int Replica { get; init; }

    public required int AppPort { get; init; }

    public required int HttpPort { get; init; }

    public required int DaprHttpPort { get; init; }

    public required int DaprGrpcPort { get; init; }

    public required int DaprInternalPort { get; init; }

    public required int DaprMetricsPort { get; init; }

    /// <summary>Name of the process: the app id, with "-2" and so on for further ones.</summary>
    public string Name => Replica == 1 ? App.AppId : string.Create(CultureInfo.InvariantCulture, $"{App.AppId}-{Replica}");

    /// <summary>Name of its sidecar.</summary>
    public string SidecarName => Name + RunPlan.SidecarSuffix;

    /// <summary>The service's HTTP port.</summary>
    public Uri HttpAddress => Loopback(HttpPort);

    /// <summary>The service's app port, for its own sidecar.</summary>
    public Uri AppAddress => Loopback(AppPort);

    /// <summary>The sidecar's HTTP API.</summary>
    public Uri DaprHttpAddress => Loopback(DaprHttpPort);

    /// <summary>The sidecar's gRPC API.</summary>
    public Uri DaprGrpcAddress => Loopback(DaprGrpcPort);

    /// <summary>Its ports, and what each is for.</summary>
    public IEnumerable<(int Port, string Purpose)> Ports() =>
    [
        (AppPort, $"app port of {Name}"),
        (HttpPort, $"HTTP port of {Name}"),
        (DaprHttpPort, $"HTTP port of {SidecarName}"),
        (DaprGrpcPort, $"gRPC port of {SidecarName}"),
        (DaprInternalPort, $"internal port of {SidecarName}"),
        (DaprMetricsPort, $"metrics port of {SidecarName}"),
    ];

    private static Uri Loopback(int port) => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
}

/// <summary>Turns a run file into processes with ports.</summary>
public static class RunPlan
{
    /// <summary>Ending of a sidecar's name.</summary>
    public const string SidecarSuffix = ".sidecar";

    private const int PortsPerService = 6;

    /// <summary>
    /// Plans the processes. The first of each app has the ports of the run file, unless free ones are wanted; every other port is a free one.
    /// </summary>
    /// <exception cref="MeshException">Replicas are asked for an app that the run file does not have.</exception>
    public static IReadOnlyList<PlannedService> Make(RunFile file, MeshOptions options)
    {
        if (options.Replicas.Keys.FirstOrDefault(id => file.Apps.TrueForAll(a => a.AppId != id)) is { } unknown)
            throw new MeshException($"There is no app '{unknown}' in dapr.yaml; it has {string.Join(", ", file.Apps.Select(a => a.AppId))}.", ExitCodes.Usage);

        var places = file.Apps.SelectMany(app => Enumerable.Range(1, options.Replicas.GetValueOrDefault(app.AppId, 1)), (app, replica) => (app, replica)).ToList();
        var free = Ports.Free(places.Count * PortsPerService).Chunk(PortsPerService).ToList();
        return [.. places.Select((place, i) => Plan(place.app, place.replica, free[i], place.replica == 1 && !options.EphemeralPorts))];
    }

    private static PlannedService Plan(RunFileApp app, int replica, int[] free, bool asWritten)
    {
        int Port(int written, int index) => asWritten && written > 0 ? written : free[index];
        return new PlannedService
        {
            App = app,
            Replica = replica,
            AppPort = Port(app.AppPort, 0),
            HttpPort = Port(int.Parse(app.Environment[ServiceSettings.HttpPort], CultureInfo.InvariantCulture), 1),
            DaprHttpPort = Port(app.DaprHttpPort, 2),
            DaprGrpcPort = Port(app.DaprGrpcPort, 3),
            DaprInternalPort = Port(app.DaprInternalGrpcPort, 4),
            DaprMetricsPort = Port(app.MetricsPort, 5),
        };
    }
}
