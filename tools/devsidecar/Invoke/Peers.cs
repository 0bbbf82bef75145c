using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using WhatsAppMesh.DevSidecar.Access;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>The sidecars of the mesh as this one sees them, and this one's own place among them.</summary>
internal sealed partial class Peers(PeerTable table, TimeProvider time, ILogger<Peers> logger) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = PeerTable.RenewEvery * 1.5;

    private readonly CancellationTokenSource _stop = new();
    // As long as a certificate would, a row tells who somebody is after its lease has run out: a database that is away takes nobody's name.
    private static readonly TimeSpan RememberCallers = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<Guid, long> _unreachable = new();
    private readonly ConcurrentDictionary<Guid, (Peer Peer, long At)> _callers = new();
    private readonly TaskCompletionSource<Peer> _joined = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IReadOnlyList<Peer> _known = [];
    private Task _renewing = Task.CompletedTask;
    private int _turn;

    /// <summary>This sidecar's own row; null until <see cref="JoinAsync"/>.</summary>
    public Peer? Self { get; private set; }

    /// <summary>As <see cref="Self"/>, once there is one.</summary>
    public ValueTask<Peer> SelfAsync(CancellationToken cancellationToken) => Self is { } self ? new(self) : new(_joined.Task.WaitAsync(cancellationToken));

    /// <summary>Makes this sidecar known and keeps it known until it is disposed of.</summary>
    /// <param name="identity">Who it is.</param>
    /// <param name="internalPort">The loopback port that other sidecars may call.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task JoinAsync(CallerIdentity identity, int internalPort, CancellationToken cancellationToken)
    {
        var key = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        var self = new Peer(identity, Guid.NewGuid(), $"http://127.0.0.1:{internalPort}", key);
        await RenewOnceAsync(self, cancellationToken);
        Self = self;
        _joined.TrySetResult(self);
        _renewing = RenewAsync(self);
    }

    /// <summary>
    /// Chooses a sidecar of the app, its replicas in turn. One that did not answer lately comes last, and only after the database has
    /// been asked for others. A name that nobody answers to is looked for a little longer than a starting sidecar needs to be seen.
    /// </summary>
    /// <returns>Null when there is none.</returns>
    public async Task<Peer?> FindAsync(string appId, CancellationToken cancellationToken)
    {
        if (Choose(appId, onlyReachable: true) is { } known)
            return known;

        var start = time.GetTimestamp();
        while (true)
        {
            Know(await table.ReadAsync(cancellationToken));
            if ((Choose(appId, onlyReachable: true) ?? Choose(appId, onlyReachable: false)) is { } found)
                return found;
            if (time.GetElapsedTime(start) >= Patience)
                return null;
            await Task.Delay(PeerTable.RenewEvery / 5, time, cancellationToken);
        }
    }

    /// <summary>Who calls this sidecar: the one whose row the call names, when its proof is right.</summary>
    /// <param name="instance">The row, as the call names it.</param>
    /// <param name="proof">What the call shows for it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null when nobody has such a row, or the proof is wrong.</returns>
    public async Task<CallerIdentity?> CallerAsync(string instance, string proof, CancellationToken cancellationToken)
    {
        if (Self is not { } self || !Guid.TryParseExact(instance, "N", out var id))
            return null;
        if (!_callers.ContainsKey(id))
            await LookForAsync(id, cancellationToken);
        if (!_callers.TryGetValue(id, out var caller))
            return null;
        var expected = caller.Peer.ProofTo(self.Instance);
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(proof), Encoding.UTF8.GetBytes(expected)) ? caller.Peer.Identity : null;
    }

    /// <summary>Says that a sidecar did not answer: the others of its app come first until its lease decides.</summary>
    public void Report(Peer peer) => _unreachable[peer.Instance] = time.GetTimestamp();

    /// <summary>Leaves: takes the row away.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;

        await _stop.CancelAsync();
        await _renewing;
        if (Self is { } self)
            await LeaveAsync(self);
        _stop.Dispose();
    }

    private async Task LookForAsync(Guid instance, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        try
        {
            while (time.GetElapsedTime(start) < Patience)
            {
                Know(await table.ReadAsync(cancellationToken));
                if (_callers.ContainsKey(instance))
                    return;
                await Task.Delay(PeerTable.RenewEvery / 5, time, cancellationToken);
            }
        }
        catch (NpgsqlException e)
        {
            Log.CallerUnknown(logger, e.Message);
        }
    }

    private void Know(IReadOnlyList<Peer> peers)
    {
        _known = peers;
        foreach (var peer in peers)
            _callers[peer.Instance] = (peer, time.GetTimestamp());
        foreach (var (instance, (_, at)) in _callers)
        {
            if (time.GetElapsedTime(at) > RememberCallers)
                _callers.TryRemove(instance, out _);
        }
    }

    private Peer? Choose(string appId, bool onlyReachable)
    {
        var candidates = _known.Where(p => p.AppId == appId && !(onlyReachable && IsUnreachable(p))).ToList();
        return candidates.Count == 0 ? null : candidates[(int)((uint)Interlocked.Increment(ref _turn) % (uint)candidates.Count)];
    }

    private bool IsUnreachable(Peer peer) =>
        _unreachable.TryGetValue(peer.Instance, out var since) && time.GetElapsedTime(since) < PeerTable.Lease;

    private async Task RenewAsync(Peer self)
    {
        using var timer = new PeriodicTimer(PeerTable.RenewEvery, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
                await RenewOnceAsync(self, _stop.Token);
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    private async Task RenewOnceAsync(Peer self, CancellationToken cancellationToken)
    {
        try
        {
            Know(await table.RenewAsync(self, cancellationToken));
            foreach (var (instance, since) in _unreachable)
            {
                if (time.GetElapsedTime(since) >= PeerTable.Lease)
                    _unreachable.TryRemove(instance, out _);
            }
        }
        catch (NpgsqlException e)
        {
            Log.RenewalFailed(logger, e.Message);
        }
    }

    private async Task LeaveAsync(Peer self)
    {
        try
        {
            await table.RemoveAsync(self, CancellationToken.None);
        }
        catch (NpgsqlException e)
        {
            // The lease runs out by itself.
            Log.RenewalFailed(logger, e.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(9381, LogLevel.Warning, "Cannot tell the other sidecars that this one is there: {Reason}. Trying again every second.")]
        public static partial void RenewalFailed(ILogger logger, string reason);

        [LoggerMessage(9383, LogLevel.Warning, "A caller is refused, because it cannot be looked up who it is: {Reason}")]
        public static partial void CallerUnknown(ILogger logger, string reason);
    }
}
