using Npgsql;
using WhatsAppMesh.GroupCommit;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Stores events: many requests share a commit, and each completes after it. All events of one request are stored together or not at all.
/// </summary>
internal sealed partial class LakeStore : IAsyncDisposable
{
    // What a row costs beside its payload, in bytes: columns, keys, index entries. It bounds the rows of a commit too.
    private const long RowWeight = 2048;

    private readonly GroupCommit<NewEvent[], StoredEvent[]> _commits;
    private readonly LakeWriter _writer;
    private readonly LakePartitions _partitions;
    private readonly LakeSignal _signal;
    private readonly IngestMetrics _metrics;
    private readonly DependencyState _state;
    private readonly ILogger _logger;
    private readonly long _queueBytes;
    private long _waitingBytes;

    public LakeStore(
        LakeWriter writer, LakePartitions partitions, LakeSignal signal, IngestMetrics metrics, IngestOptions options, DependencyStates dependencies,
        ILogger<LakeStore> logger)
    {
        _state = dependencies.Of("lake", "Events cannot be stored; their senders are told to send them again");
        (_writer, _partitions, _signal, _metrics, _logger) = (writer, partitions, signal, metrics, logger);
        _queueBytes = options.QueueBytes;
        var bounds = new GroupCommitOptions
        {
            QueueCapacity = options.QueueCapacity,
            MaxBatchItems = options.MaxBatchRequests,
            MaxBatchWeight = options.MaxBatchBytes,
        };
        _commits = new GroupCommit<NewEvent[], StoredEvent[]>(CommitAsync, IsTransient, bounds, WeightOf);
    }

    /// <summary>Stores the events of one request; completes after their commit. The events' memory must stay valid until then.</summary>
    /// <returns>What became of each, in order.</returns>
    /// <exception cref="LakeUnavailableException">They are not stored, as far as is known; sending them again is safe.</exception>
    public async Task<StoredEvent[]> AppendAsync(NewEvent[] events)
    {
        StoredEvent[] stored;
        var weight = WeightOf(events);
        // Whoever waits alone is let in, whatever it weighs.
        if (Interlocked.Add(ref _waitingBytes, weight) is var waiting && waiting > _queueBytes && waiting > weight)
        {
            Interlocked.Add(ref _waitingBytes, -weight);
            _state.Count("queue_full");
            throw new LakeUnavailableException("too many bytes wait for a commit");
        }
        try
        {
            stored = await _commits.SubmitAsync(events);
        }
        catch (QueueFullException)
        {
            _state.Count("queue_full");
            throw new LakeUnavailableException("too many requests wait for a commit");
        }
        catch (ObjectDisposedException)
        {
            throw new LakeUnavailableException("the service is stopping");
        }
        catch (Exception exception)
        {
            throw new LakeUnavailableException(Describe(exception));
        }
        finally
        {
            Interlocked.Add(ref _waitingBytes, -weight);
        }
        for (var i = 0; i < events.Length; i++)
            _metrics.Stored(events[i], stored[i]);
        return stored;
    }

    /// <summary>Stores what waits, then takes no more.</summary>
    public async ValueTask DisposeAsync()
    {
        await _commits.DisposeAsync();
        await _writer.DisposeAsync();
    }

    /// <summary>What the events of a request add to a commit, in bytes.</summary>
    internal static long WeightOf(NewEvent[] events) => events.Sum(static item => RowWeight + item.Payload.Length);

    /// <summary>True for a failure that says nothing about the events: the database is away, busy, full or read-only.</summary>
    internal static bool IsTransient(Exception exception) => exception switch
    {
        PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction } => true,
        NpgsqlException npgsql => npgsql.IsTransient,
        SchemaBehindException or TimeoutException or IOException or OperationCanceledException or System.Net.Sockets.SocketException => true,
        _ => false,
    };

    private async Task<IReadOnlyList<StoredEvent[]>> CommitAsync(IReadOnlyList<NewEvent[]> requests, CancellationToken cancellationToken)
    {
        try
        {
            if (await _writer.OpenAsync(cancellationToken))
                _partitions.Forget();
            var results = Array.ConvertAll([.. requests], static events => new StoredEvent[events.Length]);
            var rows = await FillBatchAsync(requests, cancellationToken);
            var stored = new StoredEvent[_writer.Batch.Count];
            await _writer.AppendAsync(stored, cancellationToken);
            _signal.Set();
            _metrics.Committed(stored.Length);
            _state.Works();
            Distribute(stored, rows, results);
            return results;
        }
        catch (Exception exception)
        {
            // Retention may have dropped, on another replica, the partition of an import's old events.
            if (exception is PostgresException { SqlState: PostgresErrorCodes.CheckViolation })
                _partitions.Forget();
            // A statement that failed leaves a sound connection behind; everything else may not. A standby never heals.
            if (exception is not PostgresException || IsTransient(exception))
                await _writer.AbandonAsync();
            Log.NotCommitted(_logger, requests.Count, Describe(exception));
            // What one request's own events cause says nothing about the others'.
            if (IsTransient(exception))
                _state.Fails(exception);
            else
                _state.Count(exception);
            throw;
        }
        finally
        {
            _writer.Batch.Clear();
        }
    }

    private async Task<List<(int Row, bool IsFirst)>> FillBatchAsync(IReadOnlyList<NewEvent[]> requests, CancellationToken cancellationToken)
    {
        var rows = new List<(int Row, bool IsFirst)>(requests.Count);
        foreach (var events in requests)
        {
            foreach (var item in events)
            {
                await _partitions.EnsureAsync(item.ReceivedAt, cancellationToken);
                rows.Add(_writer.Batch.Add(item, await _writer.TenantIdAsync(item.Tenant, cancellationToken)));
            }
        }
        return rows;
    }

    // An event merged into an equal one of its own batch is that one's duplicate.
    private static void Distribute(StoredEvent[] stored, List<(int Row, bool IsFirst)> rows, StoredEvent[][] results)
    {
        var next = 0;
        foreach (var result in results)
        {
            for (var i = 0; i < result.Length; i++)
            {
                var (row, isFirst) = rows[next++];
                result[i] = isFirst ? stored[row] : stored[row] with { IsNew = false };
            }
        }
    }

    // Messages of the server can quote values; its codes and our own connection errors cannot.
    private static string Describe(Exception exception) => exception is PostgresException postgres
        ? $"PostgreSQL refused with {postgres.SqlState} ({postgres.ConstraintName ?? postgres.Routine})"
        : $"{exception.GetType().Name}: {exception.Message}";

    private static partial class Log
    {
        [LoggerMessage(2021, LogLevel.Warning, "A batch of {Requests} requests was not committed: {Reason}")]
        public static partial void NotCommitted(ILogger logger, int requests, string reason);
    }
}

/// <summary>Events cannot be stored now. The message says why, for a log.</summary>
internal sealed class LakeUnavailableException(string message) : Exception(message);
