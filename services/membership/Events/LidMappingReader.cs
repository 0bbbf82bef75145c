namespace WhatsAppMesh.Membership.Events;

/// <summary>lid-mapping.update: a LID and the phone behind it, without any group.</summary>
public sealed class LidMappingReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["lid-mapping.update"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            if (Participants.TryPair(Wire.Jid(item, "lid"), Wire.Jid(item, "pn"), out var person))
                into.AddPair(source, person);
            else
                into.Skipped++;
        }
    }
}
