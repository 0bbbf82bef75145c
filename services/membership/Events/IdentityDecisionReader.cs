using WhatsAppMesh.Membership.Events.People;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events;

/// <summary>
/// identity.linked and identity.unlinked: an operator's word on whether a phone belongs to a LID. Of several words on one pair the last
/// counts; an unlinked pair stays so, whatever collectors say, until it is linked again.
/// </summary>
public sealed class IdentityDecisionReader : IEventReader
{
    /// <summary>Type of the event that links.</summary>
    public const string Linked = "identity.linked";

    /// <summary>Type of the event that unlinks.</summary>
    public const string Unlinked = "identity.unlinked";

    /// <inheritdoc/>
    public IReadOnlyList<string> Types => [Linked, Unlinked];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            if (!Participants.TryPair(Wire.Jid(item, "lid"), Wire.Jid(item, "phone_jid"), out var person)
                || person is not { Lid: { } lid, Phone: { } phone })
                throw ObservedEvent.Poison("the decision must name a lid and a phone_jid");
            var isLinked = source.Source.Type == Linked;
            var key = new FactKey(source.OrderAt, source.Source.Log, source.Source.Position, 0);
            into.Decisions.Add(new PairDecision(source.Tenant, phone, lid, isLinked, key));
            if (isLinked)
                into.Pairs.Add(new PairSeen(source.Tenant, phone, lid, Wire.Time(item, "since") ?? DateTimeOffset.UnixEpoch));
        }
    }
}
