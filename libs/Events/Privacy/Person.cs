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

    /// <summary>Fewest characters of a username.</summary>
    public const int MinUsernameLength = 3;

    /// <summary>Most characters of a username.</summary>
    public const int MaxUsernameLength = 64;

    // What people write between the digits of a phone number: spaces and dashes of every kind, dots, slashes, brackets, a zero in brackets, and
    // the marks of direction that WhatsApp and address books put around numbers. In JSON each may stand as an escape, escaped more than once.
    private const string Between =
        @"(?:[ ().\-/]|[\u00a0\u2000-\u2015\u2028-\u202f\u2060-\u206f]|\\+u(?:00[aA]0|20[0-9a-fA-F]{2})|\\+[tnr]|\(0\))*";

    // A letter or digit that JSON hides behind an escape, which no well-known writer does: only reading the text tells what it says.
    private const string Hidden = @"\\+u00(?:3[0-9]|[46][1-9a-fA-F]|[57][0-9aA])";

    private const RegexOptions Options = RegexOptions.CultureInvariant;

    private readonly Guid _erasureId;
    private readonly Dictionary<string, string> _pseudonyms;
    private readonly HashSet<string> _usernames;
    private readonly Regex _ids;
    private readonly Regex? _mentions;
    private readonly Regex _maybe;

    /// <param name="erasureId">Random; the same for every service that takes part in one erasure.</param>
    /// <param name="jids">The person's JIDs in normal form.</param>
    /// <param name="usernames">The person's usernames, without <c>@</c>, in any case; those that <see cref="IsUsername"/> refuses are left out.</param>
    public Person(Guid erasureId, IEnumerable<Jid> jids, IEnumerable<string>? usernames = null)
    {
        _erasureId = erasureId;
        Jids = [.. jids.Distinct()];
        _usernames = [.. (usernames ?? []).Select(Normal).Where(IsUsername)];
        _pseudonyms = Jids.Select(static jid => jid.User.ToString()).Distinct(StringComparer.Ordinal)
            .ToDictionary(static user => user, PseudonymOf, StringComparer.Ordinal);
        var ids = string.Join('|', _pseudonyms.Keys.Order(StringComparer.Ordinal).Select(PatternOf));
        var names = string.Join('|', Usernames.Select(AnyCase));
        Pattern = names.Length == 0 ? ids : $"{ids}|{names}";
        SearchPattern = $"{Pattern}|{Hidden}";
        _maybe = new Regex(SearchPattern, Options);
        // Not inside a longer word or number: that is somebody else's. Two zeros before a number are its plus.
        _ids = new Regex($"(?<![0-9A-Za-z])(?:00)?(?<id>{ids})(?![0-9A-Za-z])", Options);
        // A username is a word like others: in a text it names somebody only after an @.
        _mentions = names.Length == 0 ? null : new Regex($@"(?<![0-9A-Za-z])@(?:{names})(?![0-9A-Za-z_]|\.[0-9A-Za-z_])", Options);
    }

    /// <summary>The JIDs, in normal form.</summary>
    public IReadOnlyList<Jid> Jids { get; }

    /// <summary>The usernames, in lower case, in order.</summary>
    public IReadOnlyList<string> Usernames => [.. _usernames.Order(StringComparer.Ordinal)];

    /// <summary>Regular expression, of .NET and PostgreSQL alike, that every plain text which names the person matches; others may too.</summary>
    public string Pattern { get; }

    /// <summary>The same for JSON text, whatever escapes it is written with.</summary>
    public string SearchPattern { get; }

    /// <summary>What stands in place of one of the person's JIDs.</summary>
    public string PseudonymOf(Jid jid) => string.Concat(_pseudonyms[jid.User.ToString()], "@", jid.Server);

    /// <summary>The same person, known by more usernames.</summary>
    public Person With(IEnumerable<string> usernames) => new(_erasureId, Jids, [.. _usernames, .. usernames]);

    /// <summary>True when a text may name the person once it is read as what it is: the escapes of JSON hide where a word begins.</summary>
    public bool MayBeIn(string text) => _maybe.IsMatch(text);

    /// <summary>True when a text names the person, by an id or by a username after an <c>@</c>.</summary>
    public bool IsIn(string text) => _ids.IsMatch(text) || _mentions?.IsMatch(text) == true;

    /// <summary>True when a text is one of the person's usernames.</summary>
    public bool IsCalled(string text) => _usernames.Contains(Normal(text));

    /// <summary>The text with pseudonyms in place of the person's ids, however they are written; the same text when it names somebody else.</summary>
    public string Replace(string text)
    {
        var replaced = _ids.Replace(text, match => OfWritten(match.Groups["id"].Value));
        return _mentions?.Replace(replaced, match => "@" + PseudonymOf(Normal(match.Value))) ?? replaced;
    }

    /// <summary>True when a text can be a username: letters, digits, dots and underscores, one letter at least.</summary>
    public static bool IsUsername(string text) =>
        text.Length is >= MinUsernameLength and <= MaxUsernameLength && text.Any(char.IsAsciiLetter)
        && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_');

    /// <summary>True for what stands in place of an id after an erasure, with a server behind it or not.</summary>
    public static bool IsPseudonym(string text) => Pseudonym().IsMatch(text);

    /// <summary>A username as it is compared: lower case, no blanks around it, no <c>@</c> before it.</summary>
    public static string Normal(string username) => username.Trim().TrimStart('@').ToLowerInvariant();

    private string OfWritten(string id) => _pseudonyms.TryGetValue(id, out var known) ? known : _pseudonyms[Digits().Replace(id.Replace("(0)", "", StringComparison.Ordinal), "")];

    private static string PatternOf(string user) =>
        user.All(char.IsAsciiDigit) ? string.Join(Between, user.ToCharArray()) : Regex.Escape(user);

    private static string AnyCase(string username) => string.Concat(username.Select(static c =>
        char.IsAsciiLetter(c) ? $"[{c}{char.ToUpperInvariant(c)}]" : Regex.Escape(c.ToString())));

    private string PseudonymOf(string user)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{_erasureId:N}|{user}")));
        return "erased-" + Convert.ToHexStringLower(hash.AsSpan(0, 8));
    }

    [GeneratedRegex("(?<![0-9A-Za-z])erased-[0-9a-f]{16}(?![0-9A-Za-z])")]
    private static partial Regex Pseudonym();

    [GeneratedRegex("[^0-9]")]
    private static partial Regex Digits();
}
