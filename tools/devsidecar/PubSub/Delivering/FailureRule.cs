using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Resiliency;
using WhatsAppMesh.GoComponents;

namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>How far a message got with the app.</summary>
internal enum AppContact
{
    /// <summary>No answer: not reachable, no answer in time, or the circuit breaker was open.</summary>
    None,

    /// <summary>The message cannot be sent at all, however often it is tried.</summary>
    Unsendable,

    /// <summary>The app answered.</summary>
    Answered,
}

/// <summary>
/// What the component does with a message that failed for good and has no dead-letter topic. Dapr leaves that to the broker: Kafka delivers it
/// again for ever, RabbitMQ if told to, Redis gives it up. A message the app never answered is kept whatever the component: nothing that was
/// published may vanish because an app was down.
/// </summary>
/// <param name="RedeliverAnswered">Deliver again what the app refused.</param>
/// <param name="Pause">Wait before a redelivery.</param>
internal sealed record FailureRule(bool RedeliverAnswered, TimeSpan Pause)
{
    /// <summary>The rule of a component's type and settings.</summary>
    public static FailureRule Of(Component component) => component.Type switch
    {
        "pubsub.kafka" => new FailureRule(
            component.Setting("consumeRetryEnabled") is not { } enabled || GoValues.IsTruthy(enabled),
            component.Setting("consumeRetryInterval") is { } interval && Durations.Parse(interval) is { } pause ? pause : TimeSpan.FromSeconds(5)),
        "pubsub.rabbitmq" => new FailureRule(
            GoValues.IsTruthy(component.Setting("requeueInFailure")), TimeSpan.FromSeconds(1)),
        _ => new FailureRule(false, TimeSpan.FromSeconds(1)),
    };

    /// <summary>Whether a message is delivered again.</summary>
    public bool Redelivers(AppContact contact) => contact == AppContact.None || RedeliverAnswered;
}
