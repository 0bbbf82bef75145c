using System.Globalization;
using System.Text.Json;
using WhatsAppMesh.Membership.Events.People;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events.Groups;

/// <summary>How much of a group an item tells.</summary>
public enum GroupTelling
{
    /// <summary>Some fields as they are: what is absent or null is not spoken of.</summary>
    Part,

    /// <summary>The whole group as it is: of the optional fields, those that are absent or null do not exist.</summary>
    Whole,

    /// <summary>What changed: what is absent is as before, and an optional field that is null was removed.</summary>
    Change,
}

/// <summary>One field as an item tells it.</summary>
/// <param name="Field">The field.</param>
/// <param name="Value">Its value; null = the group has none.</param>
/// <param name="At">The time of its own, if it has one.</param>
public readonly record struct SaidField(GroupField Field, string? Value, DateTimeOffset? At = null);

/// <summary>
/// Reads a group's own fields from metadata. Optional, so that a whole snapshot without them says that they are not there: description,
/// disappearing timer, parent community, owner. All others (the subject, the flags, the size) are only said where they stand.
/// </summary>
public static class GroupFields
{
    private static readonly (string Name, GroupField Field)[] Flags =
    [
        ("announce", GroupField.Announce),
        ("restrict", GroupField.Restrict),
        ("joinApprovalMode", GroupField.JoinApprovalMode),
        ("newMembersApprovalRequired", GroupField.JoinApprovalMode),
        ("memberAddMode", GroupField.MemberAddMode),
        ("membersCanAddNewMember", GroupField.MemberAddMode),
        ("isCommunity", GroupField.IsCommunity),
        ("isCommunityAnnounce", GroupField.IsCommunityAnnounce),
    ];

    /// <summary>The fields that an item tells. Baileys' names, and those of WAHA that mean one thing in all its engines.</summary>
    public static List<SaidField> Read(JsonElement item, GroupTelling telling)
    {
        var fields = new List<SaidField>();
        if (Wire.Text(item, "subject") is { Length: > 0 } subject)
            fields.Add(new SaidField(GroupField.Subject, subject, Wire.Time(item, "subjectTime")));
        AddOptional(GroupField.Description, item.TryGetProperty("desc", out _) ? "desc" : "description", Text, Wire.Time(item, "descTime"));
        AddOptional(GroupField.EphemeralDuration, "ephemeralDuration", Timer);
        AddOptional(GroupField.LinkedParent, "linkedParent", Group);
        if (PersonNames.Owner.TryRead(item, out var owner))
            fields.Add(new SaidField(GroupField.Owner, owner.Jid));
        else
            AddOptional(GroupField.Owner, "owner", static value => (Wire.Text(value) is "", null));
        if (Wire.Text(item, "addressingMode") is "lid" or "pn")
            fields.Add(new SaidField(GroupField.AddressingMode, Wire.Text(item, "addressingMode")));
        foreach (var (name, field) in Flags)
        {
            if (Wire.Flag(item, name) is { } flag)
                fields.Add(new SaidField(field, Flag(flag)));
        }
        if (Wire.Number(item, "size") is > 0 and var size)
            fields.Add(new SaidField(GroupField.ReportedSize, Number(size)));
        if (Wire.Time(item, "creation") is { } creation)
            fields.Add(new SaidField(GroupField.CreatedAt, Instant(creation)));
        return fields;

        void AddOptional(GroupField field, string name, Func<JsonElement, (bool IsSaid, string? Value)> read, DateTimeOffset? at = null)
        {
            if (Wire.TryField(item, name, out var value))
            {
                if (read(value) is (true, var text))
                    fields.Add(new SaidField(field, text, at));
            }
            else if (telling == GroupTelling.Whole || (telling == GroupTelling.Change && item.TryGetProperty(name, out _)))
            {
                fields.Add(new SaidField(field, null, at));
            }
        }
    }

    /// <summary>Adds fields as they stand: a snapshot's. Each has the time of its own, else the event's.</summary>
    public static void AddState(ObservedEvent source, GroupKey group, IReadOnlyList<SaidField> fields, Observations into) =>
        into.AddGroup(source, group, [.. fields.Select(said => Value(source.ToldAt(said.At), said))]);

    /// <summary>Adds fields that changed. A change without a time of its own is as old as the event, if the event's time is about it.</summary>
    public static void AddChanges(ObservedEvent source, GroupKey group, IReadOnlyList<SaidField> fields, Observations into)
    {
        // The lake takes these two for the time of a delta: they are about the one field beside them.
        var others = source.Source.OccurredAtSource is "subjectTime" or "descTime" ? source.WithoutTime() : source;
        foreach (var said in fields)
            into.AddFieldChange(others.ToldAt(said.At), group, said.Field, said.Value);
    }

    /// <summary>A flag as a field's value.</summary>
    public static string Flag(bool on) => on ? "true" : "false";

    /// <summary>A number as a field's value.</summary>
    public static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Seconds until messages disappear as a field's value: 0 means never, and the group has no timer.</summary>
    public static string? Seconds(long seconds) => seconds > 0 ? Number(seconds) : null;

    /// <summary>A time as a field's value.</summary>
    public static string Instant(DateTimeOffset time) => time.ToString("O", CultureInfo.InvariantCulture);

    private static FieldValue Value(ObservedEvent source, SaidField said) =>
        new(said.Field, said.Value, new FieldVersion(source.OrderAt, source.Source.Log, source.Source.Position));

    private static (bool IsSaid, string? Value) Text(JsonElement value) =>
        Wire.Text(value) is { } text ? (true, text.Length > 0 ? text : null) : (false, null);

    private static (bool IsSaid, string? Value) Timer(JsonElement value) =>
        WhatsAppMesh.Events.WireNumber.Read(value) is >= 0 and var seconds ? (true, Seconds(seconds)) : (false, null);

    private static (bool IsSaid, string? Value) Group(JsonElement value)
    {
        var jid = WhatsAppMesh.Events.Jid.Parse(Wire.Text(value));
        return jid.IsGroup ? (true, jid.Value) : (Wire.Text(value) is "", null);
    }
}
