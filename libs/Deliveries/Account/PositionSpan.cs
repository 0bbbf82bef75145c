namespace WhatsAppMesh.Deliveries;

/// <summary>Consecutive positions of one log, both ends included.</summary>
/// <param name="From">First position.</param>
/// <param name="To">Last position; never below <paramref name="From"/>.</param>
public readonly record struct PositionSpan(long From, long To)
{
    /// <summary>How many positions there are.</summary>
    public long Count => To - From + 1;
}
