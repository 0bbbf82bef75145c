using System.Text.Json;
using WhatsAppMesh.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events.People;

/// <summary>
/// The one table of names under which libraries write a person: by LID, by phone, or by both, in fields that stand side by side. Every
/// reader takes people from here, so that a name that one of them knows is known to all. Which library writes which name: docs/formats.md.
/// </summary>
/// <param name="Jids">Fields that hold a JID of the person; of two LIDs or two phones the first counts.</param>
/// <param name="Username">Field that holds the person's username; null when no library writes one there.</param>
public sealed record PersonNames(string[] Jids, string? Username = null)
{
    /// <summary>An object about one person: a participant, a contact, a mapping, a receipt.</summary>
    public static readonly PersonNames Row = new(
        [
            "id", "jid", "JID", "JIDAlt", "userJid", "remoteJid", "lid", "LID", "lidJid", "accountLid",
            "phoneNumber", "PhoneNumber", "phone_number", "pn", "PN", "pnJid",
        ],
        "username");

    /// <summary>Who sent a message in a group, in its key or beside it; and whom a request or a label is about.</summary>
    public static readonly PersonNames Sender =
        new(["participant", "participantAlt", "participantPn", "participantLid", "senderPn", "senderLid"], "participantUsername");

    /// <summary>The other side of a direct chat, in the key of a message that came from there.</summary>
    public static readonly PersonNames Chat = new(["remoteJid", "remoteJidAlt", "senderPn", "senderLid", "from"], "remoteJidUsername");

    /// <summary>Owner of a group.</summary>
    public static readonly PersonNames Owner =
        new(["owner", "ownerPn", "ownerAlt", "ownerLid", "ownerJid", "OwnerJID", "OwnerPN"], "ownerUsername");

    /// <summary>Who gave a group its name.</summary>
    public static readonly PersonNames SubjectOwner = new(
        ["subjectOwner", "subjectOwnerPn", "subjectOwnerAlt", "subjectOwnerLid", "subjectOwnerJid", "NameSetBy", "NameSetByPN"], "subjectOwnerUsername");

    /// <summary>Who wrote a group's description.</summary>
    public static readonly PersonNames DescriptionOwner = new(
        ["descOwner", "descOwnerPn", "descOwnerAlt", "descOwnerLid", "descOwnerJid", "TopicSetBy", "TopicSetByPN"], "descOwnerUsername");

    /// <summary>Who made a change.</summary>
    public static readonly PersonNames Author = new(["author", "authorPn", "authorAlt", "authorLid", "authorJid"], "authorUsername");

    /// <summary>Who calls.</summary>
    public static readonly PersonNames Caller =
        new(["from", "callerPn", "callerLid", "callerAlt", "From", "CallCreator", "CallCreatorAlt"], "callerUsername");

    /// <summary>Who wrote, read or changed something, as whatsmeow has it.</summary>
    public static readonly PersonNames GoSender = new(["Sender", "SenderAlt", "SenderPN", "SenderLID"]);

    /// <summary>Who asks to come in, as WAHA has it.</summary>
    public static readonly PersonNames Requester = new(["requesterId", "requesterPn"]);

    // These hold phones, so digits without a server are one.
    private static readonly string[] PhoneFields = ["phoneNumber", "PhoneNumber", "phone_number", "pn", "PN"];

    /// <summary>The whole table.</summary>
    public static IReadOnlyList<PersonNames> All { get; } =
        [Row, Sender, Chat, Owner, SubjectOwner, DescriptionOwner, Author, Caller, GoSender, Requester];

    /// <summary>The person whom the fields name, by as many of the two JIDs as there are; false when they name none.</summary>
    public bool TryRead(JsonElement item, out Entry person, MemberRole role = MemberRole.Member)
    {
        Jid lid = default, phone = default;
        foreach (var name in Jids)
        {
            var jid = Wire.Jid(item, name);
            if (!jid.IsPerson)
                continue;
            if (jid.IsLid && lid.IsEmpty)
                lid = jid;
            if (jid.IsPhone && phone.IsEmpty)
                phone = jid;
        }
        if (phone.IsEmpty)
            phone = BarePhone(item, lid);
        person = new Entry(lid.IsEmpty ? null : lid.Value, phone.IsEmpty ? null : phone.Value, role);
        return !lid.IsEmpty || !phone.IsEmpty;
    }

    /// <summary>True when the fields name somebody who is no person: a bot, or WhatsApp itself.</summary>
    public bool NamesMachine(JsonElement item) => Array.Exists(Jids, name => Wire.Jid(item, name).IsMachine);

    /// <summary>Adds what the fields tell about who is who: the two JIDs and the username. Nobody need have done anything for that.</summary>
    public void Learn(ObservedEvent source, JsonElement item, Observations into)
    {
        if (!TryRead(item, out var person))
            return;
        into.AddPair(source, person);
        LearnUsername(source, item, person, into);
    }

    /// <summary>Adds the username of a person who was read from the item.</summary>
    public void LearnUsername(ObservedEvent source, JsonElement item, Entry person, Observations into)
    {
        if (Username is not null && Wire.Text(item, Username)?.Trim().TrimStart('@') is { Length: > 0 } username)
            into.Usernames.Add(new UsernameSeen(new PersonKey(source.Tenant, person.Jid), username, source.OrderAt));
    }

    // Evolution writes the digits of the LID where it knows no phone: those are no number.
    private Jid BarePhone(JsonElement item, Jid lid)
    {
        foreach (var name in PhoneFields.Intersect(Jids))
        {
            var digits = Wire.Text(item, name);
            if (digits is { Length: >= 8 and <= 15 } && !digits.Contains('@') && !lid.User.SequenceEqual(digits)
                && Jid.Parse($"{digits}@s.whatsapp.net") is { IsPerson: true } phone)
                return phone;
        }
        return Jid.Empty;
    }
}
