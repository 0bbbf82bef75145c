using WhatsAppMesh.DevSidecar.App;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.PubSub.Log;
using WhatsAppMesh.DevSidecar.Resiliency;

namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>What the deliveries of one subscription work with.</summary>
/// <param name="Subscription">The subscription.</param>
/// <param name="Raw">Payloads are taken as raw bytes and wrapped at delivery.</param>
/// <param name="Policy">Inbound policy of the component.</param>
/// <param name="Rule">What becomes of a failed message without a dead-letter topic.</param>
/// <param name="App">The app.</param>
/// <param name="DeadLetters">The way to the dead-letter topic.</param>
/// <param name="Book">Where messages are settled.</param>
/// <param name="Time">The clock.</param>
/// <param name="Logger">The log.</param>
internal sealed record SubscriptionScope(
    Subscription Subscription,
    bool Raw,
    Policy Policy,
    FailureRule Rule,
    AppChannel App,
    DeadLetters DeadLetters,
    LeaseBook Book,
    TimeProvider Time,
    ILogger Logger)
{
    public EventRouter Router { get; } = new(Subscription, Raw);
}

/// <summary>The two ways a subscription is told to stop.</summary>
/// <param name="NoMoreAttempts">No delivery begins any more; those under way may finish.</param>
/// <param name="Abort">Those under way end now.</param>
internal readonly record struct StopTokens(CancellationToken NoMoreAttempts, CancellationToken Abort);

/// <summary>Messages of one lease that are delivered together, and what to do as each is done with.</summary>
/// <param name="Messages">The messages, in order.</param>
/// <param name="Settle">Called once for each message that needs no further delivery.</param>
internal sealed record Batch(IReadOnlyList<LeasedMessage> Messages, Action<LeasedMessage> Settle);

/// <summary>Delivers the messages of a subscription in its own way.</summary>
internal interface IDelivery
{
    /// <summary>Splits what was leased into what is delivered together.</summary>
    IEnumerable<IReadOnlyList<LeasedMessage>> Split(IReadOnlyList<LeasedMessage> messages);

    /// <summary>Delivers until every message is settled.</summary>
    /// <exception cref="OperationCanceledException">The subscription stops; what is not settled stays leased.</exception>
    Task DeliverAsync(Batch batch, StopTokens stop);
}
