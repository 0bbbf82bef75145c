using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Ingest;

/// <summary>Settings of the section <c>Ingest</c>.</summary>
public sealed record IngestOptions
{
    /// <summary>Name of the configuration section.</summary>
    public const string Section = "Ingest";

    /// <summary>Largest body taken, in bytes: a second lock behind edge's. Default 8 MiB, at least <c>Mesh:MaxBodyBytes</c>.</summary>
    public int MaxBodyBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Requests that may wait for a commit; one more is answered 503. Default 8,192.</summary>
    public int QueueCapacity { get; init; } = 8192;

    /// <summary>
    /// Payloads that may wait for a commit, in bytes, with 2 KiB for each event; a request beyond is answered 503. Default 256 MiB, at least
    /// twice the largest body.
    /// </summary>
    public long QueueBytes { get; init; } = 256 * 1024 * 1024;

    /// <summary>Most requests in one commit. Default 512.</summary>
    public int MaxBatchRequests { get; init; } = 512;

    /// <summary>A commit takes no further request once its payloads, and 2 KiB for each event, reach this sum, in bytes. Default 8 MiB.</summary>
    public int MaxBatchBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>What Retry-After says on a 503. Default 2 s.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>False: this replica never publishes (benchmarks, or replicas that only accept). Default true.</summary>
    public bool Publish { get; init; } = true;

    /// <summary>Pub/sub component to publish to. Default "pubsub".</summary>
    public string PubSub { get; init; } = "pubsub";

    /// <summary>Topic to publish to. Default "whatsapp.events".</summary>
    public string Topic { get; init; } = "whatsapp.events";

    /// <summary>Largest publish request, in bytes. Default 1 MiB: brokers and sidecars refuse bigger ones out of the box.</summary>
    public int MaxPublishBytes { get; init; } = 1024 * 1024;

    /// <summary>Most events in one publish request. Default 500.</summary>
    public int MaxPublishEvents { get; init; } = 500;

    /// <summary>A payload above this many bytes stays in the lake; its consumer fetches it. Default 256 KiB.</summary>
    public int MaxPublishedPayloadBytes { get; init; } = 256 * 1024;

    /// <summary>Time a publish request may take. Default 30 s.</summary>
    public TimeSpan PublishTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>First wait after a refused publish; doubles up to 30 times itself. Default 200 ms.</summary>
    public TimeSpan PublishRetry { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How often a replica that does not publish tries to take over, and the publisher looks without having been woken. Default 1 s.</summary>
    public TimeSpan PublisherPoll { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long the lake keeps events. Default: for ever.</summary>
    public RetentionOptions Retention { get; init; } = new();

    /// <summary>These settings, with what they do not say themselves from the one setting of a body's size.</summary>
    /// <exception cref="InvalidOperationException">That setting is no size.</exception>
    public IngestOptions For(IConfiguration configuration)
    {
        var maxBody = BodyLimit.IsOwn(configuration, $"{Section}:{nameof(MaxBodyBytes)}")
            ? MaxBodyBytes
            : Math.Max(MaxBodyBytes, BodyLimit.Read(configuration));
        var queue = BodyLimit.IsOwn(configuration, $"{Section}:{nameof(QueueBytes)}")
            ? QueueBytes
            : Math.Max(QueueBytes, 2L * maxBody);
        return this with { MaxBodyBytes = maxBody, QueueBytes = queue };
    }

    /// <summary>Every broken rule as "key: what is wrong", empty when all is well.</summary>
    public IEnumerable<string> Validate()
    {
        foreach (var (key, value, least) in new[]
        {
            (nameof(MaxBodyBytes), MaxBodyBytes, 1024),
            (nameof(QueueCapacity), QueueCapacity, 1),
            (nameof(MaxBatchRequests), MaxBatchRequests, 1),
            (nameof(MaxBatchBytes), MaxBatchBytes, 1024),
            (nameof(MaxPublishBytes), MaxPublishBytes, 1024),
            (nameof(MaxPublishEvents), MaxPublishEvents, 1),
            (nameof(MaxPublishedPayloadBytes), MaxPublishedPayloadBytes, 0),
        })
        {
            if (value < least)
                yield return $"{Section}:{key} is {value}, it must be at least {least}.";
        }
        if (QueueBytes < MaxBodyBytes)
            yield return $"{Section}:{nameof(QueueBytes)} is {QueueBytes}, it must be at least {nameof(MaxBodyBytes)} ({MaxBodyBytes}).";
        // A payload can double when it is written as a JSON string; its event must still fit a request of its own.
        if (MaxPublishedPayloadBytes > MaxPublishBytes / 3)
            yield return $"{Section}:{nameof(MaxPublishedPayloadBytes)} is {MaxPublishedPayloadBytes}, it must be at most a third of {nameof(MaxPublishBytes)} ({MaxPublishBytes}).";
        foreach (var (key, value) in new[] { (nameof(RetryAfter), RetryAfter), (nameof(PublishTimeout), PublishTimeout), (nameof(PublishRetry), PublishRetry), (nameof(PublisherPoll), PublisherPoll) })
        {
            if (value <= TimeSpan.Zero)
                yield return $"{Section}:{key} is {value}, it must be longer than zero.";
        }
        if (string.IsNullOrWhiteSpace(PubSub) || string.IsNullOrWhiteSpace(Topic))
            yield return $"{Section}:{nameof(PubSub)} and {Section}:{nameof(Topic)} must not be empty.";
        foreach (var error in Retention.Validate())
            yield return $"{Section}:{nameof(Retention)}:{error}";
    }
}
