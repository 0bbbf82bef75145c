namespace WhatsAppMesh.Membership;

/// <summary>Settings of the membership service, section <c>Membership</c>. Times are <see cref="TimeSpan"/> texts such as <c>00:00:01</c>.</summary>
public sealed record MembershipOptions
{
    /// <summary>Name of the section.</summary>
    public const string Section = "Membership";

    /// <summary>Time between two looks at the outbox of joins while it is empty.</summary>
    public TimeSpan JoinInterval { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Joins handed to the lake at a time, at most 1,000 (the lake's limit).</summary>
    public int JoinBatchSize { get; set; } = 500;

    /// <summary>How long after its reception a join is announced that was told without its time only: mostly its twin with the time follows within seconds.</summary>
    public TimeSpan JoinHold { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long LinkIdentity and UnlinkIdentity wait for their event to come back before they answer UNAVAILABLE.</summary>
    public TimeSpan DecisionPatience { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How much older than a group's newest fact its checkpoint is: facts that come in later than this fold the whole past again.</summary>
    public TimeSpan CheckpointAge { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Facts folded again that make a new checkpoint worth its row.</summary>
    public int CheckpointFacts { get; set; } = 100;

    /// <summary>Every rule that the settings break, as "key: reason"; empty when all is well.</summary>
    public IEnumerable<string> Validate()
    {
        if (JoinInterval <= TimeSpan.Zero)
            yield return $"Membership:JoinInterval: {JoinInterval} is not positive.";
        if (JoinHold < TimeSpan.Zero || JoinHold > TimeSpan.FromHours(1))
            yield return $"Membership:JoinHold: {JoinHold} is not within 0 and 1 hour.";
        if (JoinBatchSize is < 1 or > 1000)
            yield return $"Membership:JoinBatchSize: {JoinBatchSize} is not within 1..1000.";
        if (CheckpointAge <= TimeSpan.Zero)
            yield return $"Membership:CheckpointAge: {CheckpointAge} is not positive.";
        if (CheckpointFacts < 1)
            yield return $"Membership:CheckpointFacts: {CheckpointFacts} is less than 1.";
        if (DecisionPatience <= TimeSpan.Zero)
            yield return $"Membership:DecisionPatience: {DecisionPatience} is not positive.";
    }
}
