using System.Text.Json;

namespace WhatsAppMesh.Events.Tests;

/// <summary>
/// A person in every field that can hold one. Names from Baileys 7.0.0-rc13 (src/Types, WAProto/WAProto.proto) and what 6.7.24 has besides,
/// whatsmeow of May 2026 (types, types/events), WAHA 2026.1 and Evolution API 2.3 as their payloads show them.
/// </summary>
public static class PersonSamples
{
    public const string Tenant = "acme";
    public const string Lid = "999000000000003@lid";
    public const string Phone = "12025550103@s.whatsapp.net";
    public const string Username = "ana.souza_7";
    public const string OtherLid = "999000000000004@lid";
    public const string OtherPhone = "12025550104@s.whatsapp.net";
    public const string Group = "120363000000000001@g.us";
    public const string Secret = "secret of the person";
    public const string Name = "Ana Quelque";

    /// <summary>Matches what must be gone, in whatever spelling and escaping.</summary>
    public const string Gone = @"999000000000003|1[ ().\u00a0\u2011-]*2[ ().\u00a0\u2011-]*0[ ().\u00a0\u2011-]*2[ ().\u00a0\u2011-]*5[ ().\u00a0\u2011-]*5[ ().\u00a0\u2011-]*5[ ().\u00a0\u2011-]*0[ ().\u00a0\u2011-]*1[ ().\u00a0\u2011-]*0[ ().\u00a0\u2011-]*3(?![0-9])|(?i:ana\.souza_7)|secret of the person|Ana Quelque";

    /// <summary>Fields that hold an address of the person.</summary>
    public static readonly string[] AddressFields =
    [
        // Baileys 7: src/Types.
        "id", "lid", "phoneNumber", "jid", "remoteJid", "remoteJidAlt", "participant", "participantAlt", "participantPn", "participantLid", "author", "authorPn",
        "owner", "ownerPn", "ownerJid", "subjectOwner", "subjectOwnerPn", "descOwner", "descOwnerPn", "userJid", "from", "callerPn", "chatId", "groupOwner", "authorJid",
        "businessOwnerJid", "pn", "creator", "caller_pn", "creator_pn", "participant_pn", "recipient_pn", "sender_pn", "sender_lid", "peer_recipient_lid",
        // Baileys 6.7.
        "senderPn", "senderLid", "recipientAlt", "senderAlt", "subjectOwnerJid",
        // WAProto.
        "accountLid", "bizJid", "botJid", "botMessageInvokerJid", "callCreatorJid", "channelJid", "chatJid", "consumerLid", "consumerPhoneNumber", "createdBy",
        "deliveredDeviceJid", "destinationJid", "deviceJid", "initiatorDeviceJid", "invokerJid", "lidJid", "newJid", "oldJid", "originalSelfAuthorUserJidString",
        "peerJid", "pendingDeviceJid", "phone", "pnJid", "receiverJid", "requestFrom", "sellerJid", "whatsappAcctNumber", "historyReceivers",
        // whatsmeow, as Go writes its structs.
        "JID", "LID", "PN", "Chat", "Sender", "SenderAlt", "RecipientAlt", "SenderPN", "BroadcastListOwner", "CallCreator", "CallCreatorAlt", "ChatID", "ChatJID", "From",
        "ID", "JIDAlt", "MessageSender", "NameSetBy", "NameSetByPN", "OwnerJID", "OwnerPN", "PhoneNumber", "SenderID", "SenderJID", "TargetChat", "TargetSender",
        "ThreadMessageSenderJID", "TopicSetBy", "TopicSetByPN", "Author", "RedactedPhone",
        // WAHA and Evolution.
        "to", "number", "wuid", "ownerPhone", "instanceOwner", "sender", "remoteJidPn", "keyRemoteJid", "destination",
    ];

    /// <summary>Fields that hold the person's username, with the field of their id that stands beside it.</summary>
    public static readonly (string Username, string Id)[] UsernameFields =
    [
        ("username", "id"), ("participantUsername", "participant"), ("remoteJidUsername", "remoteJid"), ("ownerUsername", "ownerPn"), ("authorUsername", "author"),
        ("subjectOwnerUsername", "subjectOwner"), ("descOwnerUsername", "descOwnerPn"), ("participant_username", "participant_pn"),
        ("creator_username", "creator_pn"), ("recipient_username", "recipient_pn"), ("Username", "JID"), ("senderUsername", "senderPn"), ("callerUsername", "callerPn"),
    ];

    /// <summary>Fields of the person's own objects that say what they are called, what they wrote, how they look.</summary>
    public static readonly string[] ContentFields =
    [
        "pushName", "notify", "name", "verifiedName", "verifiedBizName", "imgUrl", "status", "about", "displayName", "vcard", "label", "pushname", "shortName",
        "firstName", "fullName", "PushName", "BusinessName", "FullName", "FirstName", "VerifiedName", "Status", "profilePictureUrl", "profilePicUrl", "jpegThumbnail",
        "profilePicThumb", "notifyName", "caption", "body", "text", "conversation", "title", "description", "email", "address", "contactName", "nickname", "creatorName",
        "authorName", "publisher", "formattedName", "message", "Message", "RawMessage", "editedMessage",
    ];

    /// <summary>Whole events, in their engines' words.</summary>
    public static IEnumerable<string> All()
    {
        foreach (var field in AddressFields)
        {
            yield return Json(new Dictionary<string, object> { [field] = Phone });
            yield return Json(new Dictionary<string, object> { ["deep"] = new object[] { new Dictionary<string, object> { [field] = Lid } } });
            yield return Json(new { messageStubType = 27, messageStubParameters = new[] { Json(new Dictionary<string, object> { [field] = Lid, ["inner"] = Json(new { id = Phone }) }) } });
        }
        foreach (var (username, id) in UsernameFields)
        {
            yield return Json(new Dictionary<string, object> { [username] = Username, [id] = Phone });
            yield return Json(new { messageStubType = "GROUP_PARTICIPANT_ADD", messageStubParameters = new[] { Json(new Dictionary<string, object> { [username] = Username, [id] = Lid }) } });
            yield return Json(new Dictionary<string, object> { [username] = "Ana.Souza_7" });
        }
        foreach (var field in ContentFields)
        {
            yield return Json(new Dictionary<string, object> { ["id"] = Phone, [field] = Secret });
            yield return Json(new { messages = new[] { new Dictionary<string, object> { ["key"] = new { remoteJid = Group, participant = Lid }, ["update"] = new Dictionary<string, object> { [field] = Secret } } } });
        }
        foreach (var payload in Engines)
            yield return payload;
    }

    // What somebody says in their own words, in the shapes of the engines.
    private static readonly string[] Engines =
    [
        $$$$"""[{"key":{"remoteJid":"{{{{Group}}}}","participant":"{{{{Lid}}}}"},"update":{"message":{"editedMessage":{"message":{"conversation":"{{{{Secret}}}}"} } } } }]""",
        $$$$"""{"key":{"remoteJid":"{{{{Group}}}}","participant":"{{{{OtherLid}}}}"},"message":{"eventMessage":{"name":"lunch"} },"eventResponses":[{"eventResponseMessageKey":{"participant":"{{{{Lid}}}}"},"timestampMs":"1717243200000","eventResponseMessage":{"response":"{{{{Secret}}}}","extraGuestCount":2} }]}""",
        $$$$"""{"key":{"remoteJid":"{{{{Group}}}}","participant":"{{{{OtherLid}}}}"},"pollUpdates":[{"pollUpdateMessageKey":{"participant":"{{{{Lid}}}}"},"vote":{"selectedOptions":["{{{{Secret}}}}"]} }]}""",
        $$$$"""{"key":{"remoteJid":"{{{{Group}}}}","participant":"{{{{OtherLid}}}}"},"pushName":"Bia","message":{"contactMessage":{"displayName":"{{{{Name}}}}","vcard":"BEGIN:VCARD\nVERSION:3.0\nFN:{{{{Name}}}}\nTEL;waid=12025550103:+1 202-555-0103\nEND:VCARD"} } }""",
        $$$$"""{"key":{"remoteJid":"{{{{Group}}}}","participant":"{{{{OtherLid}}}}"},"message":{"contactsArrayMessage":{"displayName":"2","contacts":[{"displayName":"{{{{Name}}}}","vcard":"BEGIN:VCARD\nFN:{{{{Name}}}}\nTEL:+1 (202) 555-0103\nEND:VCARD"}]} } }""",
        $$$$"""{"key":{"remoteJid":"{{{{Group}}}}","participant":"{{{{OtherLid}}}}"},"message":{"extendedTextMessage":{"text":"call +1\u00a0202\u2011555\u20110103, 0012025550103, 1.202.555.0103 or @ana.souza_7\n12025550103","contextInfo":{"mentionedJid":["{{{{Lid}}}}"],"participant":"{{{{Lid}}}}","quotedMessage":{"conversation":"{{{{Secret}}}}"} } } } }""",
        $$$$"""{"id":"{{{{Group}}}}","subject":"@ana.souza_7 and +1 202 555 0103","desc":"ask 1-202-555-0103","descOwner":"{{{{Lid}}}}","participants":["{{{{Lid}}}}",{"id":"{{{{Lid}}}}","name":"{{{{Name}}}}","username":"{{{{Username}}}}"}]}""",
        $$$$"""{"Info":{"Chat":"{{{{Group}}}}","Sender":"999000000000003:4@lid","SenderAlt":"{{{{Phone}}}}","PushName":"{{{{Name}}}}","VerifiedName":{"Details":{"verifiedName":"{{{{Name}}}}"} } },"Message":{"conversation":"{{{{Secret}}}}"},"RawMessage":{"conversation":"{{{{Secret}}}}"} }""",
        $$$$"""{"{{{{Lid}}}}":{"VerifiedName":"{{{{Name}}}}","Status":"{{{{Secret}}}}","PictureID":"1"} }""",
        $$$$"""{"event":"message","me":{"id":"{{{{OtherPhone}}}}","pushName":"Bia"},"payload":{"id":"false_{{{{Group}}}}_3EB0_12025550103@c.us","from":"{{{{Group}}}}","participant":"12025550103@c.us","body":"{{{{Secret}}}}","vCards":["BEGIN:VCARD\nTEL:12025550103"],"_data":{"key":{"participant":"{{{{Lid}}}}"},"pushName":"{{{{Name}}}}","message":{"conversation":"{{{{Secret}}}}"} } } }""",
        $$$$"""{"event":"message","payload":{"from":"{{{{Group}}}}","participant":"{{{{OtherPhone}}}}","body":"mine","replyTo":{"id":"1","participant":"12025550103@c.us","body":"{{{{Secret}}}}"},"_data":{"body":"mine","author":"{{{{OtherPhone}}}}","quotedParticipant":"{{{{Phone}}}}","quotedMsg":{"body":"{{{{Secret}}}}"} } } }""",
        $$$$"""{"event":"messages.upsert","instance":"i","sender":"{{{{OtherPhone}}}}","data":{"key":{"remoteJid":"{{{{Phone}}}}"},"pushName":"{{{{Name}}}}","message":{"conversation":"{{{{Secret}}}}"} } }""",
        $$$$"""{"event":"group-participants.update","data":{"id":"{{{{Group}}}}","action":"add","participantsData":[{"jid":"{{{{Lid}}}}","phoneNumber":"{{{{Phone}}}}","name":"{{{{Name}}}}","imgUrl":"https://example.org/{{{{Secret}}}}"}]} }""",
        $$$$"""{"lead_id":"7","body":{"stage_id":"won","lead":{"name":"{{{{Name}}}}"},"contact":{"phone":1.2025550103E10},"attributes":{"note":"{{{{Secret}}}}"} } }""",
        """{"phone":"\u0031\u0032025550103"}""",
    ];

    private static string Json(object value) => JsonSerializer.Serialize(value);
}
