using System.Collections.Concurrent;
using Npgsql;
using WhatsAppMesh.DevSidecar.Storage;
using WhatsAppMesh.GroupCommit;

namespace WhatsAppMesh.DevSidecar.PubSub.Log;

/// <summary>The leases this process holds: renews them, ends them when settled, lets go of them when it stops.</summary>
internal sealed partial class LeaseBook : IAsyncDisposable
{
    /// <summary>How long a lease lasts without renewal: what a killed sidecar had in flight is delivered again after that.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan RenewalInterval = TimeSpan.FromSeconds(1.5);

    /// <summary>More rows than this for one lease are not worth the smaller number of messages a takeover would deliver twice.</summary>
    private const int MaxRanges = 16;

    /// <summary>Life of a lease that is let go.</summary>
    private static readonly TimeSpan RunOut = TimeSpan.FromDays(-1);

    /// <summary>Owner of a lease that is let go: no renewal reaches it.</summary>
    private static readonly Guid Nobody = Guid.Empty;

    /// <summary>Only what is in the book: a row this process owns without knowing it runs out, and is taken over like any other.</summary>
    private const string Renew = """
        update sidecar.leases l set until = clock_timestamp() + $5 from unnest($1::int[], $2::text[], $3::bigint[]) e(topic, consumer, first)
        where l.topic = e.topic and l.consumer = e.consumer and l.first = e.first and l.owner = $4
        """;

    private const string End = """
        delete from sidecar.leases l using unnest($1::int[], $2::text[], $3::bigint[]) e(topic, consumer, first)
        where l.topic = e.topic and l.consumer = e.consumer and l.first = e.first and l.owner = $4
        """;

    /// <summary>Counting the deleted rows makes sure that all are gone before the first is written; a lease that was taken over stays as it is.</summary>
    private const string Replace = """
        with gone as (
            delete from sidecar.leases where topic = $1 and consumer = $2 and first = any($3) and owner = $4 returning first)
        insert into sidecar.leases (topic, consumer, first, last, owner, until)
        select $1, $2, r.first, r.last, $8, clock_timestamp() + $7 from unnest($5::bigint[], $6::bigint[]) r(first, last)
        where (select count(*) from gone) > 0
        """;

    private readonly SidecarDatabase _database;
    private readonly TimeProvider _time;
    private readonly ILogger<LeaseBook> _logger;
    private readonly ConcurrentDictionary<Lease, byte> _leases = new();
    private readonly GroupCommit<Lease, bool> _ends;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _renewing;

    public LeaseBook(SidecarDatabase database, TimeProvider time, ILogger<LeaseBook> logger)
    {
        _database = database;
        _time = time;
        _logger = logger;
        _ends = new GroupCommit<Lease, bool>(EndAsync, static exception => exception is NpgsqlException, new GroupCommitOptions { QueueCapacity = 65_536 });
        _renewing = Task.Run(RenewUntilStoppedAsync);
    }

    /// <summary>This process, as the leases name it.</summary>
    public Guid Owner { get; } = Guid.NewGuid();

    public void Add(Lease lease) => _leases.TryAdd(lease, 0);

    /// <summary>First ids of the rows of one group that this process is busy with.</summary>
    public long[] FirstIds(int topic, string consumer) =>
        [.. _leases.Keys.Where(lease => lease.Topic == topic && lease.Consumer == consumer).SelectMany(lease => lease.Stored).Select(range => range.First)];

    /// <summary>Marks a message as done with; the lease ends with its last message.</summary>
    public void Settle(Lease lease, LeasedMessage message)
    {
        if (lease.Settle(message))
            _ = EndWhenPossibleAsync(lease);
    }

    /// <summary>Lets go of what is still open, so that another sidecar of the group may have it at once.</summary>
    public Task ReleaseAsync(CancellationToken cancellationToken) => ReleaseAsync([.. _leases.Keys], cancellationToken);

    /// <summary>Lets go of some leases for good: whoever looks next has what is open of them. Failing that, they run out.</summary>
    public async Task LetGoAsync(IReadOnlyCollection<Lease> leases, CancellationToken cancellationToken)
    {
        foreach (var lease in leases)
            _leases.TryRemove(lease, out _);
        try
        {
            await ReleaseAsync(leases, cancellationToken);
        }
        catch (NpgsqlException exception)
        {
            Log.NotReleased(_logger, exception);
        }
    }

    private async Task ReleaseAsync(IReadOnlyCollection<Lease> leases, CancellationToken cancellationToken)
    {
        foreach (var lease in leases)
        {
            await ReplaceAsync(lease, lease.Remaining, RunOut, cancellationToken);
        }

        if (leases.Count == 0)
            return;

        await using var notify = _database.Relaxed.CreateCommand("select pg_notify($1, $2)");
        notify.Parameters.Add(new() { Value = TopicLog.NoticeChannel });
        notify.Parameters.Add(new() { Value = string.Join(',', leases.Select(lease => $"{lease.Topic}:{TopicNotices.Released}").Distinct()) });
        await notify.ExecuteNonQueryAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;

        await _stop.CancelAsync();
        await _renewing;
        await _ends.DisposeAsync();
        _stop.Dispose();
    }

    private async Task RenewUntilStoppedAsync()
    {
        using var timer = new PeriodicTimer(RenewalInterval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                if (!_leases.IsEmpty)
                    await TryRenewAsync(_stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            Log.RenewalEnds(_logger);
        }
    }

    private async Task TryRenewAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var renew = _database.Relaxed.CreateCommand(Renew);
            AddRows(renew, _leases.Keys);
            renew.Parameters.Add(new() { Value = Duration });
            await renew.ExecuteNonQueryAsync(cancellationToken);
            foreach (var lease in _leases.Keys)
            {
                await ReplaceAsync(lease, lease.Shrunk, Duration, cancellationToken);
            }
        }
        catch (NpgsqlException exception)
        {
            Log.RenewalFailed(_logger, exception);
        }
    }

    /// <summary>Writes the rows of a lease anew, unless there is nothing to write or too much of it.</summary>
    private async Task ReplaceAsync(Lease lease, Func<IReadOnlyList<IdRange>> ranges, TimeSpan life, CancellationToken cancellationToken)
    {
        using var rows = await lease.EnterRowsAsync(cancellationToken);
        var open = ranges();
        if (open.Count == 0 || (open.Count > MaxRanges && life > TimeSpan.Zero))
            return;

        await using var replace = _database.Relaxed.CreateCommand(Replace);
        replace.Parameters.Add(new() { Value = lease.Topic });
        replace.Parameters.Add(new() { Value = lease.Consumer });
        replace.Parameters.Add(new() { Value = lease.Stored.Select(range => range.First).ToArray() });
        replace.Parameters.Add(new() { Value = Owner });
        replace.Parameters.Add(new() { Value = open.Select(range => range.First).ToArray() });
        replace.Parameters.Add(new() { Value = open.Select(range => range.Last).ToArray() });
        replace.Parameters.Add(new() { Value = life });
        replace.Parameters.Add(new() { Value = life > TimeSpan.Zero ? Owner : Nobody });
        await replace.ExecuteNonQueryAsync(cancellationToken);
        lease.SetStored(open);
    }

    private async Task EndWhenPossibleAsync(Lease lease)
    {
        while (true)
        {
            try
            {
                using var rows = await lease.EnterRowsAsync(CancellationToken.None);
                await _ends.SubmitAsync(lease);
                _leases.TryRemove(lease, out _);
                return;
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (Exception exception)
            {
                // The lease goes on being renewed meanwhile: nobody else delivers what is done.
                Log.EndFailed(_logger, exception);
                await Task.Delay(RenewalInterval, _time);
            }
        }
    }

    private async Task<IReadOnlyList<bool>> EndAsync(IReadOnlyList<Lease> leases, CancellationToken cancellationToken)
    {
        await using var end = _database.Relaxed.CreateCommand(End);
        AddRows(end, leases);
        await end.ExecuteNonQueryAsync(cancellationToken);
        return new bool[leases.Count];
    }

    /// <summary>Parameters 1 to 4: the rows of the leases, and their owner.</summary>
    private void AddRows(NpgsqlCommand command, IEnumerable<Lease> leases)
    {
        var rows = leases.SelectMany(lease => lease.Stored.Select(range => (lease.Topic, lease.Consumer, range.First))).ToList();
        command.Parameters.Add(new() { Value = rows.Select(row => row.Topic).ToArray() });
        command.Parameters.Add(new() { Value = rows.Select(row => row.Consumer).ToArray() });
        command.Parameters.Add(new() { Value = rows.Select(row => row.First).ToArray() });
        command.Parameters.Add(new() { Value = Owner });
    }

    private static partial class Log
    {
        [LoggerMessage(9330, LogLevel.Warning, "Leases could not be renewed; their messages may be delivered twice")]
        public static partial void RenewalFailed(ILogger logger, Exception exception);

        [LoggerMessage(9331, LogLevel.Warning, "The end of a lease could not be recorded yet")]
        public static partial void EndFailed(ILogger logger, Exception exception);

        [LoggerMessage(9333, LogLevel.Warning, "Messages that the app has not answered could not be let go; they are delivered again once their lease runs out")]
        public static partial void NotReleased(ILogger logger, Exception exception);

        [LoggerMessage(9332, LogLevel.Debug, "Leases are renewed no more")]
        public static partial void RenewalEnds(ILogger logger);
    }
}
