namespace WhatsAppMesh.Events;

/// <summary>
/// A WhatsApp address in its one normal form: <c>user@server</c>, without device and agent, server in lower case, and the legacy and
/// hosted servers replaced by the one they stand for (<c>c.us</c> and <c>hosted</c> are phones, <c>hosted.lid</c> is a LID).
/// What is no address at all becomes <see cref="Empty"/>: nothing here throws.
/// </summary>
public readonly record struct Jid
{
    /// <summary>Longest address accepted, in characters.</summary>
    public const int MaxLength = 255;

    private const string PhoneServer = "s.whatsapp.net";
    private const string LidServer = "lid";
    private const string GroupServer = "g.us";

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

    /// <summary>Reads an address as collectors send it; <see cref="Empty"/> for null, blanks and garbage.</summary>
    public static Jid Parse(string? text)
    {
        var trimmed = text.AsSpan().Trim();
        var at = trimmed.IndexOf('@');
        if (at <= 0 || trimmed.Length > MaxLength)
            return Empty;
        var user = WithoutAgentAndDevice(trimmed[..at]);
        var server = trimmed[(at + 1)..];
        if (!IsUser(user) || !IsServer(server))
            return Empty;
        var normalServer = NormalServer(server);
        // Most addresses arrive in normal form: keep the string that is there.
        return user.Length == at && trimmed.Length == text!.Length && normalServer.SequenceEqual(server)
            ? new Jid(text)
            : new Jid(string.Concat(user, "@", normalServer));
    }

    /// <summary>The normal form of an address, or the empty string: <c>Parse(text).Value</c>.</summary>
    public static string Normalise(string? text) => Parse(text).Value;

    /// <inheritdoc/>
    public override string ToString() => Value;

    private static ReadOnlySpan<char> WithoutAgentAndDevice(ReadOnlySpan<char> user)
    {
        var end = user.IndexOfAny('_', ':');
        return end < 0 ? user : user[..end];
    }

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
