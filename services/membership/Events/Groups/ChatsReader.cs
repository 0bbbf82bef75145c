using System.Text.Json;
using WhatsAppMesh.Events;
using WhatsAppMesh.Membership.Events.People;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events.Groups;

/// <summary>
/// chats.update and chats.upsert: of a group the timer after which messages disappear, null or 0 for none, with the time at which it was
/// set; of a direct chat the two JIDs of the person. What else they hold is about the collector's own phone.
/// </summary>
public sealed class ChatsReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["chats.update", "chats.upsert"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            var jid = Wire.Jid(item, "id");
            if (jid.IsGroup)
                ReadTimer(source, new GroupKey(source.Tenant, jid.Value), item, into);
            else
                PersonNames.Row.Learn(source, item, into);
        }
    }

    private static void ReadTimer(ObservedEvent source, GroupKey group, JsonElement item, Observations into)
    {
        if (!item.TryGetProperty("ephemeralExpiration", out var expiration))
            return;
        var told = source.ToldAt(Wire.Time(item, "ephemeralSettingTimestamp"));
        if (expiration.ValueKind == JsonValueKind.Null)
            into.AddFieldChange(told, group, GroupField.EphemeralDuration, null);
        else if (WireNumber.Read(expiration) is >= 0 and var seconds)
            into.AddFieldChange(told, group, GroupField.EphemeralDuration, GroupFields.Seconds(seconds));
        else
            into.Silent(source, SilentReason.UnreadValue);
    }
}
