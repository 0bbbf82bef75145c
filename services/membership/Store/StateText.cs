using System.Buffers;
using System.Text;
using System.Text.Json;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Store;

/// <summary>
/// States of members in the text form of a checkpoint: <c>[[person, role, promotion received, left unseen, is that untimed, [[start, is it untimed, end, is
/// it untimed, evidence], ...]], ...]</c>, times in microseconds since 0001.
/// </summary>
internal static class StateText
{
    /// <summary>Writes states.</summary>
    public static string Write(IReadOnlyDictionary<string, MemberState> members)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (var (person, member) in members)
                WriteMember(json, person, member);
            json.WriteEndArray();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Reads states back.</summary>
    public static Dictionary<string, MemberState> Read(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.EnumerateArray().ToDictionary(static row => row[0].GetString()!, static row => new MemberState
        {
            Role = (MemberRole)row[1].GetInt16(),
            PromotedReceivedAt = Time(row[2]),
            UnseenLeft = Time(row[3]),
            IsUnseenLeftUntimed = row[4].GetBoolean(),
            Stays = [.. row[5].EnumerateArray().Select(ReadStay)],
        }, StringComparer.Ordinal);
    }

    private static void WriteMember(Utf8JsonWriter json, string person, MemberState member)
    {
        json.WriteStartArray();
        json.WriteStringValue(person);
        json.WriteNumberValue((short)member.Role);
        WriteTime(json, member.PromotedReceivedAt);
        WriteTime(json, member.UnseenLeft);
        json.WriteBooleanValue(member.IsUnseenLeftUntimed);
        json.WriteStartArray();
        foreach (var stay in member.Stays)
        {
            json.WriteStartArray();
            WriteTime(json, stay.Start);
            json.WriteBooleanValue(stay.IsStartUntimed);
            WriteTime(json, stay.End);
            json.WriteBooleanValue(stay.IsEndUntimed);
            json.WriteBooleanValue(stay.IsEndByRoster);
            EntryText.Write(json, stay.Evidence);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteEndArray();
    }

    private static StayState ReadStay(JsonElement row) => new()
    {
        Start = Time(row[0])!.Value,
        IsStartUntimed = row[1].GetBoolean(),
        End = Time(row[2]),
        IsEndUntimed = row[3].GetBoolean(),
        IsEndByRoster = row[4].GetBoolean(),
        Evidence = EntryText.ReadEvidence(row[5]),
    };

    private static void WriteTime(Utf8JsonWriter json, DateTimeOffset? time)
    {
        if (time is { } known)
            json.WriteNumberValue(known.UtcTicks / TimeSpan.TicksPerMicrosecond);
        else
            json.WriteNullValue();
    }

    private static DateTimeOffset? Time(JsonElement value) =>
        value.ValueKind == JsonValueKind.Null ? null : new DateTimeOffset(value.GetInt64() * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);
}
