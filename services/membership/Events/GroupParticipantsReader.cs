using System.Text.Json;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events;

/// <summary>
/// group-participants.update: who came, went, or changed role. The action carries the role; the admin field of the row may be stale.
/// A change of number (modify) only says which phone belongs to which LID.
/// </summary>
public sealed class GroupParticipantsReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["group-participants.update"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
            ReadItem(source, item, into);
    }

    private static void ReadItem(ObservedEvent source, JsonElement item, Observations into)
    {
        var group = source.Group(item);
        into.AddGroup(source, group);
        var entries = Participants.ReadField(item, into) ?? [];
        switch (Wire.Text(item, "action"))
        {
            case "add":
                into.AddFact(source, group, FactKind.Add, entries);
                break;
            case "remove":
                into.AddFact(source, group, FactKind.Remove, entries);
                break;
            case "promote":
                into.AddFact(source, group, FactKind.Promote, entries);
                break;
            case "demote":
                into.AddFact(source, group, FactKind.Demote, entries);
                break;
            case "modify":
                foreach (var entry in entries)
                    into.AddPair(source, entry);
                break;
            default:
                into.Skipped++;
                break;
        }
    }
}
