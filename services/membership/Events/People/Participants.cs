using System.Text.Json;
using WhatsAppMesh.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events.People;

/// <summary>The people of a list.</summary>
/// <param name="Entries">Who could be read, in the order sent.</param>
/// <param name="Machines">Rows of bots and the like: no people, and no gaps either.</param>
/// <param name="Unreadable">Rows that name nobody.</param>
public sealed record PeopleList(List<Entry> Entries, int Machines, int Unreadable)
{
    /// <summary>How many different people and machines the list holds.</summary>
    public int Count => Entries.DistinctBy(static entry => entry.Jid).Count() + Machines;
}

/// <summary>
/// Reads people as events list them: objects, plain JIDs (Baileys before November 2025), or either of these as JSON text (parameters of a
/// stub).
/// </summary>
public static class Participants
{
    private enum Row
    {
        Unreadable,
        Person,
        Machine,
        Outside,
    }

    /// <summary>The people of a list; rows that name nobody are skipped and counted. What the rows tell about who is who is learned.</summary>
    /// <param name="ofRoster">True to leave out rows that say of themselves that the person is not in the group.</param>
    public static PeopleList Read(ObservedEvent source, JsonElement list, Observations into, bool ofRoster = false)
    {
        var entries = new List<Entry>(list.GetArrayLength());
        int machines = 0, unreadable = 0;
        foreach (var element in list.EnumerateArray())
        {
            var row = TryRead(source, element, into, out var entry);
            if (row == Row.Person || (row == Row.Outside && !ofRoster))
                entries.Add(entry);
            machines += row == Row.Machine ? 1 : 0;
            unreadable += row == Row.Unreadable ? 1 : 0;
        }
        into.Skipped += unreadable;
        return new PeopleList(entries, machines, unreadable);
    }

    /// <summary>The list of people in an item; null when the field is absent or null.</summary>
    /// <exception cref="WhatsAppMesh.Deliveries.PoisonException">The field is there and no list.</exception>
    public static PeopleList? ReadField(ObservedEvent source, JsonElement item, Observations into, bool ofRoster = false, string name = "participants")
    {
        if (!Wire.TryField(item, name, out var list))
            return null;
        return list.ValueKind == JsonValueKind.Array
            ? Read(source, list, into, ofRoster)
            : throw ObservedEvent.Poison($"{name} is neither a list nor absent");
    }

    /// <summary>A person by one or two of their JIDs, in whatever order they come; false when neither names a person.</summary>
    public static bool TryPair(Jid one, Jid other, out Entry entry, MemberRole role = MemberRole.Member)
    {
        var lid = one.IsLid ? one : other.IsLid ? other : Jid.Empty;
        var phone = one is { IsPhone: true, IsPerson: true } ? one : other is { IsPhone: true, IsPerson: true } ? other : Jid.Empty;
        entry = new Entry(lid.IsEmpty ? null : lid.Value, phone.IsEmpty ? null : phone.Value, role);
        return !lid.IsEmpty || !phone.IsEmpty;
    }

    private static Row TryRead(ObservedEvent source, JsonElement row, Observations into, out Entry entry)
    {
        entry = default;
        return row.ValueKind switch
        {
            JsonValueKind.Object => ReadObject(source, row, into, out entry),
            JsonValueKind.String => ReadText(source, Wire.Text(row), into, out entry),
            _ => Row.Unreadable,
        };
    }

    private static Row ReadText(ObservedEvent source, string? text, Observations into, out Entry entry)
    {
        entry = default;
        if (text is null || !text.AsSpan().TrimStart().StartsWith("{"))
        {
            var jid = Jid.Parse(text);
            return TryPair(jid, Jid.Empty, out entry) ? Row.Person : jid.IsMachine ? Row.Machine : Row.Unreadable;
        }
        try
        {
            using var document = JsonDocument.Parse(text);
            return ReadObject(source, document.RootElement, into, out entry);
        }
        catch (JsonException)
        {
            return Row.Unreadable;
        }
    }

    private static Row ReadObject(ObservedEvent source, JsonElement row, Observations into, out Entry entry)
    {
        if (!PersonNames.Row.TryRead(row, out entry, RoleOf(row)))
            return PersonNames.Row.NamesMachine(row) ? Row.Machine : Row.Unreadable;
        PersonNames.Row.LearnUsername(source, row, entry, into);
        return IsOutside(row) ? Row.Outside : Row.Person;
    }

    // Three ways to say it: Baileys' admin, whatsmeow's and whatsapp-web.js' pair of flags, WAHA's role.
    private static MemberRole RoleOf(JsonElement row)
    {
        var role = Wire.Text(row, "admin") ?? Wire.Text(row, "role");
        if (role == "superadmin" || Wire.Flag(row, "IsSuperAdmin") == true || Wire.Flag(row, "isSuperAdmin") == true)
            return MemberRole.Superadmin;
        return role == "admin" || Wire.Flag(row, "IsAdmin") == true || Wire.Flag(row, "isAdmin") == true || Wire.Flag(row, "admin") == true
            ? MemberRole.Admin
            : MemberRole.Member;
    }

    // whatsmeow lists whom it could not add, with the error; WAHA whom the group has lost, with the role "left".
    private static bool IsOutside(JsonElement row) => Wire.Number(row, "Error") is not null and not 0 || Wire.Text(row, "role") == "left";
}
