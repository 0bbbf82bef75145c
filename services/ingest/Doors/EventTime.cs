using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Decides when an event happened. The first usable candidate wins: the envelope's <c>occurred_at</c>, then what the payload of its type
/// carries, then our own clock under the source <see cref="Untimed"/>. A candidate before 2009 (WhatsApp's first year) is no time but a
/// mistake and is passed over; one ahead of us is a fast clock and is clamped to received + 5 minutes, or it would outrank true facts.
/// </summary>
internal static class EventTime
{
    /// <summary>Source of a time that is only ours: consumers order such facts as if 15 minutes older.</summary>
    public const string Untimed = "received_at";

    /// <summary>Source of an envelope time whose sender did not say where it came from.</summary>
    public const string Envelope = "occurred_at";

    private static readonly DateTimeOffset Earliest = new(2009, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan ClampAhead = TimeSpan.FromMinutes(5);

    /// <summary>The time of an event; <paramref name="payload"/> must be valid JSON.</summary>
    public static Occurrence Of(string type, DateTimeOffset? envelope, string? envelopeSource, ReadOnlySpan<byte> payload, DateTimeOffset receivedAt) =>
        Usable(envelope, envelopeSource ?? Envelope, receivedAt) ?? OfPayload(type, payload, receivedAt) ?? new Occurrence(receivedAt, Untimed);

    /// <summary>The first usable of some candidates, else our clock.</summary>
    public static Occurrence FirstOf(DateTimeOffset receivedAt, params ReadOnlySpan<(DateTimeOffset? At, string Source)> candidates)
    {
        foreach (var (at, source) in candidates)
        {
            if (Usable(at, source, receivedAt) is { } usable)
                return usable;
        }
        return new Occurrence(receivedAt, Untimed);
    }

    private static Occurrence? Usable(DateTimeOffset? at, string source, DateTimeOffset receivedAt)
    {
        if (at is not { } time || time < Earliest)
            return null;
        var latest = receivedAt + ClampAhead;
        return new Occurrence(time < latest ? time : latest, source);
    }

    private static Occurrence? OfPayload(string type, ReadOnlySpan<byte> payload, DateTimeOffset receivedAt)
    {
        // Snapshots carry times of what they show (subjectTime, creation), none of their own.
        if (type is EventTypes.GroupsMetadata or EventTypes.GroupsUpsert)
            return null;
        var times = PayloadTimes.Read(type, payload);
        return Usable(times.Message, "messageTimestamp", receivedAt)
            ?? Usable(times.Update, "update.messageTimestamp", receivedAt)
            ?? Usable(times.Reaction, "reaction.senderTimestampMs", receivedAt)
            ?? Usable(times.Subject, "subjectTime", receivedAt)
            ?? Usable(times.Description, "descTime", receivedAt);
    }
}

/// <summary>The times that a payload carries at the places where Baileys puts them.</summary>
internal ref struct PayloadTimes
{
    public DateTimeOffset? Message { get; private set; }

    public DateTimeOffset? Update { get; private set; }

    public DateTimeOffset? Reaction { get; private set; }

    public DateTimeOffset? Subject { get; private set; }

    public DateTimeOffset? Description { get; private set; }

    public static PayloadTimes Read(string type, ReadOnlySpan<byte> payload)
    {
        var times = new PayloadTimes();
        var reader = new Utf8JsonReader(payload, EventReader.JsonOptions);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            return times;
        if (type == EventTypes.GroupsUpdate)
            times.ReadGroupUpdate(ref reader);
        else
            times.ReadMessage(ref reader);
        return times;
    }

    private void ReadMessage(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("messageTimestamp"u8))
            {
                reader.Read();
                if ((Message = WireTime.Read(ref reader)) is not null)
                    return;
            }
            else if (reader.ValueTextEquals("reaction"u8))
                Reaction = ReadMember(ref reader, "senderTimestampMs"u8);
            else if (reader.ValueTextEquals("update"u8))
                Update = ReadMember(ref reader, "messageTimestamp"u8);
            else
                reader.Skip();
        }
    }

    // A delta names the field that changed beside its time. With a roster or a creation time it is a snapshot, which has no time of its own.
    private void ReadGroupUpdate(ref Utf8JsonReader reader)
    {
        DateTimeOffset? subject = null, description = null;
        bool isSnapshot = false, hasSubject = false, hasDescription = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            isSnapshot |= reader.ValueTextEquals("participants"u8) || reader.ValueTextEquals("creation"u8);
            hasSubject |= reader.ValueTextEquals("subject"u8);
            hasDescription |= reader.ValueTextEquals("desc"u8);
            if (reader.ValueTextEquals("subjectTime"u8))
                subject = ReadValue(ref reader);
            else if (reader.ValueTextEquals("descTime"u8))
                description = ReadValue(ref reader);
            else
                reader.Skip();
        }
        Subject = hasSubject && !isSnapshot ? subject : null;
        Description = hasDescription && !isSnapshot ? description : null;
    }

    private static DateTimeOffset? ReadValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        return WireTime.Read(ref reader);
    }

    private static DateTimeOffset? ReadMember(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        DateTimeOffset? time = null;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals(name))
                time = ReadValue(ref reader);
            else
                reader.Skip();
        }
        return time;
    }
}
