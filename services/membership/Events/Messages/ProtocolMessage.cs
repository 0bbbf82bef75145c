using System.Text.Json;
using WhatsAppMesh.Events;
using WhatsAppMesh.Membership.Events.Groups;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events.Messages;

/// <summary>
/// The part of a message that is for programs: the group's timer (EPHEMERAL_SETTING) and a member's label (GROUP_MEMBER_LABEL_CHANGE). It
/// may stand inside wrappers. The type is a number or a name, as with stubs.
/// </summary>
public static class ProtocolMessage
{
    private const int EphemeralSetting = 3;
    private const int MemberLabel = 30;

    // Baileys unwraps five levels.
    private const int MaxWrappers = 5;

    private static readonly Dictionary<string, int> Numbers = new(StringComparer.Ordinal)
    {
        ["REVOKE"] = 0,
        ["EPHEMERAL_SETTING"] = EphemeralSetting,
        ["EPHEMERAL_SYNC_RESPONSE"] = 4,
        ["HISTORY_SYNC_NOTIFICATION"] = 5,
        ["APP_STATE_SYNC_KEY_SHARE"] = 6,
        ["APP_STATE_SYNC_KEY_REQUEST"] = 7,
        ["MSG_FANOUT_BACKFILL_REQUEST"] = 8,
        ["INITIAL_SECURITY_NOTIFICATION_SETTING_SYNC"] = 9,
        ["APP_STATE_FATAL_EXCEPTION_NOTIFICATION"] = 10,
        ["SHARE_PHONE_NUMBER"] = 11,
        ["MESSAGE_EDIT"] = 14,
        ["PEER_DATA_OPERATION_REQUEST_MESSAGE"] = 16,
        ["PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE"] = 17,
        ["GROUP_MEMBER_LABEL_CHANGE"] = MemberLabel,
    };

    // About messages, or between the devices of one account; who shares a number has it in the key.
    private static readonly HashSet<long> WithoutState = [0, 4, 5, 6, 7, 8, 9, 10, 11, 14, 16, 17];

    /// <summary>Adds what the protocol message in a message says about its group, if there is one.</summary>
    public static void Read(ObservedEvent source, GroupKey group, Entry? sender, JsonElement content, Observations into)
    {
        if (!TryFind(content, out var protocol) || !Wire.TryField(protocol, "type", out var type))
            return;
        var isNamed = Numbers.TryGetValue(Wire.Text(type) ?? "", out var named);
        var number = isNamed ? named : WireNumber.Read(type);
        switch (number)
        {
            case EphemeralSetting:
                // protobuf leaves a zero out.
                var seconds = Wire.Number(protocol, "ephemeralExpiration") ?? 0;
                into.AddFieldChange(source, group, GroupField.EphemeralDuration, GroupFields.Seconds(seconds));
                break;
            case MemberLabel when sender is { } member:
                Wire.TryObject(protocol, "memberLabel", out var label);
                into.AddTag(source, group, member, Wire.Text(label, "label") ?? "");
                break;
            case MemberLabel:
                into.Silent(source, SilentReason.NoPerson);
                break;
            case { } known when WithoutState.Contains(known):
                break;
            default:
                into.Silent(source, SilentReason.UnreadProtocol);
                break;
        }
    }

    private static bool TryFind(JsonElement content, out JsonElement protocol)
    {
        protocol = default;
        for (var level = 0; level <= MaxWrappers && content.ValueKind == JsonValueKind.Object; level++)
        {
            if (Wire.TryObject(content, "protocolMessage", out protocol))
                return true;
            // Every wrapper (ephemeralMessage, groupStatusMessageV2, deviceSentMessage and their kin) holds one message of that name.
            var inner = default(JsonElement);
            foreach (var part in content.EnumerateObject())
            {
                if (Wire.TryObject(part.Value, "message", out inner))
                    break;
            }
            content = inner;
        }
        return false;
    }
}
