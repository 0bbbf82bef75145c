using WhatsAppMesh.Membership.Events.People;

namespace WhatsAppMesh.Membership.Events.Groups;

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
            PersonNames.Author.Learn(source, item, into);
            if (PersonNames.Sender.TryRead(item, out var person))
            {
                into.AddPerson(source, person);
                PersonNames.Sender.LearnUsername(source, item, person, into);
            }
            else
            {
                into.Skipped++;
                into.Silent(source, SilentReason.NoPerson);
            }
        }
    }
}
