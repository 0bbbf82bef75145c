using Google.Protobuf.WellKnownTypes;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Membership.Events;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>Whose word a time is decides how a fact is ordered.</summary>
public class ObservedEventTests
{
    private static readonly DateTimeOffset ReceivedAt = new(2026, 6, 1, 13, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("received_at", true)]
    [InlineData("date_time", true)]
    [InlineData("data.Timestamp", false)]
    [InlineData("messageTimestamp", false)]
    public void Time_of_receipt_or_of_telling_is_no_time_of_the_event(string source, bool untimed)
    {
        var item = ObservedEvent.Open(
            new CollectedEvent
            {
                OccurredAt = Timestamp.FromDateTimeOffset(ReceivedAt.AddSeconds(-2)),
                OccurredAtSource = source,
                ReceivedAt = Timestamp.FromDateTimeOffset(ReceivedAt),
                PayloadJson = "{}",
            },
            out var document);
        using (document)
            Assert.Equal((untimed, ReceivedAt.AddSeconds(-2) - (untimed ? TimeSpan.FromMinutes(15) : TimeSpan.Zero)), (item.IsUntimed, item.OrderAt));
    }
}
