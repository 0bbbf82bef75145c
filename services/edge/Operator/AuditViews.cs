using WhatsAppMesh.Deliveries.V1;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>Some positions of a log: how many, and which (pairs of first and last, at most 1,000 of them).</summary>
internal sealed record PositionsView(long Count, IReadOnlyList<IReadOnlyList<long>> Ranges)
{
    public static PositionsView Of(Positions? positions) => positions is null
        ? new PositionsView(0, [])
        : new PositionsView(positions.Count, [.. positions.Ranges.Select(static range => (IReadOnlyList<long>)[range.From, range.To])]);

    /// <summary>Without the positions up to one: where only part of the ranges is shown, the others are believed to lie above it.</summary>
    public PositionsView Above(long position)
    {
        var above = Ranges.Where(range => range[1] > position)
            .Select(range => (IReadOnlyList<long>)[Math.Max(range[0], position + 1), range[1]])
            .ToList();
        return new PositionsView(Count - Sum(Ranges) + Sum(above), above);
    }

    private static long Sum(IEnumerable<IReadOnlyList<long>> ranges) => ranges.Sum(static range => range[1] - range[0] + 1);
}

/// <summary>One log in one consumer's account: each position up to the head is in exactly one of the first five, if all is well.</summary>
internal sealed record LogAuditView(
    int Log, long Head, PositionsView Applied, PositionsView Dead, PositionsView Discarded, PositionsView Retired, PositionsView Pending,
    PositionsView NeverLogged, PositionsView Torn)
{
    /// <summary>True when nothing is missing, invented or counted twice.</summary>
    public bool Balanced => IsWhole && Pending.Count == 0;

    /// <summary>True when only time is missing, if anything: no position is invented or counted twice, and the sets add up to the log.</summary>
    public bool IsWhole => NeverLogged.Count == 0 && Torn.Count == 0
        && Applied.Count + Dead.Count + Discarded.Count + Retired.Count + Pending.Count == Head;

    /// <summary>A consumer's answer.</summary>
    /// <param name="audit">Against the head that was taken.</param>
    /// <param name="newest">The log's newest position after the consumer has answered: what it has had until then was logged.</param>
    public static LogAuditView Of(LogAudit audit, long newest) => new(
        audit.Log, audit.Head, PositionsView.Of(audit.Applied), PositionsView.Of(audit.Dead), PositionsView.Of(audit.Discarded),
        PositionsView.Of(audit.Retired), PositionsView.Of(audit.Pending), PositionsView.Of(audit.NeverLogged).Above(newest),
        PositionsView.Of(audit.Torn));
}

/// <summary>How far a consumer has filled itself since it was empty.</summary>
internal sealed record RebuildView(bool IsComplete, long Done, long Target);

/// <summary>One consumer's account. One that could not be asked has a problem instead of logs.</summary>
internal sealed record ConsumerAuditView(string Service, bool Balanced, string? Problem, RebuildView? Rebuild, IReadOnlyList<LogAuditView> Logs);

/// <summary>Every consumer's account against one head.</summary>
/// <param name="Heads">Newest position by log that counted; hand it back as <c>?heads=</c> to look again at the same.</param>
/// <param name="Balanced">True when every account balances.</param>
/// <param name="Services">The consumers.</param>
internal sealed record AuditView(string Heads, bool Balanced, IReadOnlyList<ConsumerAuditView> Services);
