using System.Text.Json;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events.People;

/// <summary>
/// contacts.upsert and contacts.update: pairs of JIDs and usernames from the phone's address book. Groups appear in it too. In an update
/// a username that is null has been given up.
/// </summary>
public sealed class ContactsReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["contacts.upsert", "contacts.update"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            PersonNames.Row.Learn(source, item, into);
            if (item.TryGetProperty(PersonNames.Row.Username!, out var username) && username.ValueKind == JsonValueKind.Null
                && PersonNames.Row.TryRead(item, out Entry person))
                into.Usernames.Add(new UsernameSeen(new PersonKey(source.Tenant, person.Jid), null, source.OrderAt));
        }
    }
}
