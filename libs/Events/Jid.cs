namespace WhatsAppMesh.Events;

/// <summary>
/// A WhatsApp address in its one normal form: <c>user@server</c>, without device and agent, server in lower case, and the legacy and
/// hosted servers replaced by the one they stand for (<c>c.us</c> and <c>hosted</c> are phones, <c>hosted.lid</c> is a LID).
/// The user of a phone or a LID is digits and nothing else (or what an erasure left in their place); agent and device stand behind it as <c>_1</c>, <c>:12</c> or <c>.0:12</c>.
/// What is no address at all becomes <see cref="Empty"/>: nothing here throws.
/// </summary>
public readonly record struct Jid
{
    /// <summary>Longest address accepted, in characters.</summary>
    public const int MaxLength = 255;

    /// <summary>How the user of an erased person's address begins.</summary>
    public const string ErasedPrefix = "erased-";

    private const string PhoneServer = "s.whatsapp.net";
    private const string LidServer = "lid";
    private const string GroupServer = "g.us";
    private const string BotServer = "bot";
    private const string AnnouncementsUser = "0";

    private readonly string? _value;

    private Jid(string value) => _value = value;

    /// <summary>No address.</summary>
    public static Jid Empty => default;

    /// <summary>The normal form; the empty string for <see cref="Empty"/>.</summary>
    public string Value => _value ?? "";

    /// <summary>True when there is no address.</summary>
    public bool IsEmpty => string.IsNullOrEmpty(_value);

    /// <summary>The part before the <c>@</c>.</summary>
    public ReadOnlySpan<char> User => Value.AsSpan(0, Math.Max(Value.IndexOf('@'), 0));

    /// <summary>The part after the <c>@</c>.</summary>
    public ReadOnlySpan<char> Server => Value.AsSpan(Value.IndexOf('@') + 1);

    /// <summary>True for a group or community (<c>g.us</c>).</summary>
    public bool IsGroup => Server.SequenceEqual(GroupServer);

    /// <summary>True for a LID: the id of a person that hides the phone number.</summary>
    public bool IsLid => Server.SequenceEqual(LidServer);

    /// <summary>True for a phone number (<c>s.whatsapp.net</c>).</summary>
    public bool IsPhone => Server.SequenceEqual(PhoneServer);

    /// <summary>True for a phone or a LID behind which a person is: neither a bot nor WhatsApp itself.</summary>
    public bool IsPerson => IsLid || (IsPhone && !IsMachine);

    /// <summary>
    /// True for who talks like a person and is none: bots, Meta AI among them, and WhatsApp's own announcements (<c>0@c.us</c>).
    /// </summary>
    public bool IsMachine => Server.SequenceEqual(BotServer) || (IsPhone && (User.SequenceEqual(AnnouncementsUser) || IsBotNumber(User)));

    /// <summary>Reads an address as collectors send it; <see cref="Empty"/> for null, blanks and garbage.</summary>
    public static Jid Parse(string? text)
    {
        var trimmed = text.AsSpan().Trim();
        var at = trimmed.IndexOf('@');
        if (at <= 0 || trimmed.Length > MaxLength)
            return Empty;
        var server = trimmed[(at + 1)..];
        if (!IsServer(server))
            return Empty;
        var normalServer = NormalServer(server);
        var isNumbered = normalServer is PhoneServer or LidServer;
        var user = WithoutAgentAndDevice(trimmed[..at], isNumbered);
        if (isNumbered ? !IsNumber(user) : !IsUser(user))
            return Empty;
        // Most addresses arrive in normal form: keep the string that is there.
        return user.Length == at && trimmed.Length == text!.Length && normalServer.SequenceEqual(server)
            ? new Jid(text)
            : new Jid(string.Concat(user, "@", normalServer));
    }

    /// <summary>The normal form of an address, or the empty string: <c>Parse(text).Value</c>.</summary>
    public static string Normalise(string? text) => Parse(text).Value;

    /// <inheritdoc/>
    public override string ToString() => Value;

    // whatsmeow writes user.agent:device, Baileys user_agent:device; elsewhere a dot may be part of the name.
    private static ReadOnlySpan<char> WithoutAgentAndDevice(ReadOnlySpan<char> user, bool isNumbered)
    {
        var end = isNumbered ? user.IndexOfAny('_', ':', '.') : user.IndexOfAny('_', ':');
        return end < 0 ? user : user[..end];
    }

    // What an erasure left in the place of a number stands for a person like the number did.
    private static bool IsNumber(ReadOnlySpan<char> user) =>
        user.Length > 0 && (!user.ContainsAnyExceptInRange('0', '9') || (user.StartsWith(ErasedPrefix, StringComparison.Ordinal) && IsUser(user)));

    // The numbers of Meta AI and its kin: ^1313555\d{4}$ and ^131655500\d{2}$ in whatsmeow (types/jid.go) and Baileys (jid-utils).
    private static bool IsBotNumber(ReadOnlySpan<char> user) =>
        user.Length == 11 && (user.StartsWith("1313555") || user.StartsWith("131655500"));

    private static bool IsUser(ReadOnlySpan<char> user)
    {
        foreach (var c in user)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.' or '+'))
                return false;
        }
        return user.Length > 0;
    }

    private static bool IsServer(ReadOnlySpan<char> server)
    {
        foreach (var c in server)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.'))
                return false;
        }
        return server.Length > 0;
    }

    private static ReadOnlySpan<char> NormalServer(ReadOnlySpan<char> server) => server switch
    {
        "s.whatsapp.net" or "g.us" or "lid" => server,
        _ => server.ToString().ToLowerInvariant() switch
        {
            "c.us" or "hosted" => PhoneServer,
            "hosted.lid" => LidServer,
            var other => other,
        },
    };
}
