using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events;

/// <summary>
/// Group metadata, whole or in part. The collector makes groups.metadata itself on every connection; Baileys then also emits
/// groups.update with the full metadata, so an update is a snapshot when it lists participants and a delta when it does not.
/// A list without people in it says nothing about the roster.
/// </summary>
public sealed class GroupSnapshotReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["groups.metadata", "groups.upsert", "groups.update"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            var group = source.Group(item);
            var roster = Participants.ReadField(item, into);
            into.AddGroup(source, group, GroupFields.Read(source, item));
            if (roster is not null)
                into.AddFact(source, group, FactKind.Roster, roster);
            // The owner may have left long ago: a pair, not a sighting.
            if (Participants.TryPair(Wire.Jid(item, "owner"), Wire.Jid(item, "ownerPn"), out var owner))
                into.AddPair(source, owner);
        }
    }
}
