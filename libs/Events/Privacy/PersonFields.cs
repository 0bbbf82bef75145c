using System.Collections.Frozen;

namespace WhatsAppMesh.Events;

/// <summary>
/// What the names of fields say about a person, in any spelling (<c>push_name</c> and <c>PushName</c> are <c>pushName</c>). Seen in the types of
/// Baileys 6.7.24 and 7.0.0-rc13 (<c>src/Types</c>, <c>WAProto</c>), whatsmeow (<c>types</c>, <c>types/events</c>), WAHA 2026.1 and Evolution API 2.3.
/// </summary>
public static class PersonFields
{
    private const string Username = "username";

    // What somebody wrote, what they are called, how they look: of no use to anybody once they are gone.
    private static readonly FrozenSet<string> Contents = Set(
        // Messages, whole.
        "message", "rawMessage", "sourceWebMsg", "quotedMessage", "quotedMsg", "quotedStanza", "editedMessage", "msgContextInfo", "comment", "lastMessage", "lastMsg",
        // Words.
        "conversation", "text", "body", "caption", "content", "contents", "title", "description", "footer", "selectedDisplayText", "response", "selectedOptions",
        "selectedOptionHashes", "extraGuestCount", "pollName", "about", "aboutText", "bio", "note", "label", "email", "emails", "address", "birthday", "website",
        "websites", "attributes", "matchedText", "canonicalUrl",
        // Names.
        "pushName", "pushname", "notify", "notifyName", "name", "firstName", "lastName", "fullName", "shortName", "short", "businessName", "displayName",
        "formattedName", "verifiedName", "verifiedBizName", "contactName", "fromName", "senderName", "authorName", "participantName", "callerName", "ownerName",
        "creatorName", "publisher", "nickname", "vname", "redactedPhone", "localizedName", "vcard", "vcards",
        // Pictures and files.
        "imgUrl", "imageUrl", "profilePicture", "profilePictureUrl", "profilePicUrl", "profilePicThumb", "profilePicThumbObj", "picture", "pictureUrl", "avatar",
        "avatarUrl", "photo", "photoUrl", "thumbnail", "thumbnailUrl", "jpegThumbnail", "pngThumbnail", "eurl", "media", "mediaUrl", "mediaData", "base64", "url",
        "photoChange", "oldPhoto", "newPhoto", "liveLocation", "finalLiveLocation", "location", "latitude", "longitude", "degreesLatitude", "degreesLongitude",
        "paymentInfo", "quotedPaymentInfo", "commentMetadata", "keepInChat", "statusMentionMessageInfo");

    // Owners and authors of something else: what stands beside them is not about them, and what they quote is not theirs.
    private static readonly string[] Relations = ["owner", "setby", "creator", "quoted", "mentioned", "invoker", "target", "createdby"];

    // The words that stand for a person's state in messages, calls and jobs, where a contact has its "about" text under the same name.
    private static readonly FrozenSet<string> States = Set(
        "error", "pending", "sent", "delivered", "read", "played", "failed", "received", "offer", "accept", "accepted", "preaccept", "transport", "relaylatency",
        "reject", "rejected", "timeout", "terminate", "ringing", "created", "revoked", "open", "close", "connected", "connecting", "disconnected", "available",
        "unavailable", "composing", "recording", "paused", "success", "active", "inactive", "won", "lost", "new", "done", "queued");

    // Under what a person's ids stand beside the username of the same person, without "username" and the like.
    private static readonly FrozenSet<string> OwnIds = Set("id", "jid", "lid", "pn", "phone", "phoneNumber", "phoneJid", "number", "user", "userJid", "participant", "accountLid", "sender");

    // What a message answers: somebody else's.
    private static readonly FrozenSet<string> Quotes = Set(
        "contextInfo", "replyTo", "pollCreationMessageKey", "eventCreationMessageKey", "parentMessageKey", "originalMessageKey");

    private static readonly FrozenSet<string> Answers = Set(
        "reactionMessage", "encReactionMessage", "pollUpdateMessage", "protocolMessage", "keepInChatMessage", "pinInChatMessage", "commentMessage",
        "encCommentMessage", "eventResponseMessage", "encEventResponseMessage");

    private static readonly string[] Twins = ["", "jid", "pn", "lid", "alt", "phone", "phonenumber", "id"];

    /// <summary>A field's name without case and underscores.</summary>
    public static string Plain(string name) => name.Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>True for what is emptied when the object around it is the person's.</summary>
    public static bool IsContent(string name) => Contents.Contains(Plain(name));

    /// <summary>True for what is a text in a message, and all that was sent in a webhook.</summary>
    public static bool IsBody(string name) => Plain(name) is "body";

    /// <summary>True for a text that says how a contact feels, and is no state of a message, a call or a job.</summary>
    public static bool IsAbout(string name, string value) =>
        Plain(name) is "status" && !States.Contains(Plain(value)) && value.Any(static c => !char.IsAsciiLetterUpper(c) && c != '_');

    /// <summary>True for what is whatever its sender made of it: emptied with its owner, unless it speaks of others.</summary>
    public static bool IsEnvelope(string name) => Plain(name) is "data";

    /// <summary>True when the field names an owner, an author of something else or somebody quoted: that does not make the object theirs.</summary>
    public static bool IsRelation(string name)
    {
        var plain = Plain(name);
        return Array.Exists(Relations, relation => plain.Contains(relation, StringComparison.Ordinal));
    }

    /// <summary>True for what stands in somebody's message and speaks of another one's.</summary>
    public static bool IsQuote(string name) => Quotes.Contains(Plain(name));

    /// <summary>True for a message whose key is that of the message it answers.</summary>
    public static bool IsAnswer(string name) => Answers.Contains(Plain(name));

    /// <summary>True for a field that holds the other address of somebody who is named beside it: <c>participantAlt</c>, <c>senderPn</c>.</summary>
    public static bool IsTwin(string name)
    {
        var plain = Plain(name);
        return Array.Exists(["alt", "pn", "phonenumber"], end => plain.EndsWith(end, StringComparison.Ordinal));
    }

    /// <summary>True for a field that holds a username: <c>username</c>, <c>participantUsername</c>, <c>remote_jid_username</c> ...</summary>
    public static bool IsUsername(string name) => Plain(name).EndsWith(Username, StringComparison.Ordinal);

    /// <summary>True when one field holds an id of the person whose username stands in another: <c>ownerPn</c> and <c>ownerUsername</c>.</summary>
    public static bool AreTwins(string usernameField, string idField)
    {
        var (whose, id) = (Plain(usernameField)[..^Username.Length], Plain(idField));
        if (whose.Length == 0)
            return OwnIds.Contains(id);
        return id.StartsWith(whose, StringComparison.Ordinal) && Twins.Contains(id[whose.Length..]);
    }

    private static FrozenSet<string> Set(params string[] names) => names.Select(Plain).ToFrozenSet(StringComparer.Ordinal);
}
