using System.Text.Json;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events.People;

/// <summary>
/// messaging-history.set: the phone's history. Read are the mappings of LIDs, the contacts, and who has left which group and when. Its
/// messages are not: old joins in them are no news, and each group's roster says better who is in.
/// </summary>
public sealed class HistoryReader : IEventReader
{
    private static readonly string[] Lists = ["lidPnMappings", "phoneNumberToLidMappings", "contacts", "chats"];

    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["messaging-history.set"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            foreach (var row in Lists.SelectMany(list => Wire.Rows(item, list)))
                PersonNames.Row.Learn(source, row, into);
            foreach (var past in Wire.Rows(item, "pastParticipants"))
                ReadPast(source, past, into);
        }
    }

    private static void ReadPast(ObservedEvent source, JsonElement past, Observations into)
    {
        var jid = Wire.Jid(past, "groupJid");
        if (!jid.IsGroup)
        {
            into.Silent(source, SilentReason.NoGroup);
            return;
        }
        var group = new GroupKey(source.Tenant, jid.Value);
        foreach (var row in Wire.Rows(past, "pastParticipants"))
        {
            var told = source.ToldAt(Wire.Time(row, "leaveTs"));
            // Without its time a leave of long ago would pass for one of today.
            if (PersonNames.Row.TryRead(row, out var person) && told != source)
            {
                into.AddGroup(told, group);
                into.AddFact(told, group, FactKind.Remove, [person]);
            }
            else
            {
                into.Skipped++;
                into.Silent(source, SilentReason.NoPerson);
            }
        }
    }
}
