using WhatsAppMesh.Membership.Events.People;

namespace WhatsAppMesh.Membership.Events.Groups;

/// <summary>group.member-tag.update: the label that a member carries in a group.</summary>
public sealed class GroupMemberTagReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["group.member-tag.update"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            var told = source.ToldAt(Wire.Time(item, "messageTimestamp"));
            var group = told.Group(item, "groupId");
            into.AddGroup(told, group);
            if (!PersonNames.Sender.TryRead(item, out var member))
            {
                into.Skipped++;
                into.Silent(source, SilentReason.NoPerson);
                continue;
            }
            into.AddPerson(told, member);
            PersonNames.Sender.LearnUsername(told, item, member, into);
            into.AddTag(told, group, member, Wire.Text(item, "label") ?? "");
        }
    }
}
