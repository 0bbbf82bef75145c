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
        var people = Participants.ReadField(source, item, into);
        if (Wire.TryField(item, "participantsData", out var data) && data.ValueKind == JsonValueKind.Array
            && Participants.Read(source, data, into) is { } resolved && resolved.Entries.Count >= (people?.Entries.Count ?? 0))
            people = resolved;
        Add(source, group, Wire.Text(item, "action"), item, people ?? new PeopleList([], 0, 0), into);
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
            NumberChange.Add(source, PersonNames.Author.TryRead(item, out var author) ? author : null, people, into);
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
