using System.Text.Json;
using WhatsAppMesh.Membership.Events.People;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events.Groups;

/// <summary>
/// group-participants.update: who came, went, or changed role. The action carries the role; the admin field of the row may be stale.
/// A change of number (modify) only says which phone belongs to which LID, or which number to which.
/// </summary>
public sealed class GroupParticipantsReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["group-participants.update"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
            ReadItem(source, source.Group(item), item, into);
    }

    /// <summary>Adds what one change says. Evolution lists the same people once more, with their phones: that list is the better one.</summary>
    internal static void ReadItem(ObservedEvent source, GroupKey group, JsonElement item, Observations into)
    {
        into.AddGroup(source, group);
        PersonNames.Author.Learn(source, item, into);
        var people = Better(source, Participants.ReadField(source, item, into), item, "participantsData", into);
        Add(source, group, Wire.Text(item, "action"), item, people, into);
    }

    /// <summary>A second list of the same people, when it names no fewer of them; else the first. Its pairs are learned in any case.</summary>
    internal static PeopleList Better(ObservedEvent source, PeopleList? people, JsonElement item, string name, Observations into)
    {
        people ??= new PeopleList([], 0, 0);
        if (!Wire.TryField(item, name, out var rows) || rows.ValueKind != JsonValueKind.Array)
            return people;
        var other = Participants.Read(source, rows, into);
        foreach (var entry in other.Entries)
            into.AddPair(source, entry);
        return other.Entries.Count >= people.Entries.Count ? other : people;
    }

    /// <summary>Adds a change of the roster by its name: Baileys', or WAHA's <c>join</c> and <c>leave</c>.</summary>
    internal static void Add(ObservedEvent source, GroupKey group, string? action, JsonElement item, PeopleList people, Observations into)
    {
        FactKind? kind = action switch
        {
            "add" or "join" or "invite" => FactKind.Add,
            "remove" or "leave" => FactKind.Remove,
            "promote" => FactKind.Promote,
            "demote" => FactKind.Demote,
            _ => null,
        };
        if (kind is { } known)
            Add(source, group, known, people, into);
        else if (action == "modify")
            NumberChangeNotice.Add(source, PersonNames.Author.TryRead(item, out var author) ? author : null, people, into);
        else
        {
            into.Skipped++;
            into.Silent(source, SilentReason.UnknownAction);
        }
    }

    /// <summary>Adds a change of the roster.</summary>
    internal static void Add(ObservedEvent source, GroupKey group, FactKind kind, PeopleList people, Observations into)
    {
        if (people.Entries.Count > 0)
            into.AddFact(source, group, kind, people.Entries);
        else if (people.Machines == 0)
            into.Silent(source, SilentReason.NoPerson);
    }
}
