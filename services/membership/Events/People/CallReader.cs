namespace WhatsAppMesh.Membership.Events.People;

/// <summary>call: who calls, in a group or directly. Offering a call is the caller's act; what follows may be anybody's.</summary>
public sealed class CallReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["call"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            var told = source.ToldAt(Wire.Time(item, "date"));
            if (!PersonNames.Caller.TryRead(item, out var caller))
            {
                into.Silent(source, SilentReason.NoPerson);
                continue;
            }
            PersonNames.Caller.Learn(told, item, into);
            if (Wire.Text(item, "status") != "offer")
                continue;
            into.AddPerson(told, caller);
            if (told.TryGroup(item, "groupJid") is { } group)
                into.AddGroup(told, group);
        }
    }
}
