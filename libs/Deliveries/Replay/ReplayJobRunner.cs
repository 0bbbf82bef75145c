namespace WhatsAppMesh.Deliveries;

/// <summary>
/// Works off replay jobs, on one replica at a time, each at its own rate. A job's progress is committed with each of its events, so whoever
/// holds the lock after a crash goes on where the last commit left it.
/// </summary>
internal sealed class ReplayJobRunner(
    SingleReplica replica, ReplayJobStore jobs, DeadLetterQueries deadLetters, Replayer replayer, LakeReader lake, TimeProvider time) : BackgroundService
{
    // Key of the advisory lock, the same in every consumer's own database.
    private const long LockKey = 0x6D65_7368_0001;
    private const int JobsAtOnce = 8;
    private const int ItemsAtOnce = 100;

    // How long a job made on another replica may wait for this one to look.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _wake = new(0);
    private readonly ReplayTurns _turns = new(JobsAtOnce);

    /// <summary>A job was made or resumed here: look at once.</summary>
    public void Wake() => _wake.Release();

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => replica.RunAsync("replay", LockKey, StepAsync, stoppingToken);

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    private async Task StepAsync(CancellationToken cancellationToken)
    {
        var running = await jobs.GetAsync(_turns.Next(await jobs.RunningAsync(cancellationToken)), cancellationToken);
        if (running.Count == 0)
        {
            await _wake.WaitAsync(Interval, cancellationToken);
            return;
        }

        // A slice of each, side by side and in turn: a long job never keeps a short one waiting.
        await Task.WhenAll(running.Select(job => RunSliceAsync(job, cancellationToken)));
    }

    private async Task RunSliceAsync(ReplayJobRow job, CancellationToken cancellationToken)
    {
        if (job.Cursor >= job.Length)
        {
            await jobs.MoveAsync(job, [ReplayJobRow.Running], ReplayJobRow.Done, job.RequestedBy, "finish", cancellationToken);
            return;
        }

        var (items, end) = job.DeadLetters.Count > 0 ? await NextDeadLettersAsync(job, cancellationToken) : await NextPositionsAsync(job, cancellationToken);
        var started = time.GetTimestamp();
        for (var i = 0; i < items.Count; i++)
        {
            var due = TimeSpan.FromSeconds((double)i / job.Rate) - time.GetElapsedTime(started);
            if (due > TimeSpan.FromMilliseconds(5))
                await Task.Delay(due, time, cancellationToken);
            if (await replayer.ReplayAsync(job.Id, items[i], cancellationToken) == ReplayResult.Stopped)
                return;
        }

        if (items.Count == 0 || items[^1].Cursor < end)
            await jobs.PassAsync(job.Id, end, cancellationToken);

        // The last event of a slice has its share of the rate too.
        var rest = TimeSpan.FromSeconds((double)items.Count / job.Rate) - time.GetElapsedTime(started);
        if (rest > TimeSpan.FromMilliseconds(5))
            await Task.Delay(rest, time, cancellationToken);
    }

    private async Task<(List<ReplayItem> Items, long End)> NextDeadLettersAsync(ReplayJobRow job, CancellationToken cancellationToken)
    {
        var take = (int)Math.Min(Math.Min(ItemsAtOnce, job.Rate), job.Length - job.Cursor);
        var ids = job.DeadLetters.Skip((int)job.Cursor).Take(take).ToList();
        var places = ids.Select((id, i) => (id, i)).ToDictionary(static place => place.id, static place => place.i);
        var items = new List<ReplayItem>(take);
        foreach (var (row, envelope) in await deadLetters.GetAsync(job.Tenant, ids, cancellationToken))
        {
            var id = Guid.Parse(row.Id);
            var delivery = CloudEventReader.ReadStored(envelope);
            // It never had its effect: whatever it starts, it starts for the first time.
            items.Add(new ReplayItem(delivery, id, job.Cursor + places[id] + 1, AllowSends: true));
        }

        return (items, job.Cursor + take);
    }

    private async Task<(List<ReplayItem> Items, long End)> NextPositionsAsync(ReplayJobRow job, CancellationToken cancellationToken)
    {
        var skip = job.Cursor;
        var span = job.Spans[0];
        foreach (var candidate in job.Spans)
        {
            span = candidate;
            if (skip < candidate.Count)
                break;
            skip -= candidate.Count;
        }

        var from = span.From + skip;
        var take = Math.Min(Math.Min(ItemsAtOnce, job.Rate), span.To - from + 1);
        var items = new List<ReplayItem>();
        await foreach (var answer in lake.GetEventsAtAsync(span.Log, PositionSet.Range(from, from + take - 1), cancellationToken))
        {
            // Other tenants' events in between, and positions that the lake no longer has, are passed over.
            if (answer.Event is { } value && (job.Tenant.Length == 0 || value.Tenant == job.Tenant))
                items.Add(new ReplayItem(Stored(value), null, job.Cursor + value.Position - from + 1, job.AllowSends));
        }

        return (items, job.Cursor + take);
    }

    private static Delivery Stored(Events.V1.CollectedEvent value) => new(value) { Envelope = CloudEventReader.WriteEnvelope(value) };
}
