using Npgsql;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Drops the lake's months that are older than the operator wants to keep, on one replica, and never ahead of anybody: a month goes only
/// when all of it is published and every registered consumer has accounted for each of its positions. A consumer that cannot be asked is
/// one that has not. The positions are retired from then on: <c>GetEventsAt</c> says so.
/// </summary>
internal sealed partial class LakeRetention(
    LakeDatabase database, ConsumerAccounts consumers, LakePartitions partitions, RetentionOptions options, IngestMetrics metrics,
    DependencyStates dependencies, TimeProvider clock, ILogger<LakeRetention> logger) : BackgroundService
{
    private const string Grown = "more events came into it meanwhile";

    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(10);

    private readonly DependencyState _state = dependencies.Of("retention", "The database does not let retention work; the lake keeps more than it should");

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var wait = options.Interval;
            try
            {
                await database.EnsureSchemaAsync(stoppingToken);
                await RunAsync(stoppingToken);
                _state.Works();
                // Without retention there is only what an earlier configuration left half done.
                if (!options.IsOn)
                    return;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                if (!_state.IsFailing)
                    Log.Interrupted(logger, exception.GetType().Name, exception is PostgresException postgres ? postgres.SqlState : exception.Message);
                _state.Fails(exception);
                wait = Retry < wait ? Retry : wait;
            }
            await Task.Delay(wait, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>One round: finishes what was begun, then looks at every month that is old enough.</summary>
    /// <returns>False when another replica is at it.</returns>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        await using var session = await database.Session.OpenConnectionAsync(cancellationToken);
        // No lock that this session waits for holds up anybody else: it may wait as long as it likes.
        await using (var take = new NpgsqlCommand($"set lock_timeout = 0; select pg_try_advisory_lock({LockKeys.Retention})", session))
        {
            if (await take.ExecuteScalarAsync(cancellationToken) is not true)
                return false;
        }
        var retired = new RetiredPartitions(session, options);
        foreach (var month in await retired.FinishAsync(cancellationToken))
            Log.Finished(logger, month.Table);
        var now = clock.GetUtcNow();
        var waiting = 0;
        foreach (var month in (await retired.AttachedAsync(cancellationToken)).Where(month => options.IsOver(month, now)))
            waiting += await TryRetireAsync(retired, month, cancellationToken) ? 0 : 1;
        metrics.RetentionWaiting = waiting;
        return true;
    }

    private async Task<bool> TryRetireAsync(RetiredPartitions retired, LakeMonth month, CancellationToken cancellationToken)
    {
        var spans = await retired.SpansAsync(month, cancellationToken);
        var events = spans.Sum(static span => span.To - span.From + 1);
        var reason = await WhyNotYetAsync(retired, spans, cancellationToken);
        // The consumers took their time, and the detach takes its own: what came in meanwhile nobody was asked about.
        if (reason is null && !await retired.HoldsAsync(month, events, cancellationToken))
            reason = Grown;
        if (reason is null)
        {
            Log.Retiring(logger, month.Table, events);
            reason = await retired.RetireAsync(month, events, cancellationToken) ? null : Grown;
            partitions.Forget();
        }
        if (reason is not null)
        {
            Log.NotYet(logger, month.Table, events, reason);
            return false;
        }
        metrics.Retired(events);
        Log.Retired(logger, month.Table, events);
        return true;
    }

    private async Task<string?> WhyNotYetAsync(RetiredPartitions retired, List<LogSpan> spans, CancellationToken cancellationToken)
    {
        if (!await retired.ArePublishedAsync(spans, cancellationToken))
            return "not all of its events are published";
        foreach (var consumer in options.ConsumerIds)
        {
            if (await consumers.WhyNotYetAsync(consumer, spans, cancellationToken) is { } reason)
                return reason;
        }
        return null;
    }

    private static partial class Log
    {
        [LoggerMessage(2050, LogLevel.Information, "Retention takes partition {Name} with {Events} events out of the lake")]
        public static partial void Retiring(ILogger logger, string name, long events);

        [LoggerMessage(2051, LogLevel.Information, "Retention dropped partition {Name}: its {Events} positions are retired")]
        public static partial void Retired(ILogger logger, string name, long events);

        [LoggerMessage(2052, LogLevel.Warning, "Retention leaves partition {Name} with {Events} events where it is: {Reason}")]
        public static partial void NotYet(ILogger logger, string name, long events, string reason);

        [LoggerMessage(2053, LogLevel.Information, "Retention finished with partition {Name}, which an interrupted round had left")]
        public static partial void Finished(ILogger logger, string name);

        [LoggerMessage(2054, LogLevel.Warning, "Retention was interrupted ({Type}: {Reason}); the next round goes on with it")]
        public static partial void Interrupted(ILogger logger, string type, string reason);
    }
}
