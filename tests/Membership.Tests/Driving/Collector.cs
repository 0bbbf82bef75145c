using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf.WellKnownTypes;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Membership.Events;

namespace WhatsAppMesh.Membership.Tests.Driving;

/// <summary>Makes events as the lake would hand them on: each with the next position, received when the clock says.</summary>
public sealed class Collector(string tenant = "acme")
{
    public const string GroupJid = "120363000000000001@g.us";

    public static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private long _position;

    /// <summary>Name under which the next event is told.</summary>
    public string Name { get; set; } = "default";

    /// <summary>When the next event is received.</summary>
    public DateTimeOffset Clock { get; set; } = Noon;

    /// <summary>An event; <paramref name="occurredAt"/> null = it carries no time of its own.</summary>
    public CollectedEvent Event(string type, JsonNode payload, DateTimeOffset? occurredAt = null, string chat = GroupJid) => new()
    {
        Log = 1,
        Position = ++_position,
        Tenant = tenant,
        Source = EventOrigin.TellerOf(type) ?? Name,
        EventId = Guid.NewGuid().ToString(),
        Type = type,
        ChatJid = chat,
        OccurredAt = Timestamp.FromDateTimeOffset(occurredAt ?? Clock),
        OccurredAtSource = occurredAt is null ? "received_at" : "messageTimestamp",
        ReceivedAt = Timestamp.FromDateTimeOffset(Clock),
        PayloadJson = payload.ToJsonString(),
    };

    /// <summary>A snapshot of the roster; each person as <see cref="Person"/> writes it.</summary>
    public CollectedEvent Snapshot(params JsonNode[] people) => SnapshotOf(GroupJid, null, people);

    public CollectedEvent SnapshotOf(string group, DateTimeOffset? occurredAt, params JsonNode[] people) =>
        Event("groups.metadata", new JsonObject { ["id"] = group, ["participants"] = new JsonArray(people) }, occurredAt, group);

    /// <summary>group-participants.update, which carries no time.</summary>
    public CollectedEvent Update(string action, params JsonNode[] people) => UpdateOf(GroupJid, action, people);

    public CollectedEvent UpdateOf(string group, string action, params JsonNode[] people) =>
        Event("group-participants.update", new JsonObject { ["id"] = group, ["action"] = action, ["participants"] = new JsonArray(people) }, null, group);

    /// <summary>The stub inside messages.upsert, with the time that WhatsApp's server gave it.</summary>
    public CollectedEvent Stub(string type, DateTimeOffset at, params JsonNode[] people) => StubOf(GroupJid, type, at, people);

    public CollectedEvent StubOf(string group, string type, DateTimeOffset at, params JsonNode[] people) =>
        Event("messages.upsert", new JsonObject
        {
            ["key"] = new JsonObject { ["remoteJid"] = group, ["id"] = "S1" },
            ["messageTimestamp"] = at.ToUnixTimeSeconds(),
            ["messageStubType"] = type,
            ["messageStubParameters"] = new JsonArray([.. people.Select(static person => (JsonNode)person.ToJsonString())]),
        }, at, group);

    /// <summary>The stub of a change of a group's field.</summary>
    public CollectedEvent FieldStubOf(string group, string type, DateTimeOffset at, params string[] parameters) =>
        Event("messages.upsert", new JsonObject
        {
            ["key"] = new JsonObject { ["remoteJid"] = group, ["id"] = "S2" },
            ["messageTimestamp"] = at.ToUnixTimeSeconds(),
            ["messageStubType"] = type,
            ["messageStubParameters"] = new JsonArray([.. parameters.Select(static text => (JsonNode)text)]),
        }, at, group);

    /// <summary>The stub of a changed number: the old phone sends it, the parameter is the new one.</summary>
    public CollectedEvent ChangedNumber(DateTimeOffset at, string oldPhone, string newPhone, string group = GroupJid) =>
        Event("messages.upsert", new JsonObject
        {
            ["key"] = new JsonObject { ["remoteJid"] = group, ["id"] = "S1", ["participant"] = oldPhone },
            ["messageTimestamp"] = at.ToUnixTimeSeconds(),
            ["messageStubType"] = 33,
            ["messageStubParameters"] = new JsonArray(newPhone),
            ["participant"] = oldPhone,
        }, at, group);

    /// <summary>The update beside that stub, which carries no time.</summary>
    public CollectedEvent Modified(string oldPhone, string newPhone, string group = GroupJid) =>
        Event("group-participants.update", new JsonObject
        {
            ["id"] = group,
            ["author"] = oldPhone,
            ["participants"] = new JsonArray(newPhone),
            ["action"] = "modify",
        }, null, group);

    /// <summary>The address book says that somebody has no username any more.</summary>
    public CollectedEvent Nameless(DateTimeOffset at, string jid) =>
        Event("contacts.update", new JsonObject { ["id"] = jid, ["username"] = null }, at, jid);

    /// <summary>A text message of somebody, with their username.</summary>
    public CollectedEvent MessageOf(DateTimeOffset at, string sender, string username, string? alt = null)
    {
        var message = Message(at, sender, alt);
        var payload = JsonNode.Parse(message.PayloadJson)!;
        payload["key"]!["participantUsername"] = username;
        message.PayloadJson = payload.ToJsonString();
        return message;
    }

    /// <summary>A text message of somebody.</summary>
    public CollectedEvent Message(DateTimeOffset at, string sender, string? alt = null, string? pushName = null) =>
        Event("messages.upsert", new JsonObject
        {
            ["key"] = new JsonObject { ["remoteJid"] = GroupJid, ["id"] = "M1", ["participant"] = sender, ["participantAlt"] = alt },
            ["messageTimestamp"] = at.ToUnixTimeSeconds(),
            ["pushName"] = pushName,
            ["message"] = new JsonObject { ["conversation"] = "hi" },
        }, at);

    /// <summary>One of the design's sample events.</summary>
    public CollectedEvent Sample(string file)
    {
        using var sample = JsonDocument.Parse(File.ReadAllText(Samples.Path(file)));
        var chat = sample.RootElement.GetProperty("chat_jid").GetString()!;
        var payload = sample.RootElement.GetProperty("payload");
        var at = payload.TryGetProperty("messageTimestamp", out var time) ? WhatsAppMesh.Events.WireTime.Read(time) : null;
        return Event(sample.RootElement.GetProperty("type").GetString()!, JsonNode.Parse(payload.GetRawText())!, at, chat);
    }

    public static string Lid(int number) => $"99900000000{number:D4}@lid";

    public static string Phone(int number) => $"1202555{number:D4}@s.whatsapp.net";

    /// <summary>A person by LID with an optional phone, or by phone with an optional LID.</summary>
    public static JsonObject Person(string id, string? other = null, string? admin = null) => new()
    {
        ["id"] = id,
        [id.EndsWith("@lid", StringComparison.Ordinal) ? "phoneNumber" : "lid"] = other,
        ["admin"] = admin,
    };
}
