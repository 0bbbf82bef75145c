namespace WhatsAppMesh.Membership.Events;

/// <summary>group.join-request: somebody asks to come in. Names a person, and is no membership.</summary>
public sealed class GroupJoinRequestReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["group.join-request"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            into.AddGroup(source, source.Group(item));
            if (Participants.TryPair(Wire.Jid(item, "participant"), Wire.Jid(item, "participantPn"), out var person))
                into.AddPerson(source, person);
            else
                into.Skipped++;
        }
    }
}
