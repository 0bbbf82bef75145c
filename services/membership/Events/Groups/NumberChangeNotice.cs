using WhatsAppMesh.Membership.Events.People;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events.Groups;

/// <summary>
/// A member has another number. Where a LID stands beside it, that is a new pair; in a group that addresses people by phone the old
/// number is whose notice it is, and the new one the person listed. It is never a leave and a join.
/// </summary>
public static class NumberChangeNotice
{
    /// <summary>Adds what a notice says.</summary>
    /// <param name="actor">Who changed, as they were; null when the notice does not say.</param>
    /// <param name="people">Who changed, as they are.</param>
    public static void Add(ObservedEvent source, Entry? actor, PeopleList people, Observations into)
    {
        if (people.Entries.Count == 0)
        {
            into.Silent(source, SilentReason.NoPerson);
            return;
        }
        foreach (var now in people.Entries)
            AddOne(source, people.Entries.Count == 1 ? actor : null, now, into);
    }

    private static void AddOne(ObservedEvent source, Entry? actor, Entry now, Observations into)
    {
        switch (actor, now)
        {
            case (_, { Lid: not null, Phone: { } phone }):
                into.AddPair(source, now);
                // The old number may be all that a group of phones knows of them.
                if (actor is { Lid: null, Phone: { } known })
                    into.AddNumberChange(source, known, phone);
                break;
            case ({ Lid: { } lid }, { Lid: null }):
                into.AddPair(source, now with { Lid = lid });
                break;
            case ({ Lid: null, Phone: { } old }, { Lid: null, Phone: { } taken }):
                into.AddNumberChange(source, old, taken);
                break;
            case ({ Phone: { } same }, { Lid: not null }):
                // Another LID behind the phone that the notice names.
                into.AddPair(source, now with { Phone = same });
                break;
            default:
                into.Silent(source, SilentReason.UnreadValue);
                break;
        }
    }
}
