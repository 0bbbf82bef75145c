using System.Diagnostics;
using System.Globalization;
using Npgsql;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Faults;

/// <summary>How a campaign is run.</summary>
public sealed record FaultCampaignOptions
{
    /// <summary>Seed of the traffic and of the faults.</summary>
    public required int Seed { get; init; }

    /// <summary>Tenant of the mesh's default collector.</summary>
    public required string Tenant { get; init; }

    /// <summary>Events per second and edge.</summary>
    public double Rate { get; init; } = 50;

    /// <summary>Longest time from the end of a fault until the mesh works again; more counts as a state that needs a person.</summary>
    public TimeSpan RecoverWithin { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>Longest time from the end of the load until everything is applied.</summary>
    public TimeSpan SettleWithin { get; init; } = TimeSpan.FromMinutes(3);
}

/// <summary>Hurts a running mesh under load, one fault at a time, and keeps the books.</summary>
public sealed class FaultCampaign : IAsyncDisposable
{
    private readonly MeshInstance _mesh;
    private readonly FaultCampaignOptions _options;
    private readonly FaultActions _actions;
    private readonly FaultBooks _books;
    private readonly FaultRecovery _recovery;
    private readonly FaultAudit _audit;
    private readonly Action<string> _say;
    private readonly List<(PlannedService Edge, FaultLoad Load)> _loads;
    private readonly List<PlannedService> _services;
    private readonly List<FaultRow> _rows = [];
    private readonly List<string> _faults = [];
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<string> _notes = [];
    private readonly FaultSends? _sends;
    private long _tries;

    private FaultCampaign(MeshInstance mesh, FaultActions actions, FaultCampaignOptions options, FaultSends? sends, Action<string> say)
    {
        _mesh = mesh;
        _sends = sends;
        _actions = actions;
        _options = options;
        _say = say;
        _books = new FaultBooks(mesh, options.Tenant);
        _audit = new FaultAudit(_books);
        _services = [.. mesh.Services];
        var signer = new CollectorSigner(mesh.Secrets.CollectorSecret, TimeProvider.System);
        _recovery = new FaultRecovery(_books, signer, FaultLoad.Traffic(options.Seed + 1), SuperviseAsync);
        var traffic = FaultLoad.Traffic(options.Seed);
        _loads = [.. mesh.Services.Where(s => s.App.AppId == "edge").Select((edge, i) => (edge, FaultLoad.Start(edge.HttpAddress, signer, traffic, _books, i, options.Rate)))];
    }

    /// <summary>Names of the processes that are meant to run: services and sidecars.</summary>
    public IReadOnlyList<string> Processes => [.. _services.SelectMany(s => new[] { s.Name, s.SidecarName })];

    /// <summary>Begins the load on every edge of a mesh, and sends where it has somebody who sends.</summary>
    /// <param name="mesh">A mesh that is ready, its default collector without a rate limit.</param>
    /// <param name="actions">Brings the faults about.</param>
    /// <param name="options">How.</param>
    /// <param name="say">Told what happens, a line at a time.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<FaultCampaign> StartAsync(
        MeshInstance mesh, FaultActions actions, FaultCampaignOptions options, Action<string> say, CancellationToken cancellationToken)
    {
        var sends = mesh.Services.Any(s => s.App.AppId == "dispatch") ? await FaultSends.StartAsync(mesh, cancellationToken) : null;
        return new FaultCampaign(mesh, actions, options, sends, say);
    }

    /// <summary>Brings faults about, one after the other, each after the mesh has recovered from the one before.</summary>
    /// <exception cref="MeshException">A process or the database could not be started again.</exception>
    public async Task RunAsync(IEnumerable<PlannedFault> plan, CancellationToken cancellationToken)
    {
        foreach (var fault in plan)
        {
            await Task.Delay(fault.After, cancellationToken);
            var row = await RunAsync(fault, cancellationToken);
            _rows.Add(row);
            _say(FaultTable.Line(row));
        }
    }

    /// <summary>Takes every second replica away, in order, with its load and its sidecar: what runs from now on runs once.</summary>
    public async Task ScaleDownAsync()
    {
        _say("from now on one replica of each service");
        var surplus = _services.Where(s => s.Replica > 1).ToList();
        foreach (var (_, load) in _loads.Where(l => l.Edge.Replica > 1))
            Close(await load.StopAsync(_options.RecoverWithin));
        _services.RemoveAll(surplus.Contains);
        foreach (var name in surplus.Select(s => s.Name).Concat(surplus.Select(s => s.SidecarName)))
            await _mesh.Process(name).StopAsync(_options.RecoverWithin);
    }

    /// <summary>Ends the load, waits until everything is applied, and closes the books.</summary>
    /// <param name="notRun">Faults that could not be brought about, and why.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<FaultReport> FinishAsync(IReadOnlyList<string> notRun, CancellationToken cancellationToken)
    {
        _say("the load ends; waiting until everything is applied");
        foreach (var (_, load) in _loads.Where(l => _services.Contains(l.Edge)))
            Close(await load.StopAsync(_options.RecoverWithin));
        await (_sends?.StopAsync(_options.RecoverWithin) ?? Task.CompletedTask);
        var clock = Stopwatch.StartNew();
        if (_sends is not null)
            _faults.AddRange(await _sends.CloseAsync(_options.SettleWithin, cancellationToken));
        var open = await _audit.SettleAsync(_services, _options.SettleWithin, cancellationToken);
        var settled = clock.Elapsed;
        _faults.AddRange(open);
        await SuperviseAsync();
        var (balance, faults) = await _books.CloseAsync(cancellationToken);
        _faults.AddRange(faults);
        return new FaultReport(
            _options.Seed, _rows, _books.Posted, _books.Accepted, _tries, balance.Lost, balance.Doubled, _sends?.Fired ?? 0, settled.TotalSeconds, notRun, _faults);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var (_, load) in _loads)
            await load.DisposeAsync();
        if (_sends is not null)
            await _sends.DisposeAsync();
    }

    private async Task<FaultRow> RunAsync(PlannedFault fault, CancellationToken cancellationToken)
    {
        var inFlight = await _books.InFlightAsync(cancellationToken);
        var at = _clock.Elapsed;
        _notes.Clear();
        _notes.Add(await _actions.RunAsync(fault, cancellationToken));
        var lasted = _clock.Elapsed - at;
        var (took, missing) = await _recovery.WaitAsync(_services, _options.RecoverWithin, cancellationToken);
        if (took is null)
            _faults.Add(string.Create(CultureInfo.InvariantCulture, $"{fault.Kind} of {fault.Target}: no recovery within {_options.RecoverWithin.TotalSeconds} s ({missing})"));
        var balance = await BalanceAsync(fault, cancellationToken);
        var note = string.Join("; ", _notes.Append(missing).Where(part => part.Length > 0));
        return new FaultRow(fault.Kind, fault.Target, at.TotalSeconds, lasted.TotalSeconds, inFlight, balance.Lost, balance.Doubled, took?.TotalSeconds, note);
    }

    private async Task<FaultBalance> BalanceAsync(PlannedFault fault, CancellationToken cancellationToken)
    {
        try
        {
            var balance = await _books.CheckAsync(cancellationToken);
            if (balance is { Lost: > 0 } or { Doubled: > 0 })
                _faults.Add($"{fault.Kind} of {fault.Target}: {balance.Lost} lost, {balance.Doubled} doubled");
            return balance;
        }
        catch (NpgsqlException e)
        {
            throw new MeshException($"After {fault.Kind} of {fault.Target} the database does not answer: {e.Message}", ExitCodes.Failed);
        }
    }

    /// <summary>
    /// Starts again what has ended by itself, as './mesh up' does it. A service or a sidecar must not: no fault of another may end it.
    /// PostgreSQL may, when it finds no room for its log.
    /// </summary>
    private async Task SuperviseAsync()
    {
        foreach (var process in _mesh.Processes.Where(p => p is { IsRunning: false, IsMeantToEnd: false }))
        {
            await process.WaitForExitAsync();
            _notes.Add($"{process.Name} ended by itself");
            _faults.Add(MeshInstance.EndedSentence(process));
            _mesh.StartAgain(process);
        }
        if (_mesh.Databases.ServerProcess is not { IsAlive: false })
            return;
        try
        {
            await _mesh.Databases.StartServerAgainAsync();
            _notes.Add("PostgreSQL had ended and was started again");
        }
        catch (MeshException)
        {
            // It may be a moment too early; the next look tries again.
        }
    }

    private void Close(LoadReport? report)
    {
        if (report is null)
        {
            _faults.Add("events were still not accepted when the load had to end");
            return;
        }
        _tries += report.Accepted + report.Refused + report.Retries;
        if (report.Refused > 0)
            _faults.Add($"{report.Refused} events were refused for good (400 or 422): a collector would have given them up");
    }
}
