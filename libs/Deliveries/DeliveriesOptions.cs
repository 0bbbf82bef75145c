namespace WhatsAppMesh.Deliveries;

/// <summary>Settings of a consumer's deliveries, section <c>Deliveries</c>, the same for every consumer. Times are <see cref="TimeSpan"/> texts such as <c>00:00:30</c>.</summary>
public sealed record DeliveriesOptions
{
    private const int EnvelopeBytes = 64 * 1024;

    /// <summary>Name of the consumer, its Dapr app id: label <c>service</c> of its metrics, and who speaks when it appends to the lake.</summary>
    public string Service { get; set; } = "";

    /// <summary>Dapr app id of the service that owns the lake.</summary>
    public string LakeAppId { get; set; } = "ingest";

    /// <summary>
    /// True for a consumer whose events send something: a replay by position range must then say <c>allow_sends</c>. Set by the service in
    /// code (<see cref="DeliveriesHost.AddDeliveries"/>).
    /// </summary>
    public bool ReplaySends { get; set; }

    /// <summary>Most events in one transaction. Concurrent deliveries are merged up to this many.</summary>
    public int BatchSize { get; set; } = 1000;

    /// <summary>Requests (a bulk is one) that may wait for a transaction; more are answered RETRY.</summary>
    public int QueueCapacity { get; set; } = 20_000;

    /// <summary>Longest wait for the account's row lock; then the batch is answered RETRY.</summary>
    public TimeSpan LockTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Largest delivery body, and largest event fetched from the lake, in bytes. At least <c>Mesh:MaxBodyBytes</c> and an envelope.
    /// </summary>
    public long MaxBodyBytes { get; set; } = 128 * 1024 * 1024;

    /// <summary>Raises <see cref="MaxBodyBytes"/> to an event of the largest body that the doors take, with its envelope.</summary>
    internal void TakeEventsOf(int bodyBytes) => MaxBodyBytes = Math.Max(MaxBodyBytes, bodyBytes + EnvelopeBytes);

    /// <summary>False switches the pull of missing events off; the consumer then counts as complete.</summary>
    public bool Pull { get; set; } = true;

    /// <summary>Time between two looks at the lake's heads.</summary>
    public TimeSpan PullInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>A position is missing only when a head seen this long ago covered it: younger ones may still be on their way.</summary>
    public TimeSpan PullGrace { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A position that failed less than this long ago is left to the transport's own retries. Longer than their longest interval.</summary>
    public TimeSpan FailureGrace { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Events fetched from the lake at a time.</summary>
    public int PullBatchSize { get; set; } = 500;

    /// <summary>Bytes of events fetched from the lake at a time: a batch ends at this size or at <see cref="PullBatchSize"/>.</summary>
    public int PullBatchBytes { get; set; } = 8 * 1024 * 1024;

    /// <summary>
    /// A pulled event that has failed this often, over at least <see cref="GiveUpAfter"/>, becomes a dead letter although its failures are
    /// transient. More than the transport's own retries (20), which bury it first where the transport brings it.
    /// </summary>
    public int GiveUpAttempts { get; set; } = 30;

    /// <summary>Shortest time from a pulled event's first failure until it is given up.</summary>
    public TimeSpan GiveUpAfter { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>Events per second of a replay job that names no rate.</summary>
    public int ReplayRate { get; set; } = 50;

    /// <summary>How long failure records are kept after the last failure.</summary>
    public TimeSpan FailureRetention { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long a dead letter keeps its envelope, which is the event with its personal data, once it is settled.</summary>
    public TimeSpan EnvelopeRetention { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long a dead letter is kept once it is settled: replayed, failed again or discarded. An open one stays for ever.</summary>
    public TimeSpan DeadLetterRetention { get; set; } = TimeSpan.FromDays(365);

    /// <summary>How long a replay job is kept once it is done or cancelled.</summary>
    public TimeSpan ReplayJobRetention { get; set; } = TimeSpan.FromDays(365);

    /// <summary>Every rule that the settings break, as "key: reason"; empty when all is well.</summary>
    public IEnumerable<string> Validate()
    {
        if (Service.Length == 0)
            yield return "Deliveries:Service: must name the consumer.";
        if (BatchSize is < 1 or > 10_000)
            yield return $"Deliveries:BatchSize: {BatchSize} is not within 1..10000.";
        if (QueueCapacity < 1)
            yield return $"Deliveries:QueueCapacity: {QueueCapacity} is less than 1.";
        if (LockTimeout <= TimeSpan.Zero)
            yield return $"Deliveries:LockTimeout: {LockTimeout} is not positive.";
        if (PullInterval <= TimeSpan.Zero)
            yield return $"Deliveries:PullInterval: {PullInterval} is not positive.";
        if (PullGrace < TimeSpan.Zero)
            yield return $"Deliveries:PullGrace: {PullGrace} is negative.";
        if (PullBatchSize is < 1 or > 10_000)
            yield return $"Deliveries:PullBatchSize: {PullBatchSize} is not within 1..10000.";
        if (PullBatchBytes < 1)
            yield return $"Deliveries:PullBatchBytes: {PullBatchBytes} is less than 1.";
        if (GiveUpAttempts < 1)
            yield return $"Deliveries:GiveUpAttempts: {GiveUpAttempts} is less than 1.";
        if (GiveUpAfter < TimeSpan.Zero)
            yield return $"Deliveries:GiveUpAfter: {GiveUpAfter} is negative.";
        foreach (var (key, age) in new[]
        {
            (nameof(FailureRetention), FailureRetention), (nameof(EnvelopeRetention), EnvelopeRetention),
            (nameof(DeadLetterRetention), DeadLetterRetention), (nameof(ReplayJobRetention), ReplayJobRetention),
        })
        {
            if (age <= TimeSpan.Zero)
                yield return $"Deliveries:{key}: {age} is not positive.";
        }

        if (ReplayRate is < 1 or > ReplayRates.Max)
            yield return $"Deliveries:ReplayRate: {ReplayRate} is not within 1..{ReplayRates.Max}.";
    }
}
