namespace WhatsAppMesh.Deliveries;

/// <summary>Every position of one log below a head, in exactly one of the sets, if all is well.</summary>
/// <param name="Log">The log's number.</param>
/// <param name="Head">The newest position that counts.</param>
/// <param name="Applied">Had their effect here, or none because of their type.</param>
/// <param name="Dead">Open dead letters.</param>
/// <param name="Discarded">Given up by a person.</param>
/// <param name="Retired">Removed from the lake before this consumer had them.</param>
/// <param name="Pending">Not accounted for yet.</param>
/// <param name="NeverLogged">Accounted for above the head: events that nobody logged, unless the head has moved on since it was taken.</param>
/// <param name="Torn">Dead letters whose position the account does not hold, or in two sets at once: never, unless there is a bug.</param>
internal sealed record LogAudit(
    int Log, long Head, PositionSet Applied, PositionSet Dead, PositionSet Discarded, PositionSet Retired, PositionSet Pending, PositionSet NeverLogged, PositionSet Torn)
{
    /// <summary>Splits an account into its sets.</summary>
    public static LogAudit Of(int log, long head, PositionSet done, PositionSet retired, PositionSet dead, PositionSet discarded)
    {
        var logged = PositionSet.Range(1, head);
        var torn = dead.Union(discarded).Subtract(done)
            .Union(dead.Intersect(discarded)).Union(dead.Intersect(retired)).Union(discarded.Intersect(retired));
        return new LogAudit(
            log,
            head,
            done.Subtract(retired).Subtract(dead).Subtract(discarded).Intersect(logged),
            dead.Intersect(logged),
            discarded.Intersect(logged),
            retired.Intersect(logged),
            logged.Subtract(done),
            done.Subtract(logged),
            torn);
    }
}
