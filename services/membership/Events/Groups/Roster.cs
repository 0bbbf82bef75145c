using WhatsAppMesh.Membership.Events.People;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events.Groups;

/// <summary>
/// What a list of members says. Whole, it says who is not in the group. It is not whole when it has fewer rows than the group has members
/// by its own count, when a row could not be read, or when it is of a community or its announcement group and no count proves it whole.
/// </summary>
public static class Roster
{
    /// <summary>Adds the list of a group.</summary>
    /// <param name="size">How many members the group has by its own account; null when it does not say.</param>
    /// <param name="isOfCommunity">True for a community's parent and its announcement group, which list only some.</param>
    public static void Add(ObservedEvent source, GroupKey group, PeopleList people, long? size, bool isOfCommunity, Observations into)
    {
        if (people.Entries.Count == 0)
        {
            if (people.Unreadable > 0)
                into.Silent(source, SilentReason.NoPerson);
            return;
        }
        var isPart = people.Unreadable > 0 || (size is > 0 ? people.Count < size : isOfCommunity);
        into.AddFact(source, group, isPart ? FactKind.Listing : FactKind.Roster, people.Entries);
    }
}
