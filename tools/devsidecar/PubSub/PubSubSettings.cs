using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.GoComponents;

namespace WhatsAppMesh.DevSidecar.PubSub;

/// <summary>
/// Settings of pub/sub components. Most say how a broker is reached or tuned, which no app can tell; those that would change what an
/// app is sent, and that this sidecar does not have, are refused.
/// </summary>
internal static class PubSubSettings
{
    private static readonly (string Name, bool IsFlag, string Meaning)[] Unsupported =
    [
        ("autoAck", true, "acknowledging before the app has answered"),
        ("enableDeadLetter", true, "the broker's own dead letters: give the subscription a deadLetterTopic"),
        ("exclusive", true, "queues that only one sidecar may read"),
        ("schemaRegistryURL", false, "a schema registry"),
        ("ttlInSeconds", false, "a time to live of all messages: publish with the metadata ttlInSeconds"),
    ];

    /// <exception cref="StartFailure">A component has a setting that this sidecar cannot honour.</exception>
    public static void Check(ResourceSet resources)
    {
        foreach (var component in resources.Components.Values.Where(c => c.Kind == ComponentKind.PubSub))
        {
            foreach (var (name, isFlag, meaning) in Unsupported)
            {
                if (component.Setting(name) is { Length: > 0 } value && (isFlag ? GoValues.IsTruthy(value) : value != "0"))
                    throw new StartFailure($"Component {component.Name}: {name} asks for {meaning}. The development sidecar does not support it.");
            }

            if (ReadGroup(component, "").Contains('{', StringComparison.Ordinal))
                throw new StartFailure($"Component {component.Name}: the development sidecar does not fill in placeholders such as {{uuid}} in consumerID.");
        }
    }

    /// <summary>The consumer group: its members share the messages of a topic. The app id, unless the component names another.</summary>
    public static string ReadGroup(Component component, string appId) =>
        (component.Type == "pubsub.kafka" ? component.Setting("consumerGroup") : null) ?? component.Setting("consumerID") ?? appId;
}
