using System.Text.Json;
using WhatsAppMesh.Membership.Events.People;

namespace WhatsAppMesh.Membership.Events.Groups;

/// <summary>
/// Group metadata, whole or in part. The collector makes groups.metadata itself on every connection; Baileys then also emits
/// groups.update with the full metadata, so an update is a snapshot when it lists participants or says when the group was made, and a
/// change when it does neither. A list without people in it says nothing about the roster.
/// </summary>
public sealed class GroupSnapshotReader : IEventReader
{
    private static readonly string[] Snapshots = ["groups.metadata", "groups.upsert"];

    /// <inheritdoc/>
    public IReadOnlyList<string> Types => [.. Snapshots, "groups.update"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        // Evolution's type is the same behind a prefix.
        var mayBeChange = !Array.Exists(Snapshots, type => source.Source.Type.EndsWith(type, StringComparison.Ordinal));
        foreach (var item in source.Items(into))
            ReadItem(source, source.Group(item), item, mayBeChange, into);
    }

    /// <summary>Adds what one item of Baileys' metadata says.</summary>
    /// <param name="mayBeChange">False when the item can only be a snapshot.</param>
    internal static void ReadItem(ObservedEvent source, GroupKey group, JsonElement item, bool mayBeChange, Observations into)
    {
        var roster = Participants.ReadField(source, item, into, ofRoster: true);
        var isCreated = Wire.Time(item, "creation") is not null;
        if (mayBeChange && roster is null && !isCreated)
        {
            var changes = GroupFields.Read(item, GroupTelling.Change);
            into.AddGroup(source, group);
            GroupFields.AddChanges(source, group, changes, into);
        }
        else
        {
            var isWhole = isCreated || (roster is not null && Wire.Text(item, "subject") is { Length: > 0 });
            GroupFields.AddState(source, group, GroupFields.Read(item, isWhole ? GroupTelling.Whole : GroupTelling.Part), into);
        }
        if (roster is not null)
        {
            var isOfCommunity = Wire.Flag(item, "isCommunity") == true || Wire.Flag(item, "isCommunityAnnounce") == true;
            Roster.Add(source, group, roster, Wire.Number(item, "size"), isOfCommunity, into);
        }
        // They may have left long ago: pairs, not sightings.
        foreach (var names in (PersonNames[])[PersonNames.Owner, PersonNames.SubjectOwner, PersonNames.DescriptionOwner, PersonNames.Author])
            names.Learn(source, item, into);
    }
}
