using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.Membership.Facts;
using WhatsAppMesh.Membership.Outgoing;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>When an operator's decision has had its effect: decisions are ordered by their clocks, not by where they stand in the log.</summary>
public sealed class DecisionSenderTests
{
    private static readonly DateTimeOffset At = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("nothing yet", null, null, true, false)]
    [InlineData("still the one before", -10.0, 3L, true, false)]
    [InlineData("this one", 0.0, 7L, true, true)]
    [InlineData("a later one further on", 5.0, 9L, true, true)]
    [InlineData("one from a clock ahead, earlier in the log: this one has lost", 5.0, 6L, true, true)]
    [InlineData("one from a clock behind, further on: this one is still to come and will win", -5.0, 9L, true, false)]
    [InlineData("repeated: this one", -2.0, 7L, false, true)]
    [InlineData("repeated: still the one before", -10.0, 3L, false, false)]
    [InlineData("repeated: another one since", -1.0, 8L, false, true)]
    public void Decision_is_applied_or_beaten(string now, double? seconds, long? position, bool isNew, bool expected)
    {
        var before = new FactKey(At.AddSeconds(-10), 1, 3, 0);
        FactKey? current = position is { } at ? new FactKey(At.AddSeconds(seconds!.Value), 1, at, 0) : null;

        var isApplied = DecisionSender.IsApplied(current, before, At, new AppendResult { Appended = isNew, Log = 1, Position = 7 });

        Assert.True(expected == isApplied, now);
    }
}
