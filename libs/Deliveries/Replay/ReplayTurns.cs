namespace WhatsAppMesh.Deliveries;

/// <summary>Whose turn it is: jobs take turns, so that the next one never waits for the end of a long one before it.</summary>
/// <param name="atOnce">Jobs that run side by side.</param>
internal sealed class ReplayTurns(int atOnce)
{
    private readonly Dictionary<Guid, long> _last = [];
    private long _turn;

    /// <summary>Of the running jobs, oldest first, those that waited longest.</summary>
    public IReadOnlyList<Guid> Next(IReadOnlyList<Guid> running)
    {
        foreach (var ended in _last.Keys.Except(running).ToList())
            _last.Remove(ended);

        // A stable sort: of those that never ran, the oldest first.
        var next = running.OrderBy(job => _last.GetValueOrDefault(job)).Take(atOnce).ToList();
        foreach (var job in next)
            _last[job] = ++_turn;
        return next;
    }
}
