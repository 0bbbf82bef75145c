namespace WhatsAppMesh.Membership.Events.People;

/// <summary>
/// lid-mapping.update (Baileys 7) and chats.phoneNumberShare (Baileys 6.7): a LID and the phone behind it, without any group.
/// </summary>
public sealed class LidMappingReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["lid-mapping.update", "chats.phoneNumberShare"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            PersonNames.Row.Learn(source, item, into);
            if (!PersonNames.Row.TryRead(item, out var person) || person.Lid is null || person.Phone is null)
                into.Silent(source, SilentReason.NoPerson);
        }
    }
}
