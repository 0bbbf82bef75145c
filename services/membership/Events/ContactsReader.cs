namespace WhatsAppMesh.Membership.Events;

/// <summary>contacts.upsert and contacts.update: pairs of JIDs from the phone's address book. Groups appear in it too.</summary>
public sealed class ContactsReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["contacts.upsert", "contacts.update"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            var id = Wire.Jid(item, "id");
            var twin = Wire.Jid(item, id.IsLid ? "phoneNumber" : "lid");
            if (Participants.TryPair(id, twin, out var person))
                into.AddPair(source, person);
        }
    }
}
