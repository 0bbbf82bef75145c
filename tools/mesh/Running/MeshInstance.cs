using System.Diagnostics;
using System.Globalization;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>A running mesh: every service of dapr.yaml beside its sidecar, and their databases.</summary>
public sealed class MeshInstance : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly MeshOptions _options;
    private readonly List<MeshProcess> _processes;
    private readonly Action<string> _say;

    private MeshInstance(
        MeshOptions options, MeshSecrets secrets, MeshDatabases databases, IReadOnlyList<PlannedService> services, int brokerPort, Action<string> say)
    {
        _options = options;
        _say = say;
        Secrets = secrets;
        Databases = databases;
        Services = services;
        ChecksAccess = options.ChecksAccess && ServiceSettings.HaveAccessControl(services.Select(static service => service.App));
        BrokerAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{brokerPort}"));
        // In the order in which they are to be ended: the door first, the sidecars after all services, the broker last.
        _processes = [.. services.Select(App), .. services.Select(SidecarOf), new MeshProcess(LocalBroker.Spec(options, secrets, brokerPort))];
    }

    /// <summary>Tokens and secrets of this mesh.</summary>
    public MeshSecrets Secrets { get; }

    /// <summary>What its sidecars ask callers for; empty when they ask for nothing.</summary>
    public string ApiToken => _options.ApiToken ? Secrets.DaprApiToken : "";

    /// <summary>Its sidecars let through what the chart's rules allow, and nothing else.</summary>
    public bool ChecksAccess { get; }

    /// <summary>Its databases.</summary>
    public MeshDatabases Databases { get; }

    /// <summary>Its services, in the order of dapr.yaml.</summary>
    public IReadOnlyList<PlannedService> Services { get; }

    /// <summary>The simulated broker, where sends go; <c>/sim/...</c> directs it and tells what it saw.</summary>
    public Uri BrokerAddress { get; }

    /// <summary>All processes: services, then sidecars, then the simulated broker.</summary>
    public IReadOnlyList<MeshProcess> Processes => _processes;

    /// <summary>Where its logs are.</summary>
    public MeshFolder Folder => _options.Folder;

    /// <summary>Starts a mesh and returns when everything in it is ready.</summary>
    /// <param name="options">How.</param>
    /// <param name="say">Told what is being done, a few words at a time.</param>
    /// <param name="cancellationToken">Gives up; whatever was started is ended.</param>
    /// <exception cref="MeshException">
    /// It cannot start: a mesh is up in this folder already, a port is taken, PostgreSQL is missing, a process ended or was not ready in time.
    /// Whatever was started has been ended.
    /// </exception>
    public static async Task<MeshInstance> StartAsync(MeshOptions options, Action<string>? say = null, CancellationToken cancellationToken = default)
    {
        say ??= static _ => { };
        RefuseSecond(options.Folder);
        var file = RunFile.Load(Path.Combine(options.Repository, "dapr.yaml")).WithComponents(options.Components);
        var services = RunPlan.Make(file, options);
        var postgres = options.Postgres is null && options.PostgresPort > 0 ? [(options.PostgresPort, "PostgreSQL")] : Array.Empty<(int, string)>();
        var brokerPort = LocalBroker.PortFor(options);
        Ports.Require([.. services.SelectMany(s => s.Ports()), .. postgres, (brokerPort, "the simulated broker")]);
        options.Folder.Prepare();
        say("starting PostgreSQL");
        var databases = await MeshDatabases.StartAsync(options, ServiceSettings.DatabasesOf(file), say, cancellationToken);
        var mesh = await MakeAsync(options, databases, services, brokerPort, say);
        try
        {
            mesh.CheckComponents();
            mesh.StartProcesses();
            await mesh.WaitUntilReadyAsync(cancellationToken);
            mesh.SaveState(ready: true);
            return mesh;
        }
        catch
        {
            await mesh.DisposeAsync();
            throw;
        }
    }

    /// <summary>A service's process by its name ("ingest", "ingest-2").</summary>
    public PlannedService Service(string name) =>
        Services.FirstOrDefault(s => s.Name == name) ?? throw new ArgumentException($"There is no service '{name}'.", nameof(name));

    /// <summary>A process by its name ("ingest", "ingest.sidecar").</summary>
    public MeshProcess Process(string name) =>
        _processes.Find(p => p.Name == name) ?? throw new ArgumentException($"There is no process '{name}'.", nameof(name));

    /// <summary>Starts a process again that ended.</summary>
    public void StartAgain(MeshProcess process)
    {
        process.Start();
        SaveState(ready: true);
    }

    /// <summary>Starts processes again that were ended, and returns when everything is ready.</summary>
    public async Task StartAgainAsync(IEnumerable<string> names, CancellationToken cancellationToken = default)
    {
        foreach (var name in names)
            Process(name).Start();
        SaveState(ready: true);
        await WaitUntilReadyAsync(cancellationToken);
    }

    /// <summary>Returns when every service and every sidecar says that it is ready.</summary>
    /// <exception cref="MeshException">A process ended, or was not ready in time; the message names its log.</exception>
    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken = default)
    {
        var clock = Stopwatch.StartNew();
        var waiting = Services.ToList();
        while (waiting.Count > 0)
        {
            if (_processes.Find(p => !p.IsRunning) is { } ended)
            {
                // It may be gone a moment before its exit code is known.
                await ended.WaitForExitAsync(cancellationToken);
                throw new MeshException(EndedSentence(ended));
            }
            var reports = await Task.WhenAll(waiting.Select(s => Readiness.AskAsync(s.HttpAddress, s.DaprHttpAddress, cancellationToken)));
            if (clock.Elapsed > _options.ReadyWithin && Array.FindIndex(reports, r => !r.IsReady) is >= 0 and var late)
                throw new MeshException(LateSentence(waiting[late], reports[late]));
            foreach (var (service, report) in waiting.Zip(reports).Where(pair => pair.Second.IsReady).ToList())
            {
                waiting.Remove(service);
                _say($"{service.Name} is ready ({Services.Count - waiting.Count} of {Services.Count})");
            }
            if (waiting.Count > 0)
                await Task.Delay(100, cancellationToken);
        }
    }

    /// <summary>What to tell a person about a process that ended by accident: how, what it said last if it ended by itself, and where its log is.</summary>
    public static string EndedSentence(MeshProcess process)
    {
        var last = process.WasKilled
            ? null
            : process.LastLines(200).LastOrDefault(line => !string.IsNullOrWhiteSpace(line) && !line.StartsWith("   at ", StringComparison.Ordinal));
        return $"{process.Name} {process.Ending}{(last is null ? "" : $" (\"{last.Trim()}\")")}. Its log: {process.Log}";
    }

    /// <summary>Ends everything in order: services (edge first, which finishes what it accepted), sidecars, PostgreSQL.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            _say($"stopping {process.Name}");
            if (!await process.StopAsync(Patience))
                _say(string.Create(CultureInfo.InvariantCulture, $"{process.Name} did not stop within {Patience.TotalSeconds} s and was ended"));
        }
        _say("stopping PostgreSQL");
        await Databases.DisposeAsync();
        File.Delete(_options.Folder.State);
    }

    /// <summary>Refuses to go on while a mesh of this folder is up.</summary>
    /// <exception cref="MeshException">One is; the message says who started it.</exception>
    public static void RefuseSecond(MeshFolder folder)
    {
        if (MeshState.Load(folder) is not { } state || !state.IsAlive())
            return;
        var holder = state.Launcher.IsAlive ? $"started by pid {state.Launcher.Pid}" : "its launcher is gone, but processes of it still run";
        throw new MeshException($"A mesh is up already ({holder}): look at it with './mesh status', end it with './mesh down'.");
    }

    private static async Task<MeshInstance> MakeAsync(
        MeshOptions options, MeshDatabases databases, IReadOnlyList<PlannedService> services, int brokerPort, Action<string> say)
    {
        try
        {
            var secrets = MeshSecrets.LoadOrCreate(options.Folder) with { Databases = databases.ConnectionStrings };
            secrets.Save(options.Folder);
            return new MeshInstance(options, secrets, databases, services, brokerPort, say);
        }
        catch
        {
            await databases.DisposeAsync();
            throw;
        }
    }

    // What a sidecar would take and come to grief with later is refused here, by the files that it is going to read.
    private void CheckComponents()
    {
        foreach (var service in Services)
        {
            var environment = ServiceSettings.ForSidecar(service, _options, Secrets, Databases);
            ComponentCheck.Require(service.App, name => environment.GetValueOrDefault(name) ?? Environment.GetEnvironmentVariable(name));
        }
    }

    private void StartProcesses()
    {
        _say(string.Create(CultureInfo.InvariantCulture, $"starting {_processes.Count} processes"));
        foreach (var process in _processes)
        {
            process.Start();
            SaveState(ready: false);
        }
    }

    private void SaveState(bool ready) => new MeshState
    {
        Launcher = ProcessIdentity.Own,
        Processes = [.. _processes.Where(p => p.Identity is not null).Select(p => new ProcessEntry(
            p.Name, p.Identity!, p.Log, p.Name == LocalBroker.Name ? new Uri(BrokerAddress, LocalBroker.HealthPath) : null))],
        Services = [.. Services.Select(s => new ServiceEntry(s.Name, s.App.AppId, s.HttpAddress, s.DaprHttpAddress, s.DaprGrpcAddress, s.AppPort))],
        PostgresData = Databases.Cluster?.DataDirectory,
        PostgresPort = Databases.Cluster?.Port,
        Ready = ready,
        AsksForToken = _options.ApiToken,
    }.Save(_options.Folder);

    private MeshProcess App(PlannedService service) => new(new ProcessSpec(
        service.Name,
        [.. service.App.Command.Select(part => part.Replace("/release/", $"/{_options.Configuration}/", StringComparison.Ordinal))],
        service.App.AppDirectory,
        ServiceSettings.ForApp(service, Services, _options, Secrets, Databases),
        Folder.LogOf(service.Name)));

    private MeshProcess SidecarOf(PlannedService service)
    {
        var daprd = _options.Daprd ?? Path.Combine(_options.Repository, "artifacts", "bin", "DevSidecar", _options.Configuration, "daprd");
        return new MeshProcess(new ProcessSpec(
            service.SidecarName,
            [daprd, .. ServiceSettings.SidecarArguments(service, path => LocalBroker.ResourcesFor(path, Folder, BrokerAddress.Port), ChecksAccess)],
            service.App.AppDirectory,
            ServiceSettings.ForSidecar(service, _options, Secrets, Databases),
            Folder.LogOf(service.SidecarName)));
    }

    private static string LateSentence(PlannedService service, ReadinessReport report) => report.App is not null
        ? $"{service.Name} is not ready in time: it {report.App}. See {service.Name}'s log with './mesh logs {service.Name}'."
        : $"{service.SidecarName} is not ready in time: it {report.Sidecar}. See its log with './mesh logs {service.SidecarName}'.";
}
