namespace WhatsAppMesh.Mesh.Faults;

/// <summary>What one fault did.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Target">To whom.</param>
/// <param name="AtSeconds">When it began, in seconds since the load began.</param>
/// <param name="LastedSeconds">How long it lasted.</param>
/// <param name="InFlight">Events posted and not yet applied everywhere when it began.</param>
/// <param name="Lost">Events answered with 2xx that are not in the lake after it.</param>
/// <param name="Doubled">Events that are in the lake twice after it.</param>
/// <param name="RecoveredSeconds">From its end until everything was ready and a new event was applied; null when that did not come about.</param>
/// <param name="Note">What else is to be said; empty when nothing is.</param>
public sealed record FaultRow(
    FaultKind Kind, string Target, double AtSeconds, double LastedSeconds, int InFlight, int Lost, int Doubled, double? RecoveredSeconds, string Note);

/// <summary>What became of a campaign.</summary>
/// <param name="Seed">Its seed.</param>
/// <param name="Rows">Its faults, in order.</param>
/// <param name="Posted">Events posted, each again and again until it was accepted.</param>
/// <param name="Accepted">Events answered with 2xx.</param>
/// <param name="Tries">Posts in all.</param>
/// <param name="Lost">Events posted that are not applied everywhere in the end.</param>
/// <param name="Doubled">Events that are stored twice in the end.</param>
/// <param name="Sends">Sends that had to be made, each once.</param>
/// <param name="SettledSeconds">From the end of the load until everything was applied, every topic drained and every send made.</param>
/// <param name="NotRun">Faults that could not be brought about here, and why.</param>
/// <param name="Faults">Everything that is not as it must be; empty when all is well.</param>
public sealed record FaultReport(
    int Seed,
    IReadOnlyList<FaultRow> Rows,
    int Posted,
    int Accepted,
    long Tries,
    int Lost,
    int Doubled,
    int Sends,
    double SettledSeconds,
    IReadOnlyList<string> NotRun,
    IReadOnlyList<string> Faults)
{
    /// <summary>True when nothing was lost, nothing doubled, and everything recovered by itself.</summary>
    public bool IsClean => Faults.Count == 0;
}
