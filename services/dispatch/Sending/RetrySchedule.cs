namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>When a failed attempt is followed by another.</summary>
/// <param name="Delays">Waits after the first attempt, the second, and so on.</param>
/// <param name="Spread">Share of a wait by which it is spread either way, so that jobs that failed together do not come back together.</param>
public sealed record RetrySchedule(IReadOnlyList<TimeSpan> Delays, double Spread)
{
    /// <summary>Attempts in all.</summary>
    public int Attempts => Delays.Count + 1;

    /// <summary>The wait after an attempt; null when it was the last.</summary>
    /// <param name="attempt">1 = the first.</param>
    /// <param name="dice">A number in [0, 1).</param>
    public TimeSpan? After(int attempt, double dice) =>
        attempt >= 1 && attempt <= Delays.Count ? Delays[attempt - 1] * (1 + Spread * (2 * dice - 1)) : null;

    /// <summary>A wait that a broker asked of everybody: at least a second, and spread, but never shorter than asked.</summary>
    /// <param name="asked">What it asked for.</param>
    /// <param name="dice">A number in [0, 1).</param>
    public TimeSpan NotBefore(TimeSpan asked, double dice) => (asked > Shortest ? asked : Shortest) * (1 + Spread * dice);

    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
}
