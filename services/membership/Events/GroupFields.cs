using System.Globalization;
using System.Text.Json;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events;

/// <summary>Reads a group's own fields from metadata, whole or in part: a field that is absent or null is unchanged.</summary>
public static class GroupFields
{
    private static readonly (string Name, GroupField Field)[] Flags =
    [
        ("announce", GroupField.Announce),
        ("restrict", GroupField.Restrict),
        ("joinApprovalMode", GroupField.JoinApprovalMode),
        ("memberAddMode", GroupField.MemberAddMode),
        ("isCommunity", GroupField.IsCommunity),
        ("isCommunityAnnounce", GroupField.IsCommunityAnnounce),
    ];

    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(5);

    /// <summary>The fields that an item carries, each with its version.</summary>
    public static List<FieldValue> Read(ObservedEvent source, JsonElement item)
    {
        var fields = new List<FieldValue>();
        AddText(GroupField.Subject, "subject", "subjectTime");
        AddText(GroupField.Description, "desc", "descTime");
        AddJid(GroupField.Owner, "owner");
        AddJid(GroupField.LinkedParent, "linkedParent");
        if (Wire.Text(item, "addressingMode") is "lid" or "pn")
            Add(GroupField.AddressingMode, Wire.Text(item, "addressingMode")!);
        foreach (var (name, field) in Flags)
        {
            if (Wire.Flag(item, name) is { } flag)
                Add(field, Flag(flag));
        }
        if (Wire.Number(item, "ephemeralDuration") is { } seconds)
            Add(GroupField.EphemeralDuration, seconds.ToString(CultureInfo.InvariantCulture));
        if (Wire.Time(item, "creation") is { } creation)
            Add(GroupField.CreatedAt, creation.ToString("O", CultureInfo.InvariantCulture));
        return fields;

        void Add(GroupField field, string value, DateTimeOffset? at = null) => fields.Add(Value(source, field, value, at));

        void AddText(GroupField field, string name, string timeName)
        {
            if (Wire.Text(item, name) is { } text)
                Add(field, text, Wire.Time(item, timeName));
        }

        void AddJid(GroupField field, string name)
        {
            if (Wire.Jid(item, name) is { IsEmpty: false } jid)
                Add(field, jid.Value);
        }
    }

    /// <summary>A field's value at the given time, else at the event's. A time from the future would win for ever: it counts as 5 minutes ahead.</summary>
    public static FieldValue Value(ObservedEvent source, GroupField field, string value, DateTimeOffset? at = null)
    {
        var latest = source.Source.ReceivedAt.ToDateTimeOffset() + ClockTolerance;
        var order = at is { } own ? Micros(own < latest ? own : latest) : source.OrderAt;
        return new FieldValue(field, value, new FieldVersion(order, source.Source.Log, source.Source.Position));
    }

    /// <summary>A flag as a field's value.</summary>
    public static string Flag(bool on) => on ? "true" : "false";

    private static DateTimeOffset Micros(DateTimeOffset time) => new(time.Ticks - time.Ticks % TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);
}
