using System.Globalization;

namespace WhatsAppMesh.Membership.Facts;

/// <summary>Fields of a group, each with a time of its own.</summary>
public enum GroupField
{
    /// <summary>Name of the group.</summary>
    Subject,

    /// <summary>Description.</summary>
    Description,

    /// <summary>JID of the owner.</summary>
    Owner,

    /// <summary>Whether members go by <c>lid</c> or <c>pn</c>.</summary>
    AddressingMode,

    /// <summary>Parent community.</summary>
    LinkedParent,

    /// <summary>Only admins may post.</summary>
    Announce,

    /// <summary>Only admins may edit the group.</summary>
    Restrict,

    /// <summary>Admins approve who joins.</summary>
    JoinApprovalMode,

    /// <summary>Every member may add others.</summary>
    MemberAddMode,

    /// <summary>The group is a community.</summary>
    IsCommunity,

    /// <summary>The group is a community's announcement group.</summary>
    IsCommunityAnnounce,

    /// <summary>Seconds after which messages disappear.</summary>
    EphemeralDuration,

    /// <summary>When the group was created (ISO 8601).</summary>
    CreatedAt,

    /// <summary>How many members the phone says the group has, whether or not it lists them all.</summary>
    ReportedSize,

    /// <summary>Every member may pass on the invite link.</summary>
    MemberLinkMode,
}

/// <summary>Which of two values of a field is the later one: by time, then by place in the log.</summary>
public readonly record struct FieldVersion(DateTimeOffset At, int Log, long Position) : IComparable<FieldVersion>
{
    /// <inheritdoc/>
    public int CompareTo(FieldVersion other) => (At, Log, Position).CompareTo((other.At, other.Log, other.Position));

    /// <summary>Text form, for storage.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{At.UtcTicks / TimeSpan.TicksPerMicrosecond}/{Log}/{Position}");

    /// <summary>Reads the text form.</summary>
    /// <exception cref="FormatException">The text is not what <see cref="ToString"/> writes.</exception>
    public static FieldVersion Parse(string text) => text.Split('/') is [var at, var log, var position]
        ? new FieldVersion(new DateTimeOffset(Number(at) * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero), (int)Number(log), Number(position))
        : throw new FormatException("A field version has three parts.");

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}

/// <summary>One field of a group, as an event states it: how it stands, not that it changed. Flags are <c>true</c> or <c>false</c>; null = the group has none.</summary>
public sealed record FieldValue(GroupField Field, string? Value, FieldVersion Version);

/// <summary>A field of a group was set, or with null unset: one telling of one change.</summary>
/// <param name="Field">The field.</param>
/// <param name="Value">Its value from then on; null = the group has none.</param>
/// <param name="Key">Its place in the order of facts.</param>
/// <param name="IsUntimed">True when only the time of reception is known.</param>
/// <param name="ReceivedAt">When the lake took the event: our clock.</param>
/// <param name="Source">Who told it: the collector, as the lake names it.</param>
public sealed record FieldChange(GroupField Field, string? Value, FactKey Key, bool IsUntimed, DateTimeOffset ReceivedAt, string Source);

/// <summary>
/// What is known of a group besides its members. A field has the value that was stated or set last; an event that lacks a field says
/// nothing of it. A change that was told without a time and has a timed twin counts by the twin alone. The result depends on the set of
/// what was said, never on its order.
/// </summary>
public sealed class GroupProfile
{
    private readonly Dictionary<GroupField, FieldValue> _stated = [];
    private readonly Dictionary<GroupField, List<FieldChange>> _changes = [];

    /// <summary>What was stated last, one value per field that ever was.</summary>
    public IReadOnlyCollection<FieldValue> Stated => _stated.Values;

    /// <summary>Value of a field; null when it was never said, or when the group has none.</summary>
    public string? this[GroupField field]
    {
        get
        {
            var stated = _stated.GetValueOrDefault(field);
            var set = _changes.TryGetValue(field, out var changes) ? LastOf(changes) : null;
            if (set is null)
                return stated?.Value;
            return stated is not null && stated.Version.CompareTo(VersionOf(set)) > 0 ? stated.Value : set.Value;
        }
    }

    /// <summary>Takes what is stated, if it is later than what was stated before.</summary>
    /// <returns>True when it was.</returns>
    public bool Merge(FieldValue value)
    {
        if (_stated.TryGetValue(value.Field, out var known) && known.Version.CompareTo(value.Version) >= 0)
            return false;
        _stated[value.Field] = value;
        return true;
    }

    /// <summary>Takes a telling of a change.</summary>
    /// <returns>False when it is known.</returns>
    public bool Add(FieldChange change)
    {
        if (!_changes.TryGetValue(change.Field, out var known))
            _changes[change.Field] = known = [];
        if (known.Exists(other => other.Key == change.Key))
            return false;
        known.Add(change);
        return true;
    }

    private static FieldChange? LastOf(List<FieldChange> changes)
    {
        var twins = new HashSet<FactKey>();
        foreach (var same in changes.GroupBy(static change => change.Value, StringComparer.Ordinal).Select(static group => group.ToList()))
        {
            foreach (var (_, untimed) in Twins.Match(same.ConvertAll(static change => new Telling(change.Key, change.IsUntimed, change.ReceivedAt, change.Source))))
                twins.Add(same[untimed].Key);
        }
        return changes.Where(change => !twins.Contains(change.Key)).MaxBy(static change => change.Key);
    }

    private static FieldVersion VersionOf(FieldChange change) => new(change.Key.OrderAt, change.Key.Log, change.Key.Position);
}
