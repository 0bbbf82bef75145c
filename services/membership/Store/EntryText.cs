using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Store;

/// <summary>Entries and join evidence in the text form in which they are stored.</summary>
internal static class EntryText
{
    /// <summary>Entries as <c>[[lid, phone, role], ...]</c>.</summary>
    public static string Write(IEnumerable<Entry> entries)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (var entry in entries)
            {
                json.WriteStartArray();
                json.WriteStringValue(entry.Lid);
                json.WriteStringValue(entry.Phone);
                json.WriteNumberValue((short)entry.Role);
                json.WriteEndArray();
            }
            json.WriteEndArray();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Reads entries back.</summary>
    public static List<Entry> Read(string text)
    {
        using var document = JsonDocument.Parse(text);
        return [.. document.RootElement.EnumerateArray().Select(static row => new Entry(row[0].GetString(), row[1].GetString(), (MemberRole)row[2].GetInt16()))];
    }

    /// <summary>
    /// A roster's text and its fingerprint, the same for every order in which the people may be listed. The same list means another
    /// thing when it is only a part, and has another fingerprint.
    /// </summary>
    public static (string Text, Guid Hash) Roster(IReadOnlyList<Entry> entries, bool isWhole)
    {
        var sorted = entries.ToArray();
        Array.Sort(sorted, static (one, other) =>
        {
            var byLid = string.CompareOrdinal(one.Lid, other.Lid);
            if (byLid != 0)
                return byLid;
            var byPhone = string.CompareOrdinal(one.Phone, other.Phone);
            return byPhone != 0 ? byPhone : one.Role.CompareTo(other.Role);
        });
        var text = Write(sorted);
        return (text, new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(isWhole ? text : "part" + text)).AsSpan(0, 16), bigEndian: true));
    }

    /// <summary>Evidence as <c>[{"log", "position", "jid", "isJoin", "isTimed", "received"}, ...]</c>, times in microseconds since 0001.</summary>
    public static string Write(List<JoinEvidence> evidence)
    {
        if (evidence.Count == 0)
            return "[]";
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
            Write(json, evidence);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>The same as part of a larger text.</summary>
    public static void Write(Utf8JsonWriter json, List<JoinEvidence> evidence)
    {
        json.WriteStartArray();
        foreach (var item in evidence)
        {
            json.WriteStartObject();
            json.WriteNumber("log"u8, item.Log);
            json.WriteNumber("position"u8, item.Position);
            json.WriteString("jid"u8, item.Jid);
            json.WriteBoolean("isJoin"u8, item.IsJoin);
            json.WriteBoolean("isTimed"u8, item.IsTimed);
            json.WriteNumber("received"u8, item.ReceivedAt.UtcTicks / TimeSpan.TicksPerMicrosecond);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>Reads what was written of evidence.</summary>
    public static List<JoinEvidence> ReadEvidence(string text)
    {
        if (text == "[]")
            return [];
        using var document = JsonDocument.Parse(text);
        return ReadEvidence(document.RootElement);
    }

    /// <summary>The same as part of a larger text.</summary>
    public static List<JoinEvidence> ReadEvidence(JsonElement list) => [.. list.EnumerateArray().Select(static item => new JoinEvidence(
        item.GetProperty("log"u8).GetInt32(), item.GetProperty("position"u8).GetInt64(),
        item.GetProperty("jid"u8).GetString()!, item.GetProperty("isJoin"u8).GetBoolean(), item.GetProperty("isTimed"u8).GetBoolean(),
        new DateTimeOffset(item.GetProperty("received"u8).GetInt64() * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero)))];
}
