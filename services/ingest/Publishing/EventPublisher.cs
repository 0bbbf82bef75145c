using Npgsql;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Publishes the log in order. One replica does, the holder of an advisory lock; when its session ends another takes over. The watermark
/// moves only behind what the sidecar took: whatever else happens (refusal, crash, takeover) is published again, never skipped.
/// </summary>
internal sealed partial class EventPublisher(
    LakeDatabase database,
    SidecarPublisher sidecar,
    LakeSignal signal,
    IngestMetrics metrics,
    IngestOptions options,
    DependencyStates dependencies,
    TimeProvider clock,
    ILogger<EventPublisher> logger) : BackgroundService
{
    private const string Channel = "lake_appended";

    private static readonly TimeSpan NotifyPause = TimeSpan.FromMilliseconds(5);

    private readonly DependencyState _database = dependencies.Of("publisher database", "The database does not let the publisher work; events wait in the log");
    private readonly DependencyState _pubSub = dependencies.Of("pubsub", $"The sidecar does not publish to '{options.PubSub}'; events wait in the log");
    private readonly Dictionary<int, PublishPace> _paces = [];

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await database.EnsureSchemaAsync(stoppingToken);
                await using var session = await database.Session.OpenConnectionAsync(stoppingToken);
                await WaitForLeadershipAsync(session, stoppingToken);
                Log.Leading(logger);
                await LeadAsync(session, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                if (!_database.IsFailing)
                    Log.Interrupted(logger, exception.GetType().Name, exception is PostgresException postgres ? postgres.SqlState : exception.Message);
                _database.Fails(exception);
            }
            await Task.Delay(options.PublisherPoll, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Returns holding the lock. Until then this replica's commits wake the replica that has it.</summary>
    private async Task WaitForLeadershipAsync(NpgsqlConnection session, CancellationToken cancellationToken)
    {
        await using var attempt = new NpgsqlCommand($"select pg_try_advisory_lock({LockKeys.Publisher})", session);
        await using var notify = new NpgsqlCommand($"notify {Channel}", session);
        while (await attempt.ExecuteScalarAsync(cancellationToken) is not true)
        {
            _database.Works();
            await notify.ExecuteNonQueryAsync(cancellationToken);
            // One notification stands for many commits: under load there are thousands a second.
            await Task.Delay(NotifyPause, clock, cancellationToken);
            await signal.WaitAsync(options.PublisherPoll, cancellationToken);
        }
    }

    private async Task LeadAsync(NpgsqlConnection session, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var listening = ListenAsync(stop.Token);
        try
        {
            var cursor = new LakeCursor(session, options);
            using var request = new PublishRequest(options.MaxPublishBytes);
            while (true)
            {
                var isDone = true;
                var pending = await cursor.PendingAsync(cancellationToken);
                _database.Works();
                foreach (var (log, published, head) in pending)
                    isDone &= await PublishLogAsync(cursor, request, log, published, head, cancellationToken);
                if (isDone)
                    await signal.WaitAsync(options.PublisherPoll, cancellationToken);
                if (listening.IsFaulted)
                    await listening;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>True when all of the log is published; false after a failure and its wait: the other logs have their turn first.</summary>
    private async Task<bool> PublishLogAsync(LakeCursor cursor, PublishRequest request, int log, long published, long head, CancellationToken cancellationToken)
    {
        if (!_paces.TryGetValue(log, out var pace))
            _paces.Add(log, pace = new PublishPace(options.MaxPublishEvents));
        while (true)
        {
            await cursor.FillAsync(request, log, published, pace.MaxEvents, pace.WithPayloads, cancellationToken);
            if (request.Count == 0)
            {
                // The head was seen before the rows were looked for: what it covers and the lake does not have is retired.
                if (published < head)
                    await cursor.MoveAsync(log, head, cancellationToken);
                return true;
            }
            if (await sidecar.PublishAsync(request.Finish(), cancellationToken) is { } problem)
            {
                await BackOffAsync(pace, request.Count, problem, cancellationToken);
                return false;
            }
            await cursor.MoveAsync(log, published = request.LastPosition, cancellationToken);
            Accept(pace, request.Count);
        }
    }

    private void Accept(PublishPace pace, int events)
    {
        _pubSub.Works();
        metrics.Published(events);
        if (!pace.WithPayloads)
            Log.Stripped(logger);
        if (pace.Failures > 0)
            Log.Recovered(logger, pace.Failures);
        pace.Succeed();
    }

    private async Task BackOffAsync(PublishPace pace, int events, PublishProblem problem, CancellationToken cancellationToken)
    {
        metrics.PublishFailed();
        pace.Fail(events, problem.IsRefusal);
        // A refusal is about these events and said of each; an outage is one, however often it is tried.
        if (problem.IsRefusal || !_pubSub.IsFailing)
            Log.Refused(logger, events, problem.Reason, pace.Failures);
        _pubSub.Fails(problem.Code);
        var factor = Math.Min(30, Math.Pow(2, pace.Failures - 1));
        await Task.Delay(options.PublishRetry * factor * (0.75 + (Random.Shared.NextDouble() / 2)), clock, cancellationToken);
    }

    // Commits of other replicas. Ends with the session it listens on; the publisher then starts over.
    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        await using var session = await database.Session.OpenConnectionAsync(cancellationToken);
        session.Notification += (_, _) => signal.Set();
        await using (var listen = new NpgsqlCommand($"listen {Channel}", session))
            await listen.ExecuteNonQueryAsync(cancellationToken);
        while (true)
            await session.WaitAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(2030, LogLevel.Information, "This replica publishes now")]
        public static partial void Leading(ILogger logger);

        [LoggerMessage(2031, LogLevel.Warning, "Publishing was interrupted ({Type}: {Reason}); trying again")]
        public static partial void Interrupted(ILogger logger, string type, string reason);

        [LoggerMessage(2032, LogLevel.Warning, "The sidecar did not take {Events} events: {Problem}. They stay in the log; attempt {Attempt} failed")]
        public static partial void Refused(ILogger logger, int events, string problem, int attempt);

        [LoggerMessage(2033, LogLevel.Information, "Publishing goes on after {Attempts} failed attempts")]
        public static partial void Recovered(ILogger logger, int attempts);

        [LoggerMessage(2034, LogLevel.Warning, "An event that the sidecar refused with its payload was published without: its consumers fetch it from the lake")]
        public static partial void Stripped(ILogger logger);
    }
}
