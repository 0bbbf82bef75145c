namespace WhatsAppMesh.Ingest;

/// <summary>Settings of the section <c>Ingest:Retention</c>.</summary>
public sealed record RetentionOptions
{
    private const int MaxDays = 36_500;

    // A month is dropped when all of it is too old; an import stops accepting a day before, whatever clocks say meanwhile.
    private static readonly TimeSpan ImportMargin = TimeSpan.FromDays(1);

    /// <summary>
    /// Days that an event is kept at least, by received_at. Whole months are dropped: the last event of a month keeps its first one.
    /// 0, the default: for ever.
    /// </summary>
    public int Days { get; init; }

    /// <summary>App ids, with commas between, of the consumers without whose account nothing is dropped. Default "membership,dispatch".</summary>
    public string Consumers { get; init; } = "membership,dispatch";

    /// <summary>
    /// True: the dedup keys of dropped events are forgotten too. One that is posted again then is a new event. Default false.
    /// </summary>
    public bool ForgetIds { get; init; }

    /// <summary>How often there is a look at what is old enough. Default 1 h.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Longest wait for the readers that hold up a drop; then the next round goes on with it. Default 10 min.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>True when anything is ever dropped.</summary>
    public bool IsOn => Days > 0;

    /// <summary>App ids of <see cref="Consumers"/>.</summary>
    public IReadOnlyList<string> ConsumerIds => Consumers.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>True for a month all of which is too old.</summary>
    internal bool IsOver(LakeMonth month, DateTimeOffset now) => IsOn && month.Index < LakeMonth.Of(now.AddDays(-Days)).Index;

    /// <summary>Received before this, an event is not imported any more: it would be dropped at once.</summary>
    public DateTimeOffset OldestKept(DateTimeOffset now) => IsOn ? LakeMonth.Of(now.AddDays(-Days) + ImportMargin).Start : DateTimeOffset.MinValue;

    /// <summary>Every broken rule as "key is what it must not be".</summary>
    public IEnumerable<string> Validate()
    {
        if (Days is < 0 or > MaxDays)
            yield return $"{nameof(Days)} is {Days}, it must be 0 (for ever) to {MaxDays}.";
        if (IsOn && ConsumerIds.Count == 0)
            yield return $"{nameof(Consumers)} is empty: name the app ids of all consumers, or nothing would keep the lake ahead of them.";
        foreach (var (key, value) in new[] { (nameof(Interval), Interval), (nameof(Patience), Patience) })
        {
            if (value <= TimeSpan.Zero)
                yield return $"{key} is {value}, it must be longer than zero.";
        }
    }
}
