using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>What the door of Evolution API and Evolution Go makes of a request; it is pure.</summary>
public class EvolutionDoorTests
{
    private static readonly DateTimeOffset ReceivedAt = new(2026, 6, 1, 13, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("messages.upsert", null, "evolution.messages.upsert")]
    [InlineData("MESSAGES_UPSERT", null, "evolution.messages.upsert")]
    [InlineData(" Messages.Upsert ", null, "evolution.messages.upsert")]
    [InlineData(null, "messages-upsert", "evolution.messages.upsert")]
    [InlineData("group-participants.update", null, "evolution.group-participants.update")]
    [InlineData("GROUP_PARTICIPANTS_UPDATE", null, "evolution.group-participants.update")]
    [InlineData(null, "group-participants-update", "evolution.group-participants.update")]
    [InlineData("TYPEBOT_CHANGE_STATUS", null, "evolution.typebot.change-status")]
    [InlineData("send.message.update", "messages-upsert", "evolution.send.message.update")]
    [InlineData("call", null, "evolution.call")]
    [InlineData("NEW_THING.UPDATE", null, "evolution.new.thing.update")]
    [InlineData(null, "new-thing-update", "evolution.new.thing.update")]
    [InlineData("Message", null, "evolution.message")]
    [InlineData("GroupInfo", null, "evolution.groupinfo")]
    [InlineData("JoinedGroup", null, "evolution.joinedgroup")]
    [InlineData("SendMessage", null, "evolution.sendmessage")]
    [InlineData(null, null, "evolution.unknown")]
    [InlineData("", null, "evolution.unknown")]
    [InlineData("long", null, "evolution.unknown")]
    public void One_event_has_one_type_however_its_name_is_spelt(string? name, string? path, string type)
    {
        var body = name is null ? """{"data":{}}""" : $$$"""{"event":"{{{(name == "long" ? new string('a', 91) : name)}}}","data":{}}""";
        Assert.Equal(type, Single(body, path).Type);
    }

    [Fact]
    public void Every_name_of_evolution_api_is_one_type_in_its_three_spellings()
    {
        // Events of Evolution API 2.3.6 (src/api/types/wa.types.ts).
        string[] names =
        [
            "application.startup", "instance.create", "instance.delete", "qrcode.updated", "connection.update", "status.instance", "messages.set",
            "messages.upsert", "messages.edited", "messages.update", "messages.delete", "send.message", "send.message.update", "contacts.set",
            "contacts.upsert", "contacts.update", "presence.update", "chats.set", "chats.update", "chats.upsert", "chats.delete", "groups.upsert",
            "groups.update", "group-participants.update", "call", "typebot.start", "typebot.change-status", "labels.edit", "labels.association",
            "creds.update", "messaging-history.set", "remove.instance", "logout.instance",
            "group.join-request", "group.member-tag.update", "lid-mapping.update", "message-receipt.update",
        ];
        Assert.All(names, static name =>
        {
            var upper = name.Replace('.', '_').Replace('-', '_').ToUpperInvariant();
            var path = upper.Replace('_', '-').ToLowerInvariant();
            Assert.All([name, upper, path], spelling => Assert.Equal("evolution." + name, EvolutionNames.TypeOf(spelling)));
        });
    }

    [Theory]
    [InlineData(
        "57_evolution_api_messages_upsert.json", "evolution.messages.upsert",
        "evolution|acme|loja-1|evolution.messages.upsert|999000000000009@lid|3EB0EVO00000000000001",
        "999000000000009@lid", "2024-06-01T12:00:00Z", "data.messageTimestamp")]
    [InlineData(
        "58_evolution_go_message.json", "evolution.message",
        "evolution|acme|00000000-0000-4000-8000-000000000002|evolution.message|120363000000000001@g.us|3EB0EGO00000000000001",
        "120363000000000001@g.us", "2024-06-01T12:00:00Z", "data.Info.Timestamp")]
    [InlineData(
        "63_whatsmeow_group_info_join_by_link.json", "evolution.groupinfo",
        null,
        "120363000000000001@g.us", "2026-06-01T12:01:00Z", "data.Timestamp")]
    [InlineData(
        "65_whatsmeow_group_info_topic_deleted_timer_off.json", "evolution.groupinfo",
        null,
        "120363000000000001@g.us", "2026-06-01T12:03:00Z", "data.Timestamp")]
    [InlineData(
        "66_whatsmeow_joined_group.json", "evolution.joinedgroup",
        null,
        "120363000000000001@g.us", "2026-06-01T13:00:00Z", "received_at")]
    [InlineData(
        "67_whatsmeow_message_reply_from_a_linked_device.json", "evolution.message",
        "evolution|acme|00000000-0000-4000-8000-000000000002|evolution.message|120363000000000001@g.us|3EB0WM0000000000000067",
        "120363000000000001@g.us", "2026-06-01T12:00:00Z", "data.Info.Timestamp")]
    [InlineData(
        "68_whatsmeow_message_image.json", "evolution.message",
        "evolution|acme|00000000-0000-4000-8000-000000000002|evolution.message|120363000000000001@g.us|3EB0WM0000000000000068",
        "120363000000000001@g.us", "2026-06-01T12:00:00Z", "data.Info.Timestamp")]
    [InlineData(
        "69_whatsmeow_message_revoke.json", "evolution.message",
        null,
        "120363000000000001@g.us", "2026-06-01T12:00:00Z", "data.Info.Timestamp")]
    [InlineData(
        "70_whatsmeow_receipt_delivered_and_group.json", "evolution.receipt",
        null,
        "120363000000000001@g.us", "2026-06-01T12:04:00Z", "data.Timestamp")]
    public void Sample_becomes_an_event_with_its_own_time_chat_and_id(string file, string type, string? name, string chat, string at, string source)
    {
        var body = File.ReadAllText(SharedFiles.Payload(file));
        var item = Single(body);
        Assert.Equal((type, chat, new Occurrence(DateTimeOffset.Parse(at, null), source)), (item.Type, item.ChatJid, item.Occurred));
        if (name is not null)
            Assert.Equal(DerivedId.Of(name), item.EventId);
        Assert.Equal(item.EventId, Single(Reordered(body)).EventId);
        Assert.DoesNotContain("REDACTED-SAMPLE", Text(item), StringComparison.Ordinal);
        var kept = JsonNode.Parse(body)!.AsObject();
        kept.Remove("apikey");
        kept.Remove("instanceToken");
        Assert.True(JsonNode.DeepEquals(kept, JsonNode.Parse(Text(item))));
    }

    [Fact]
    public void Groups_and_their_members_name_their_chat()
    {
        Assert.Equal("1@g.us", Single("""{"event":"group-participants.update","data":{"id":"1@g.us","participants":["2@lid"]}}""").ChatJid);
        Assert.Equal("1@g.us", Single("""{"event":"groups.update","data":[{"id":"1@g.us","subject":"a"}]}""").ChatJid);
        Assert.Equal("1@g.us", Single("""{"event":"groups.update","data":[{"id":"1@g.us"},{"id":"1@g.us"}]}""").ChatJid);
        Assert.Null(Single("""{"event":"groups.upsert","data":[{"id":"1@g.us"},{"id":"2@g.us"}]}""").ChatJid);
        Assert.Equal("3@lid", Single("""{"event":"messages.update","data":{"keyId":"a","remoteJid":"3@lid","status":"READ"}}""").ChatJid);
        Assert.Equal("4@lid", Single("""{"event":"presence.update","data":{"id":"4@lid","presences":{}}}""").ChatJid);
        Assert.Null(Single("""{"event":"Contact","data":{"JID":"12025550101@s.whatsapp.net"}}""").ChatJid);
        Assert.Null(Single($$"""{"event":"groups.update","data":[{"id":"{{new string('1', 255)}}@g.us"}]}""").ChatJid);
        Assert.Null(Single("""{"event":"connection.update","data":{"instance":"a","state":"open"}}""").ChatJid);
    }

    [Fact]
    public void Message_told_again_is_the_same_event_and_the_same_body()
    {
        const string First = """
            {"event":"messages.upsert","instance":"a","date_time":"2026-06-01T09:00:01.000Z","destination":"https://a.example",
             "data":{"key":{"remoteJid":"1@g.us","id":"M1"},"message":{"conversation":"Oi"},"messageTimestamp":1780315200}}
            """;
        const string Again = """
            {"date_time":"2026-06-01T09:05:00.000Z","sender":"1@s.whatsapp.net","instance":"a","event":"MESSAGES_UPSERT",
             "data":{"messageTimestamp":1780315200,"key":{"id":"M1","remoteJid":"1@g.us"},"message":{"conversation":"Oi"}}}
            """;
        Assert.Equal((Single(First).EventId, Single(First).Key), (Single(Again).EventId, Single(Again).Key));

        // The text behind a placeholder is a new revision of the same message.
        var text = Single(First.Replace("""{"conversation":"Oi"}""", "null", StringComparison.Ordinal));
        Assert.Equal(Single(First).EventId, text.EventId);
        Assert.NotEqual(Single(First).Key, text.Key);
    }

    [Theory]
    [InlineData("\"instance\":\"a\"", "\"instance\":\"b\"")]
    [InlineData("\"id\":\"M1\"", "\"id\":\"M2\"")]
    [InlineData("\"remoteJid\":\"1@g.us\"", "\"remoteJid\":\"2@g.us\"")]
    [InlineData("messages.upsert", "send.message")]
    public void Another_instance_event_chat_or_message_is_another_event(string part, string other)
    {
        const string Body = """{"event":"messages.upsert","instance":"a","data":{"key":{"remoteJid":"1@g.us","id":"M1"}}}""";
        Assert.NotEqual(Single(Body).EventId, Single(Body.Replace(part, other, StringComparison.Ordinal)).EventId);
    }

    [Fact]
    public void Status_updates_of_one_message_are_events_of_their_own()
    {
        static string Update(string rest) => $$$"""
            {"event":"messages.update","instance":"a","date_time":"2026-06-01T09:00:01.000Z",
             "data":{"keyId":"M1","remoteJid":"1@g.us","fromMe":true,{{{rest}}}}}
            """;
        string[] updates =
        [
            Update("\"status\":\"SERVER_ACK\""), Update("\"status\":\"DELIVERY_ACK\""), Update("\"status\":\"READ\""),
            Update("\"participant\":\"2@lid\",\"status\":\"READ\""), Update("\"participant\":\"3@lid\",\"status\":\"READ\""),
            Update("\"status\":\"DELETED\",\"pollUpdates\":[{\"name\":\"x\",\"voters\":[\"2@lid\"]}]"),
            Update("\"status\":\"DELETED\",\"pollUpdates\":[{\"name\":\"x\",\"voters\":[\"2@lid\",\"3@lid\"]}]"),
        ];
        Assert.Equal(updates.Length, updates.Select(static body => Single(body).EventId).Distinct().Count());
        var again = updates[2].Replace("09:00:01", "09:00:31", StringComparison.Ordinal);
        again = again.Replace("\"fromMe\":true", "\"messageId\":\"row-7\"", StringComparison.Ordinal);
        Assert.Equal(Single(updates[2]).EventId, Single(again).EventId);
    }

    [Fact]
    public void Edits_and_receipts_told_under_a_messages_id_are_events_of_their_own()
    {
        var message = File.ReadAllText(SharedFiles.Payload("67_whatsmeow_message_reply_from_a_linked_device.json"));
        var edit = message.Replace("\"Edit\": \"\"", "\"Edit\": \"1\"", StringComparison.Ordinal);
        var second = edit.Replace("Sim!", "Talvez", StringComparison.Ordinal);
        Assert.Equal(3, new[] { message, edit, second }.Select(static body => Single(body).EventId).Distinct().Count());
        var receipt = File.ReadAllText(SharedFiles.Payload("70_whatsmeow_receipt_delivered_and_group.json"));
        Assert.NotEqual(Single(receipt).EventId, Single(receipt.Replace("\"Type\": \"\"", "\"Type\": \"read\"", StringComparison.Ordinal)).EventId);
    }

    [Fact]
    public void Change_without_a_time_told_at_two_moments_is_two_observations_and_a_retry_is_none()
    {
        static NewEvent At(string time) => Single($$"""
            {"event":"group-participants.update","data":{"id":"1@g.us","participants":["2@lid"],"action":"add"},"date_time":"{{time}}"}
            """);
        var (first, retry, later) = (At("2026-06-01T10:00:00.000Z"), At("2026-06-01T10:00:00.000Z"), At("2026-06-01T10:40:00.000Z"));
        Assert.Null(first.Key.Observation);
        Assert.Equal((first.EventId, first.Key), (retry.EventId, retry.Key));
        Assert.Equal(first.EventId, later.EventId);
        Assert.NotEqual(first.Key, later.Key);

        // Evolution Go writes no time at all beside some of whatsmeow's structs.
        var connected = """{"event":"Connected","data":{"status":"open"},"instanceId":"i"}""";
        var (now, soon) = (Single(connected), Single(connected, receivedAt: ReceivedAt.AddHours(1)));
        Assert.NotNull(now.Key.Observation);
        Assert.Equal((now.EventId, now.Key.Observation), (soon.EventId, soon.Key.Observation));
        Assert.NotEqual(now.Key.Hash, soon.Key.Hash);
    }

    [Theory]
    [InlineData("[]", "body")]
    [InlineData("null", "body")]
    [InlineData("nonsense", "body")]
    [InlineData("", "body")]
    [InlineData("""{"data":{},"data":{}}""", "data")]
    [InlineData("""{"event":"a","ev\u0065nt":"b","apikey":"x","apikey":"y"}""", "event,apikey")]
    public void What_is_no_event_of_evolution_is_refused_for_good(string body, string fields)
    {
        var refusal = Read(body).Refusal!;
        Assert.Equal((422, "invalid_body", fields), (refusal.Status, refusal.Code, string.Join(',', refusal.Errors!.Keys)));
    }

    // Members of one object in the opposite order, everywhere.
    private static string Reordered(string json)
    {
        return Turn(JsonNode.Parse(json)!).ToJsonString();

        static JsonNode Turn(JsonNode node) => node switch
        {
            JsonObject members => new JsonObject(members.Reverse().Select(static member =>
                KeyValuePair.Create(member.Key, member.Value is { } value ? Turn(value) : null))),
            JsonArray items => new JsonArray([.. items.Select(static item => item is null ? null : Turn(item))]),
            _ => node.DeepClone(),
        };
    }

    private static NewEvent Single(string body, string? path = null, DateTimeOffset? receivedAt = null) =>
        Assert.Single(Read(body, path, receivedAt).Events);

    private static DoorReading Read(string body, string? path = null, DateTimeOffset? receivedAt = null) =>
        EvolutionDoor.Instance.Read(
            new DoorRequest("acme", "evolution:loja", null, path, null, Encoding.UTF8.GetBytes(body), receivedAt ?? ReceivedAt, null));

    private static string Text(NewEvent item) => Encoding.UTF8.GetString(item.Payload.Span);
}
