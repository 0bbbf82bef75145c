using System.Diagnostics.CodeAnalysis;

namespace WhatsAppMesh.Membership.Facts;

/// <summary>A phone seen beside a LID.</summary>
/// <param name="Phone">Phone JID.</param>
/// <param name="Lid">LID.</param>
/// <param name="Since">Earliest time at which the two were seen together.</param>
public readonly record struct IdentityPair(string Phone, string Lid, DateTimeOffset Since);

/// <summary>A person gave up one phone for another. Who goes back and forth does so more than once.</summary>
/// <param name="OldPhone">Phone JID they had.</param>
/// <param name="NewPhone">Phone JID they have from then on.</param>
/// <param name="First">Earliest time at which that was told.</param>
/// <param name="Last">Latest time at which that was told.</param>
public readonly record struct NumberChange(string OldPhone, string NewPhone, DateTimeOffset First, DateTimeOffset Last);

/// <summary>From when on a phone belongs to a person; the first one of a phone goes back to the beginning.</summary>
/// <param name="From">When it begins.</param>
/// <param name="Person">The JID the person is known by.</param>
/// <param name="Since">Since when the phone counts as that of the LID; null for an alias, and for a number that a change alone ties to it.</param>
internal readonly record struct Tenure(DateTimeOffset From, string Person, DateTimeOffset? Since);

/// <summary>
/// Who a JID is, within one tenant. A LID is a person. A phone belongs to a LID from a time on, because phones are recycled; before
/// the first such time it belongs to the first LID, and while no LID is known it stands for itself, as an alias. A change of number
/// makes the two phones one person's, as <see cref="NumberTimelines"/> has it. The answer depends on the set of pairs and changes alone,
/// never on the order in which they were learned.
/// </summary>
public sealed class Identity
{
    private readonly Dictionary<string, List<Tenure>> _byPhone = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Phone, DateTimeOffset Since)> _byLid = new(StringComparer.Ordinal);

    /// <param name="pairs">Every pair that counts (none that an operator has unlinked).</param>
    /// <param name="changes">Every change of number, with all that they lead to.</param>
    public Identity(IEnumerable<IdentityPair> pairs, IEnumerable<NumberChange>? changes = null)
    {
        var known = pairs.GroupBy(static pair => pair.Phone, StringComparer.Ordinal)
            .ToDictionary(static phone => phone.Key, InOrder, StringComparer.Ordinal);
        foreach (var (phone, own) in known)
            _byPhone[phone] = own.ConvertAll(static pair => new Tenure(pair.Since, pair.Lid, pair.Since));
        foreach (var (phone, tenures) in NumberTimelines.Of(changes ?? [], known))
            _byPhone[phone] = tenures;
        foreach (var (phone, tenures) in _byPhone)
        {
            if (tenures[^1] is { Since: { } since } owner
                && (!_byLid.TryGetValue(owner.Person, out var other) || IsLaterPhone((phone, since), other)))
                _byLid[owner.Person] = (phone, since);
        }
    }

    /// <summary>The person whom an entry names, as that was at <paramref name="at"/>: the JID the person is known by.</summary>
    public string Person(Entry entry, DateTimeOffset at) => entry.Lid ?? Resolve(entry.Phone!, at);

    /// <summary>The person whom a phone belonged to at <paramref name="at"/>: a LID, or while none is known the person's present phone.</summary>
    public string Resolve(string phone, DateTimeOffset at)
    {
        if (!TryTenures(phone, out var tenures))
            return phone;
        var owner = tenures[0];
        foreach (var tenure in tenures)
        {
            if (tenure.From <= at)
                owner = tenure;
        }
        return owner.Person;
    }

    /// <summary>The person whom a JID belongs to now.</summary>
    public string Owner(string jid) => TryTenures(jid, out var tenures) ? tenures[^1].Person : jid;

    /// <summary>Since when the present owner has had the phone; null for a LID, for an alias, and for a number that its owner gave up.</summary>
    public DateTimeOffset? OwnedSince(string jid) => TryTenures(jid, out var tenures) ? tenures[^1].Since : null;

    /// <summary>The phone that a person has now: of several the one that came to them last; null when there is none.</summary>
    public string? PhoneOf(string lid) => _byLid.TryGetValue(lid, out var owned) ? owned.Phone : null;

    private static bool IsLaterPhone((string Phone, DateTimeOffset Since) one, (string Phone, DateTimeOffset Since) other) =>
        one.Since > other.Since || (one.Since == other.Since && string.CompareOrdinal(one.Phone, other.Phone) > 0);

    private bool TryTenures(string phone, [NotNullWhen(true)] out List<Tenure>? tenures) => _byPhone.TryGetValue(phone, out tenures);

    // Two LIDs that claim a phone from the same moment on: any fixed choice will do, as long as it is always the same.
    private static List<IdentityPair> InOrder(IEnumerable<IdentityPair> pairs) =>
        [.. pairs.OrderBy(static pair => pair.Since).ThenBy(static pair => pair.Lid, StringComparer.Ordinal)];
}
