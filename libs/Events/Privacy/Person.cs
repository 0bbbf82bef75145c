using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace WhatsAppMesh.Events;

/// <summary>
/// A person who is to be erased: by which ids anything names them, and what stands in place of those afterwards. The pseudonyms look like
/// JIDs, so that every reader still finds a person there, and the same id always gives the same one, so that lake and consumers agree.
/// They derive from a random id that nobody keeps beside a JID: nobody can go back.
/// </summary>
public sealed partial class Person
{
    /// <summary>Shortest user part of a JID that is looked for: shorter ones stand in too many texts by chance.</summary>
    public const int MinUserLength = 5;

    // What people write between the digits of a phone number.
    private const string Between = "[ ().-]*";

    private readonly Dictionary<string, string> _pseudonyms;
    private readonly Regex _anywhere;
    private readonly Regex _maybe;

    /// <param name="erasureId">Random; the same for every service that takes part in one erasure.</param>
    /// <param name="jids">The person's JIDs in normal form.</param>
    public Person(Guid erasureId, IEnumerable<Jid> jids)
    {
        Jids = [.. jids.Distinct()];
        _pseudonyms = Jids.Select(static jid => jid.User.ToString()).Distinct(StringComparer.Ordinal)
            .ToDictionary(static user => user, user => PseudonymOf(erasureId, user), StringComparer.Ordinal);
        Pattern = string.Join('|', _pseudonyms.Keys.Order(StringComparer.Ordinal).Select(PatternOf));
        _maybe = new Regex(Pattern, RegexOptions.CultureInvariant);
        // Not inside a longer word or number: that is somebody else's.
        _anywhere = new Regex($"(?<![0-9A-Za-z])(?:{Pattern})(?![0-9A-Za-z])", RegexOptions.CultureInvariant);
    }

    /// <summary>The JIDs, in normal form.</summary>
    public IReadOnlyList<Jid> Jids { get; }

    /// <summary>Regular expression, of .NET and PostgreSQL alike, that every text which names the person matches; others may too.</summary>
    public string Pattern { get; }

    /// <summary>What stands in place of one of the person's JIDs.</summary>
    public string PseudonymOf(Jid jid) => string.Concat(_pseudonyms[jid.User.ToString()], "@", jid.Server);

    /// <summary>True when a text may name the person once it is read as what it is: the escapes of JSON hide where a word begins.</summary>
    public bool MayBeIn(string text) => _maybe.IsMatch(text);

    /// <summary>True when a text names the person.</summary>
    public bool IsIn(string text) => _anywhere.IsMatch(text);

    /// <summary>The text with pseudonyms in place of the person's ids, however they are written; the same text when it names somebody else.</summary>
    public string Replace(string text) => _anywhere.Replace(text, match => _pseudonyms.TryGetValue(match.Value, out var known) ? known : _pseudonyms[Digits().Replace(match.Value, "")]);

    private static string PatternOf(string user) =>
        user.All(char.IsAsciiDigit) ? string.Join(Between, user.ToCharArray()) : Regex.Escape(user);

    private static string PseudonymOf(Guid erasureId, string user)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{erasureId:N}|{user}")));
        return "erased-" + Convert.ToHexStringLower(hash.AsSpan(0, 8));
    }

    [GeneratedRegex("[^0-9]")]
    private static partial Regex Digits();
}
