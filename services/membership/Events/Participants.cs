using System.Text.Json;
using WhatsAppMesh.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events;

/// <summary>
/// Reads people as events list them: objects <c>{id, phoneNumber?, lid?, admin?}</c>, plain JIDs (Baileys before November 2025), or
/// either of these as JSON text (parameters of a stub).
/// </summary>
public static class Participants
{
    /// <summary>The people of a list; rows that name nobody are skipped and counted.</summary>
    public static List<Entry> Read(JsonElement list, Observations into)
    {
        var entries = new List<Entry>(list.GetArrayLength());
        foreach (var row in list.EnumerateArray())
        {
            if (TryRead(row, out var entry))
                entries.Add(entry);
            else
                into.Skipped++;
        }
        return entries;
    }

    /// <summary>The list of people in an item; null when the field is absent or null.</summary>
    /// <exception cref="WhatsAppMesh.Deliveries.PoisonException">The field is there and no list.</exception>
    public static List<Entry>? ReadField(JsonElement item, Observations into)
    {
        if (!Wire.TryField(item, "participants", out var list))
            return null;
        return list.ValueKind == JsonValueKind.Array
            ? Read(list, into)
            : throw ObservedEvent.Poison("participants is neither a list nor absent");
    }

    /// <summary>A person by one or two of their JIDs, in whatever order they come; false when neither names a person.</summary>
    public static bool TryPair(Jid one, Jid other, out Entry entry, MemberRole role = MemberRole.Member)
    {
        var lid = one.IsLid ? one : other.IsLid ? other : Jid.Empty;
        var phone = one.IsPhone ? one : other.IsPhone ? other : Jid.Empty;
        entry = new Entry(lid.IsEmpty ? null : lid.Value, phone.IsEmpty ? null : phone.Value, role);
        return !lid.IsEmpty || !phone.IsEmpty;
    }

    private static bool TryRead(JsonElement row, out Entry entry)
    {
        entry = default;
        return row.ValueKind switch
        {
            JsonValueKind.Object => TryReadObject(row, out entry),
            JsonValueKind.String => TryReadText(Wire.Text(row), out entry),
            _ => false,
        };
    }

    private static bool TryReadText(string? text, out Entry entry)
    {
        entry = default;
        if (text is null || !text.AsSpan().TrimStart().StartsWith("{"))
            return TryPair(Jid.Parse(text), Jid.Empty, out entry);
        try
        {
            using var document = JsonDocument.Parse(text);
            return TryReadObject(document.RootElement, out entry);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool TryReadObject(JsonElement row, out Entry entry)
    {
        var id = Wire.Jid(row, "id");
        var twin = Wire.Jid(row, id.IsLid ? "phoneNumber" : "lid");
        if (id.IsEmpty)
            (id, twin) = (Wire.Jid(row, "lid"), Wire.Jid(row, "phoneNumber"));
        var role = Wire.Text(row, "admin") switch
        {
            "superadmin" => MemberRole.Superadmin,
            "admin" => MemberRole.Admin,
            _ => MemberRole.Member,
        };
        return TryPair(id, twin, out entry, role);
    }
}
