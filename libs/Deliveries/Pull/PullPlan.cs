namespace WhatsAppMesh.Deliveries;

/// <summary>What the pull has to do about one log, decided from what is known of it.</summary>
/// <param name="Retired">Positions that retention has removed before this consumer had them: to be recorded as such.</param>
/// <param name="Missing">Positions that should have arrived by now.</param>
/// <param name="Fetch">What to fetch from the lake now, in order.</param>
/// <param name="IsCatchingUp">True when more than a batch is missing: there is no point in waiting between batches.</param>
internal sealed record PullPlan(PositionSet Retired, PositionSet Missing, PositionSet Fetch, bool IsCatchingUp)
{
    /// <summary>Decides.</summary>
    /// <param name="oldest">Oldest position that the lake keeps.</param>
    /// <param name="newest">Newest position of the log.</param>
    /// <param name="settled">Newest position as it was a grace period ago: whatever it covers is no longer on its way.</param>
    /// <param name="done">What the account holds.</param>
    /// <param name="failing">Of the rest, what failed a moment ago: the transport's own retries have it.</param>
    /// <param name="batchSize">Events to fetch at a time.</param>
    public static PullPlan Decide(long oldest, long newest, long settled, PositionSet done, PositionSet failing, int batchSize)
    {
        var retired = PositionSet.Range(1, Math.Min(oldest - 1, newest)).Subtract(done);
        var behind = done.MissingBelow(newest, oldest);
        var missing = done.MissingBelow(Math.Min(settled, newest), oldest);
        var isCatchingUp = behind.Count > batchSize;

        // Far behind, the order of the log is worth more than the grace: an event that arrives twice is applied once anyway.
        var fetch = (isCatchingUp ? behind : missing).Subtract(failing);
        return new PullPlan(retired, missing, fetch, isCatchingUp);
    }
}
