using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// What a body of Evolution's says about the thing that it tells: <c>data</c>, or the one item of <c>data</c> when it is a list of one.
/// </summary>
/// <remarks>
/// Evolution API copies Baileys' objects (<c>key</c>, <c>messageTimestamp</c>, group <c>id</c>), Evolution Go writes whatsmeow's structs as Go
/// does (<c>Info.Chat</c>, <c>Info.ID</c>, <c>Chat</c>, <c>JID</c>, <c>Timestamp</c>, the year 1 for no time).
/// </remarks>
internal readonly struct EvolutionItem
{
    // What a status update may add to the status: then the status alone does not say which update it is.
    private static readonly string[] Additions = ["pollUpdates", "message", "update"];

    private readonly JsonElement _root;
    private readonly JsonElement _data;
    private readonly string _type;

    /// <summary>Reads nothing yet.</summary>
    /// <param name="root">The body, an object.</param>
    /// <param name="type">The event's type.</param>
    public EvolutionItem(JsonElement root, string type)
    {
        _root = root;
        _type = type;
        var data = Member(root, "data");
        _data = data.ValueKind == JsonValueKind.Array && data.GetArrayLength() == 1 ? data[0] : data;
    }

    /// <summary>The chat that it belongs to, as sent; null when it names none.</summary>
    public string? Chat => Jids(_data) ?? ChatOfAll();

    /// <summary>
    /// What tells it from everything else of its type: the message's key, for an update of a message with its status; null where only the
    /// whole content can.
    /// </summary>
    public string? Key => _type switch
    {
        "evolution.messages.upsert" or "evolution.send.message" when Member(_data, "key") is var key =>
            Joined(Text(key, "remoteJid"), Text(key, "id")),
        "evolution.message" or "evolution.sendmessage" when Member(_data, "Info") is var info =>
            Joined(Text(info, "Chat"), Text(info, "ID")) is { } name ? name + Edit(Text(info, "Edit")) : null,
        "evolution.messages.update" => UpdateKey(),
        _ => null,
    };

    /// <summary>When it happened by its own word, and where that stood; null when it does not say.</summary>
    public (DateTimeOffset At, string Source)? Time
    {
        get
        {
            var info = Member(_data, "Info");
            (JsonElement Value, string Source)[] candidates =
            [
                (Member(_data, "messageTimestamp"), "data.messageTimestamp"),
                (Member(info, "Timestamp"), "data.Info.Timestamp"),
                (Member(_data, "Timestamp"), "data.Timestamp"),
                (Member(_data, "timestampMs"), "data.timestampMs"),
                (Member(_data, "date"), "data.date"),
            ];
            foreach (var (value, source) in candidates)
            {
                if (value.ValueKind != JsonValueKind.Undefined && WireTime.Read(value) is { } time)
                    return (time, source);
            }
            return null;
        }
    }

    private string? UpdateKey()
    {
        var nested = Member(_data, "key");
        var key = nested.ValueKind == JsonValueKind.Object
            ? Joined(Text(nested, "remoteJid"), Text(nested, "id"))
            : Joined(Text(_data, "remoteJid"), Text(_data, "keyId"));
        if (key is null)
            return null;
        var who = Text(nested.ValueKind == JsonValueKind.Object ? nested : _data, "participant");
        var name = $"{key}|{who}|{Text(_data, "status")}";
        foreach (var addition in Additions)
        {
            if (Member(_data, addition) is { ValueKind: JsonValueKind.Object or JsonValueKind.Array } more)
                name += $"|{CanonicalJson.Hash(more)}";
        }
        return name;
    }

    // An edit or a revoke that a library gives under the id of the message it changes is another telling than the message.
    private string Edit(string? attribute) => attribute is null ? "" : $"|{attribute}|{CanonicalJson.Hash(Member(_data, "Message"))}";

    // A list of several items belongs to a chat when all of them do.
    private string? ChatOfAll()
    {
        if (_data.ValueKind != JsonValueKind.Array || _data.GetArrayLength() == 0)
            return null;
        var chat = Jids(_data[0]);
        foreach (var item in _data.EnumerateArray())
        {
            if (Jids(item) != chat)
                return null;
        }
        return chat;
    }

    private string? Jids(JsonElement item)
    {
        if (item.ValueKind != JsonValueKind.Object)
            return null;
        return Jid(Text(Member(item, "key"), "remoteJid"))
            ?? Jid(Text(Member(item, "Info"), "Chat"))
            ?? Jid(Text(item, "remoteJid"))
            ?? Jid(Text(item, "Chat"))
            ?? Jid(Text(item, "chatId"))
            // A person's "id" or "JID" names a contact, not a chat; of presences it is the chat's.
            ?? (Jid(Text(item, "id")) is { } id && (IsGroup(id) || _type == "evolution.presence.update") ? id : null)
            ?? (Jid(Text(item, "JID")) is { } jid && IsGroup(jid) ? jid : null);
    }

    private static string? Jid(string? text) => text?.Length <= Events.Jid.MaxLength && text.Contains('@', StringComparison.Ordinal) ? text : null;

    private static bool IsGroup(string jid) => Events.Jid.Parse(jid).IsGroup;

    private static string? Joined(string? chat, string? id) => chat is null || id is null ? null : $"{chat}|{id}";

    private static string? Text(JsonElement element, string name) => WebhookJson.Text(element, name);

    private static JsonElement Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;
}
