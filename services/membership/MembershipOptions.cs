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

    /// <summary>How long LinkIdentity and UnlinkIdentity wait for their event to come back before they answer UNAVAILABLE.</summary>
    public TimeSpan DecisionPatience { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Every rule that the settings break, as "key: reason"; empty when all is well.</summary>
    public IEnumerable<string> Validate()
    {
        if (JoinInterval <= TimeSpan.Zero)
            yield return $"Membership:JoinInterval: {JoinInterval} is not positive.";
        if (JoinBatchSize is < 1 or > 1000)
            yield return $"Membership:JoinBatchSize: {JoinBatchSize} is not within 1..1000.";
        if (DecisionPatience <= TimeSpan.Zero)
            yield return $"Membership:DecisionPatience: {DecisionPatience} is not positive.";
    }
}
