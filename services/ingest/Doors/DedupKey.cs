using System.Text.Json;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// What tells, under one event id, news from what is known. Mostly the body does. An <em>observation</em> says how something is, or that it
/// changed, and not which change it means: a collector gives the same words the same id for ever. Said again long after, it is news: without
/// that a re-add, a field that was set back, or a roster that could heal a missed rejoin would be dropped.
/// </summary>
/// <param name="Hash">Of the body; of an observation also of when it was received.</param>
/// <param name="Observation">Of an observation's body alone; null for what is no observation.</param>
internal readonly record struct DedupKey(Guid Hash, Guid? Observation)
{
    /// <summary>How long after the newest stored copy an observation is still that copy, told again: a PostgreSQL interval.</summary>
    public const string RepeatWindow = "15 minutes";

    /// <summary>The key of a collector's event.</summary>
    /// <param name="isUntimed">True when the event carries no time of its own.</param>
    public static DedupKey Of(string type, ReadOnlySpan<byte> payload, bool isUntimed, DateTimeOffset receivedAt)
    {
        var body = BodyHash.Of(type, payload);
        return IsObservation(type, payload, isUntimed) ? new DedupKey(BodyHash.OfObservation(type, body, receivedAt), body) : new DedupKey(body, null);
    }

    private static bool IsObservation(string type, ReadOnlySpan<byte> payload, bool isUntimed) => type switch
    {
        EventTypes.GroupsMetadata or EventTypes.GroupsUpsert or EventTypes.GroupParticipantsUpdate => true,
        EventTypes.ChatsUpdate or EventTypes.GroupMemberTagUpdate => isUntimed,
        EventTypes.GroupsUpdate => isUntimed || HasParticipants(payload),
        _ => false,
    };

    private static bool HasParticipants(ReadOnlySpan<byte> payload)
    {
        var reader = new Utf8JsonReader(payload, EventReader.JsonOptions);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            return false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("participants"u8))
                return reader.Read() && reader.TokenType == JsonTokenType.StartArray;
            reader.Skip();
        }
        return false;
    }
}
