using System.Threading.Channels;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// Fetches from the lake what the topic did not bring, on one replica at a time: so no transport setting, broker crash or late
/// subscription loses an event, and an empty consumer fills itself while live events keep flowing.
/// </summary>
internal sealed partial class LakePuller(
    SingleReplica replica, LakeReader lake, AccountStore accounts, BatchProcessor processor, FailureStore failures, DeadLetterStore deadLetters,
    RebuildState rebuild, DeliveriesOptions options, DeliveriesMetrics metrics, TimeProvider time, ILogger<LakePuller> logger) : BackgroundService
{
    // Key of the advisory lock, the same in every consumer's own database.
    private const long LockKey = 0x6D65_7368_0002;

    // Batches fetched ahead of the one that is being applied, and batches per request to the lake.
    private const int FetchedAhead = 2;
    private const int BatchesPerRequest = 20;

    private readonly HeadHistory _heads = new(options.PullGrace);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        options.Pull ? replica.RunAsync("pull", LockKey, StepAsync, stoppingToken, metrics.PulledElsewhere) : Task.CompletedTask;

    private async Task StepAsync(CancellationToken cancellationToken)
    {
        var heads = await lake.GetHeadsAsync(cancellationToken);
        var account = await accounts.ReadAsync(cancellationToken);
        await rebuild.ObserveAsync(heads, account, cancellationToken);

        var missing = 0L;
        var isCatchingUp = false;
        foreach (var head in heads)
        {
            var done = account.TryGetValue(head.Log, out var row) ? row.Done : PositionSet.Empty;
            var failing = await failures.FailedSinceAsync(
                head.Log, done.MissingBelow(head.Newest, head.Oldest), time.GetUtcNow() - options.FailureGrace, cancellationToken);
            var settled = _heads.Observe(head.Log, head.Newest, time.GetUtcNow());
            var plan = PullPlan.Decide(head.Oldest, head.Newest, settled, done, failing, options.PullBatchSize);
            missing += plan.Missing.Count;
            if (!plan.Retired.IsEmpty)
                await RetireAsync(head.Log, plan.Retired, cancellationToken);
            if (!plan.Fetch.IsEmpty)
                isCatchingUp |= await PullAsync(head.Log, plan, cancellationToken) && plan.IsCatchingUp;
        }

        metrics.Missing(missing);
        if (!isCatchingUp)
            await Task.Delay(options.PullInterval, time, cancellationToken);
    }

    /// <summary>Fetches and applies, the next batches being fetched while one is applied.</summary>
    /// <returns>True when anything was settled: there is a point in going on at once.</returns>
    private async Task<bool> PullAsync(int log, PullPlan plan, CancellationToken cancellationToken)
    {
        var wanted = PositionSet.OfSpans(plan.Fetch.Take((long)options.PullBatchSize * BatchesPerRequest).Spans.Take(LakeReader.MaxRanges));
        Log.Pulling(logger, wanted.Count, log, plan.Fetch.Count);
        var batches = Channel.CreateBounded<List<Delivery>>(FetchedAhead);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var fetching = FetchAsync(log, wanted, batches.Writer, stop.Token);
        var settled = 0;
        try
        {
            await foreach (var batch in batches.Reader.ReadAllAsync(cancellationToken))
                settled += await HandleAsync(batch, cancellationToken);
        }
        finally
        {
            await stop.CancelAsync();
            await fetching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return settled > 0;
    }

    private async Task FetchAsync(int log, PositionSet wanted, ChannelWriter<List<Delivery>> batches, CancellationToken cancellationToken)
    {
        Exception? failure = null;
        var batch = new List<Delivery>();
        try
        {
            var bytes = 0L;
            await foreach (var answer in lake.GetEventsAtAsync(log, wanted, cancellationToken))
            {
                if (answer.Event is { } value)
                {
                    batch.Add(new Delivery(value));
                    bytes += value.CalculateSize();
                }
                else if (answer.Retired is { } retired)
                {
                    await RetireAsync(log, PositionSet.Range(retired.From, retired.To).Intersect(wanted), cancellationToken);
                }

                if (batch.Count < options.PullBatchSize && bytes < options.PullBatchBytes)
                    continue;

                await batches.WriteAsync(batch, cancellationToken);
                (batch, bytes) = ([], 0);
            }
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        try
        {
            // What came before the stream broke is good.
            if (batch.Count > 0)
                await batches.WriteAsync(batch, cancellationToken);
        }
        finally
        {
            batches.Complete(failure);
        }
    }

    /// <summary>Handles a pulled batch like any delivery; what is poison becomes a dead letter here, no transport is needed for that.</summary>
    /// <returns>How many events are accounted for now.</returns>
    private async Task<int> HandleAsync(List<Delivery> batch, CancellationToken cancellationToken)
    {
        var verdicts = await processor.ProcessAsync(batch, cancellationToken);
        var (retried, retriedVerdicts) = (new List<Delivery>(), new List<Verdict>());
        for (var i = 0; i < batch.Count; i++)
        {
            var verdict = verdicts[i];
            metrics.Pulled(verdict switch
            {
                { IsPoison: true } => "dead",
                { Fate: Fate.Failed } => "retry",
                { Fate: Fate.Known } => "known",
                _ => "applied",
            });
            if (verdict.IsPoison)
            {
                await BuryAsync(batch[i], verdict, cancellationToken);
            }
            else if (verdict.Fate == Fate.Failed)
            {
                retried.Add(batch[i]);
                retriedVerdicts.Add(verdict);
            }
        }

        await failures.RecordAsync(retried, retriedVerdicts, cancellationToken);
        return batch.Count - retried.Count + await GiveUpAsync(retried, retriedVerdicts, cancellationToken);
    }

    /// <summary>
    /// Buries what has failed too often for too long: no transport will, and one event that never succeeds must not keep a rebuild from
    /// ending. An account that could not be locked is no event's fault.
    /// </summary>
    private async Task<int> GiveUpAsync(List<Delivery> retried, List<Verdict> verdicts, CancellationToken cancellationToken)
    {
        if (retried.Count == 0)
            return 0;

        var exhausted = await failures.ExhaustedAsync(retried[0].Log, PositionSet.Of(retried.Select(static one => one.Position)), cancellationToken);
        var buried = 0;
        for (var i = 0; i < retried.Count; i++)
        {
            if (!exhausted.Contains(retried[i].Position) || verdicts[i].Failure!.Step == BatchTransaction.AccountStep)
                continue;
            await BuryAsync(retried[i], verdicts[i], cancellationToken);
            metrics.Pulled("dead");
            buried++;
        }

        return buried;
    }

    private Task BuryAsync(Delivery delivery, Verdict verdict, CancellationToken cancellationToken) =>
        deadLetters.BuryAsync(delivery with { Envelope = CloudEventReader.WriteEnvelope(delivery.Event!) }, verdict.Failure, cancellationToken);

    private async Task RetireAsync(int log, PositionSet positions, CancellationToken cancellationToken)
    {
        await accounts.RetireAsync(log, positions, cancellationToken);
        Log.Retired(logger, positions.Count, log);
    }

    private static partial class Log
    {
        [LoggerMessage(3550, LogLevel.Information, "Pulling {Count} events of log {LogNumber} from the lake, {Behind} to go")]
        public static partial void Pulling(ILogger logger, long count, int logNumber, long behind);

        [LoggerMessage(3551, LogLevel.Warning, "{Count} positions of log {LogNumber} were removed from the lake before this service had them")]
        public static partial void Retired(ILogger logger, long count, int logNumber);
    }
}
