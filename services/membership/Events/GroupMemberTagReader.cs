using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events;

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
            var group = source.Group(item, "groupId");
            into.AddGroup(source, group);
            if (!Participants.TryPair(Wire.Jid(item, "participant"), Wire.Jid(item, "participantAlt"), out var member))
            {
                into.Skipped++;
                continue;
            }
            into.AddPerson(source, member);
            var key = new FactKey(source.OrderAt, source.Source.Log, source.Source.Position, 0);
            into.Tags.Add(new TagSeen(group, member, Wire.Text(item, "label") ?? "", key));
        }
    }
}
