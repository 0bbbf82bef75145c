using System.Collections.Concurrent;
using System.Security.Cryptography;
using Npgsql;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>The sidecars of the mesh as this one sees them, and this one's own place among them.</summary>
internal sealed partial class Peers(PeerTable table, TimeProvider time, ILogger<Peers> logger) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = PeerTable.RenewEvery * 1.5;

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Guid, long> _unreachable = new();
    private volatile IReadOnlyList<Peer> _known = [];
    private Task _renewing = Task.CompletedTask;
    private int _turn;

    /// <summary>This sidecar's own row; null until <see cref="JoinAsync"/>.</summary>
    public Peer? Self { get; private set; }

    /// <summary>Makes this sidecar known and keeps it known until it is disposed of.</summary>
    /// <param name="appId">The app it stands for.</param>
    /// <param name="internalPort">The loopback port that other sidecars may call.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task JoinAsync(string appId, int internalPort, CancellationToken cancellationToken)
    {
        var key = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        var self = new Peer(appId, Guid.NewGuid(), $"http://127.0.0.1:{internalPort}", key);
        await RenewOnceAsync(self, cancellationToken);
        Self = self;
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
            _known = await table.ReadAsync(cancellationToken);
            if ((Choose(appId, onlyReachable: true) ?? Choose(appId, onlyReachable: false)) is { } found)
                return found;
            if (time.GetElapsedTime(start) >= Patience)
                return null;
            await Task.Delay(PeerTable.RenewEvery / 5, time, cancellationToken);
        }
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
            _known = await table.RenewAsync(self, cancellationToken);
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
    }
}
