using System.Collections.Concurrent;
using Npgsql;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Keeps the lake's monthly partitions two months ahead of the clock. A partition is made detached and then attached: a plain
/// <c>create table ... partition of</c> locks out every insert behind one long reader, ATTACH does not.
/// </summary>
internal sealed partial class LakePartitions(
    LakeDatabase database, DependencyStates dependencies, TimeProvider clock, ILogger<LakePartitions> logger) : BackgroundService
{
    private const int MonthsAhead = 2;

    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    private readonly DependencyState _state = dependencies.Of("partitions", "The lake's partitions of the coming months cannot be made");
    private readonly ConcurrentDictionary<LakeMonth, bool> _known = new();

    /// <summary>Makes sure that an event received at a time has a partition; free when it is known to.</summary>
    public ValueTask EnsureAsync(DateTimeOffset receivedAt, CancellationToken cancellationToken)
    {
        var month = LakeMonth.Of(receivedAt);
        return _known.ContainsKey(month) ? ValueTask.CompletedTask : new ValueTask(CreateAsync(month, cancellationToken));
    }

    /// <summary>Looks again from now on: the database may be another one, with fewer partitions.</summary>
    public void Forget() => _known.Clear();

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var done = await TryEnsureAllAsync(stoppingToken);
            await Task.Delay(done ? Interval : Retry, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> TryEnsureAllAsync(CancellationToken cancellationToken)
    {
        try
        {
            await database.EnsureSchemaAsync(cancellationToken);
            var now = clock.GetUtcNow();
            for (var ahead = 0; ahead <= MonthsAhead; ahead++)
                await EnsureAsync(now.AddMonths(ahead), cancellationToken);
            _state.Works();
            return true;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            if (!_state.IsFailing)
                Log.NotPrepared(logger, exception.GetType().Name, exception.Message);
            _state.Fails(exception);
            return false;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task CreateAsync(LakeMonth month, CancellationToken cancellationToken)
    {
        await using var connection = await database.Hot.OpenConnectionAsync(cancellationToken);
        // Looked at first without the lock: whoever holds it may have died, and a month that is there needs nobody's turn.
        if (!await ExistsAsync(connection, month, cancellationToken))
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await ExecuteAsync(connection, $"set local lock_timeout = '5s'; select pg_advisory_xact_lock({LockKeys.Partitions})", cancellationToken);
            if (!await ExistsAsync(connection, month, cancellationToken))
                await AttachAsync(connection, month, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }

        _known[month] = true;
    }

    private static async Task<bool> ExistsAsync(NpgsqlConnection connection, LakeMonth month, CancellationToken cancellationToken)
    {
        await using var exists = new NpgsqlCommand("select 1 from pg_inherits where inhrelid = to_regclass($1)", connection) { Parameters = { new() { Value = month.Table } } };
        return await exists.ExecuteScalarAsync(cancellationToken) is not null;
    }

    private async Task AttachAsync(NpgsqlConnection connection, LakeMonth month, CancellationToken cancellationToken)
    {
        var (name, from, to) = (month.Table, month.Bound, month.Next.Bound);
        // The check lets ATTACH skip its scan; nobody needs it afterwards.
        await ExecuteAsync(
            connection,
            $"""
            create table if not exists {name} (like whatsapp_events including defaults including constraints including storage including compression,
                constraint bounds check (received_at >= '{from}' and received_at < '{to}'));
            alter table whatsapp_events attach partition {name} for values from ('{from}') to ('{to}');
            alter table {name} drop constraint bounds;
            """,
            cancellationToken);
        Log.Created(logger, name);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(2010, LogLevel.Information, "Partition {Name} is ready")]
        public static partial void Created(ILogger logger, string name);

        [LoggerMessage(2011, LogLevel.Warning, "The lake's schema or partitions could not be prepared ({Type}: {Reason}); trying again")]
        public static partial void NotPrepared(ILogger logger, string type, string reason);
    }
}
