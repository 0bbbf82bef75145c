using System.Text.Json;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;
using WhatsAppMesh.DevSidecar.PubSub.Publishing;

namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>Publishes what could not be delivered to the dead-letter topic: the same bytes, the same metadata, no reason.</summary>
internal sealed class DeadLetters(PublishGate gate)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <summary>Publishes messages to a dead-letter topic of the component they came from, under its publish scopes and outbound policy.</summary>
    /// <returns>True once all are on disk there.</returns>
    public async Task<bool> PublishAsync(string pubSub, string deadLetterTopic, IReadOnlyList<TopicMessage> messages, CancellationToken cancellationToken)
    {
        if (!gate.IsOpen(pubSub, deadLetterTopic))
            return false;

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        try
        {
            return await gate.PublishAsync(gate.Origin(pubSub, deadLetterTopic), messages, deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>A message as it stands after a single delivery, which adds the component's name and the content type to its metadata.</summary>
    public static TopicMessage AfterSingleDelivery(TopicMessage message, string pubSub)
    {
        var metadata = new PublishMetadata();
        foreach (var (name, value) in MetadataOf(message))
            metadata[name] = value;
        metadata["content-type"] = ContentTypes.CloudEvent;
        metadata["pubsubName"] = pubSub;
        return message with { Metadata = metadata.ToJson() };
    }

    /// <summary>The metadata of a stored message.</summary>
    public static IReadOnlyDictionary<string, string> MetadataOf(TopicMessage message) => message.Metadata is { } json
        ? JsonSerializer.Deserialize(json, MetadataJson.Default.DictionaryStringString) ?? []
        : new Dictionary<string, string>();
}

/// <summary>Reads stored metadata without reflection.</summary>
[System.Text.Json.Serialization.JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class MetadataJson : System.Text.Json.Serialization.JsonSerializerContext;
