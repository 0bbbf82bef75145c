using WhatsAppMesh.Events.V1;
using WhatsAppMesh.GroupCommit;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// Where bulk deliveries, single deliveries and pulled events all end. Whatever arrives while one batch commits is merged into the next,
/// so that concurrent deliveries make bigger transactions instead of queueing for the account's row lock.
/// </summary>
internal sealed partial class BatchProcessor : IAsyncDisposable
{
    // A batch is halved down to single events to find what fails; by then this many failures that are nobody's fault end the search.
    private const int MaxTransientFailures = 16;

    private readonly BatchTransaction _transaction;
    private readonly LakeReader _lake;
    private readonly IBatchHandler _handler;
    private readonly DeliveriesMetrics _metrics;
    private readonly ILogger<BatchProcessor> _logger;
    private readonly GroupCommit<IReadOnlyList<Delivery>, IReadOnlyList<Verdict>> _batches;

    public BatchProcessor(
        BatchTransaction transaction, LakeReader lake, IBatchHandler handler, DeliveriesOptions options, DeliveriesMetrics metrics, ILogger<BatchProcessor> logger)
    {
        _transaction = transaction;
        _lake = lake;
        _handler = handler;
        _metrics = metrics;
        _logger = logger;
        _batches = new GroupCommit<IReadOnlyList<Delivery>, IReadOnlyList<Verdict>>(
            CommitAsync,
            isTransient: static _ => true,
            new GroupCommitOptions { MaxBatchItems = options.BatchSize, MaxBatchWeight = options.BatchSize, QueueCapacity = options.QueueCapacity },
            weight: static deliveries => deliveries.Count);
    }

    /// <summary>Applies deliveries and completes when each is committed or has failed; never throws for what an event did.</summary>
    /// <returns>One verdict per delivery, in their order.</returns>
    /// <exception cref="QueueFullException">Too much is waiting; nothing was done.</exception>
    public async Task<IReadOnlyList<Verdict>> ProcessAsync(IReadOnlyList<Delivery> deliveries, CancellationToken cancellationToken)
    {
        var verdicts = new Verdict[deliveries.Count];
        var ready = new List<Delivery>(deliveries.Count);
        var places = new List<int>(deliveries.Count);
        for (var i = 0; i < deliveries.Count; i++)
        {
            var (value, failure) = (deliveries[i].Event, deliveries[i].Unreadable);
            if (value is { PayloadInLake: true } inLake && _handler.Concerns(inLake))
                (value, failure) = await FetchAsync(inLake, cancellationToken);
            if (failure is not null)
            {
                verdicts[i] = Verdict.Failed(failure);
                continue;
            }

            ready.Add(ReferenceEquals(value, deliveries[i].Event) ? deliveries[i] : deliveries[i] with { Event = value });
            places.Add(i);
        }

        if (ready.Count > 0)
        {
            var applied = await _batches.SubmitAsync(ready, cancellationToken);
            for (var i = 0; i < places.Count; i++)
                verdicts[places[i]] = applied[i];
        }

        for (var i = 0; i < verdicts.Length; i++)
            _metrics.Event(deliveries[i].Event is { } value && _handler.Concerns(value) ? value : null, verdicts[i]);
        return verdicts;
    }

    /// <summary>Deliveries that wait for a batch now.</summary>
    public int Queued => _batches.Queued;

    public ValueTask DisposeAsync() => _batches.DisposeAsync();

    /// <summary>Fetches the payload that was too large for the topic, before any lock is held.</summary>
    private async Task<(CollectedEvent? Event, Failure? Failure)> FetchAsync(CollectedEvent value, CancellationToken cancellationToken)
    {
        try
        {
            return (await _lake.GetEventAsync(value.Log, value.Position, cancellationToken), null);
        }
        catch (Exception exception)
        {
            return (null, Failure.Of(exception, "fetch"));
        }
    }

    private async Task<IReadOnlyList<IReadOnlyList<Verdict>>> CommitAsync(IReadOnlyList<IReadOnlyList<Delivery>> requests, CancellationToken cancellationToken)
    {
        var merged = new SortedDictionary<(int Log, long Position), CollectedEvent>();
        var traces = new Dictionary<(int Log, long Position), string>();
        foreach (var delivery in requests.SelectMany(static request => request))
        {
            merged[(delivery.Log, delivery.Position)] = delivery.Event!;
            if (delivery.TraceParent.Length > 0)
                traces[(delivery.Log, delivery.Position)] = delivery.TraceParent;
        }

        var search = new Search(traces);
        await ApplyAsync([.. merged.Values], search, cancellationToken);
        return [.. requests.Select(request => (IReadOnlyList<Verdict>)[.. request.Select(value => search.Verdicts[(value.Log, value.Position)])])];
    }

    /// <summary>Applies events in one transaction, or, when that fails, in halves: a poisoned event ends up alone and fails alone.</summary>
    private async Task ApplyAsync(List<CollectedEvent> events, Search search, CancellationToken cancellationToken)
    {
        if (search.GivenUp is { } reason)
        {
            search.FailAll(events, reason);
            return;
        }

        var (fates, failure) = await _transaction.ApplyAsync(events, search.Traces, cancellationToken);
        if (failure is null)
        {
            for (var i = 0; i < events.Count; i++)
                search.Verdicts[(events[i].Log, events[i].Position)] = new Verdict(fates[i]);
            return;
        }

        Log.BatchFailed(_logger, events.Count, failure.Category, failure.Error, failure.Step, failure.Message);
        if (failure.Class == FailureClass.Transient && (failure.Step == BatchTransaction.AccountStep || ++search.TransientFailures >= MaxTransientFailures))
            search.GivenUp = failure;

        if (events.Count == 1 || search.GivenUp is not null)
        {
            search.FailAll(events, failure);
            return;
        }

        var half = events.Count / 2;
        await ApplyAsync(events.GetRange(0, half), search, cancellationToken);
        await ApplyAsync(events.GetRange(half, events.Count - half), search, cancellationToken);
    }

    /// <summary>State of the search for the events of one batch that fail.</summary>
    private sealed class Search(IReadOnlyDictionary<(int Log, long Position), string> traces)
    {
        public IReadOnlyDictionary<(int Log, long Position), string> Traces => traces;

        public Dictionary<(int Log, long Position), Verdict> Verdicts { get; } = [];

        public int TransientFailures { get; set; }

        /// <summary>Set once trying on would only cost time: the rest fails with this, and is delivered again.</summary>
        public Failure? GivenUp { get; set; }

        public void FailAll(List<CollectedEvent> events, Failure failure)
        {
            foreach (var value in events)
                Verdicts[(value.Log, value.Position)] = Verdict.Failed(failure);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3500, LogLevel.Warning, "A batch of {Count} failed ({Category}, {Error}, step {Step}): {Message}")]
        public static partial void BatchFailed(ILogger logger, int count, string category, string error, string step, string message);
    }
}
