using System.Diagnostics.CodeAnalysis;

namespace WhatsAppMesh.Membership.Facts;

/// <summary>A phone seen beside a LID.</summary>
/// <param name="Phone">Phone JID.</param>
/// <param name="Lid">LID.</param>
/// <param name="Since">Earliest time at which the two were seen together.</param>
public readonly record struct IdentityPair(string Phone, string Lid, DateTimeOffset Since);

/// <summary>
/// Who a JID is, within one tenant. A LID is a person. A phone belongs to a LID from a time on, because phones are recycled; before
/// the first such time it belongs to the first LID, and while no LID is known it stands for itself, as an alias. The answer depends on
/// the set of pairs alone, never on the order in which they were learned.
/// </summary>
public sealed class Identity
{
    private readonly Dictionary<string, List<IdentityPair>> _byPhone = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IdentityPair> _byLid = new(StringComparer.Ordinal);

    /// <param name="pairs">Every pair that counts (none that an operator has unlinked).</param>
    public Identity(IEnumerable<IdentityPair> pairs)
    {
        foreach (var pair in pairs)
        {
            if (!_byPhone.TryGetValue(pair.Phone, out var known))
                _byPhone[pair.Phone] = known = [];
            known.Add(pair);
        }
        foreach (var known in _byPhone.Values)
        {
            known.Sort(Earlier);
            var owner = known[^1];
            if (!_byLid.TryGetValue(owner.Lid, out var other) || IsLaterPhone(owner, other))
                _byLid[owner.Lid] = owner;
        }
    }

    /// <summary>The person whom an entry names, as that was at <paramref name="at"/>: the JID the person is known by.</summary>
    public string Person(Entry entry, DateTimeOffset at) => entry.Lid ?? Resolve(entry.Phone!, at);

    /// <summary>The person whom a phone belonged to at <paramref name="at"/>: a LID, or the phone itself while none is known.</summary>
    public string Resolve(string phone, DateTimeOffset at)
    {
        if (!TryPairs(phone, out var pairs))
            return phone;
        var owner = pairs[0];
        foreach (var pair in pairs)
        {
            if (pair.Since <= at)
                owner = pair;
        }
        return owner.Lid;
    }

    /// <summary>The person whom a JID belongs to now.</summary>
    public string Owner(string jid) => TryPairs(jid, out var pairs) ? pairs[^1].Lid : jid;

    /// <summary>Since when the present owner has had the phone; null for a LID and for an alias.</summary>
    public DateTimeOffset? OwnedSince(string jid) => TryPairs(jid, out var pairs) ? pairs[^1].Since : null;

    /// <summary>The phone that a person has now: of several the one that came to them last; null when there is none.</summary>
    public string? PhoneOf(string lid) => _byLid.TryGetValue(lid, out var pair) ? pair.Phone : null;

    private static bool IsLaterPhone(IdentityPair one, IdentityPair other) =>
        one.Since > other.Since || (one.Since == other.Since && string.CompareOrdinal(one.Phone, other.Phone) > 0);

    private bool TryPairs(string phone, [NotNullWhen(true)] out List<IdentityPair>? pairs) => _byPhone.TryGetValue(phone, out pairs);

    // Two LIDs that claim a phone from the same moment on: any fixed choice will do, as long as it is always the same.
    private static int Earlier(IdentityPair one, IdentityPair other)
    {
        var byTime = one.Since.CompareTo(other.Since);
        return byTime != 0 ? byTime : string.CompareOrdinal(one.Lid, other.Lid);
    }
}
