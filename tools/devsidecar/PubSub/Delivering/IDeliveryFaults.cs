using WhatsAppMesh.DevSidecar.PubSub.Log;

namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>What becomes of a lease before it is delivered.</summary>
/// <param name="Delivered">What is delivered, in this order; a message may stand there twice.</param>
/// <param name="Lost">What is settled without a delivery.</param>
/// <param name="Delay">Wait before the delivery.</param>
internal sealed record ArrangedMessages(IReadOnlyList<LeasedMessage> Delivered, IReadOnlyList<LeasedMessage> Lost, TimeSpan Delay);

/// <summary>The one place where fetched messages become deliveries: deliberate faults are put in here.</summary>
internal interface IDeliveryFaults
{
    /// <summary>Arranges the messages of a lease.</summary>
    ArrangedMessages Arrange(IReadOnlyList<LeasedMessage> messages);
}

/// <summary>Every message once, in order, at once.</summary>
internal sealed class NoDeliveryFaults : IDeliveryFaults
{
    /// <inheritdoc />
    public ArrangedMessages Arrange(IReadOnlyList<LeasedMessage> messages) => new(messages, [], TimeSpan.Zero);
}
