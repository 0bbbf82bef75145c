using System.Collections.Frozen;
using System.Text.RegularExpressions;

namespace WhatsAppMesh.Events;

/// <summary>
/// Which texts and numbers of a payload are shown to readers who must not see people: those that say what happened, under names that are known
/// to hold such. Everything else is masked, so that a field that nobody has thought of shows nothing.
/// </summary>
internal static partial class MinimisedFields
{
    private static readonly FrozenSet<string> Words = Set(
        "type", "action", "event", "eventType", "messageStubType", "status", "state", "kind", "mode", "method", "category", "step", "service", "role", "admin",
        "addressingMode", "memberAddMode", "mimetype", "engine", "environment", "platform", "triggerKind", "occurredAtSource", "tenant", "reasonCode", "code", "error",
        "lastKnownPresence", "mediaType", "source", "idempotency", "server");

    private static readonly FrozenSet<string> Ids = Set("id", "ids", "nextPageToken", "stageId", "heads", "instance", "session", "stanzaId", "traceparent");

    private static readonly FrozenSet<string> Numbers = Set(
        "t", "low", "high", "fileLength", "size", "count", "ephemeralExpiration", "ephemeralDuration", "expiration", "position", "log", "seconds", "date", "creation",
        "creationTime", "setAt", "width", "height");

    /// <summary>What is done with a text.</summary>
    public enum Handling
    {
        /// <summary>Nothing of it is shown.</summary>
        Mask,

        /// <summary>It names somebody, in digits or as a username.</summary>
        Name,

        /// <summary>It is shown when it is a word of a program.</summary>
        Word,

        /// <summary>It is shown when it is an id, and not a number that may be somebody's.</summary>
        Id,

        /// <summary>It is shown when it is a time.</summary>
        Time,
    }

    /// <summary>What is done with the text of a field.</summary>
    public static Handling Of(string name)
    {
        var plain = PersonFields.Plain(name);
        if (PersonFields.IsUsername(name) || plain is "phone" or "phonenumber" or "number" or "pn" or "user" or "waid" or "wuid" or "lid" or "lidjid" or "redactedphone")
            return Handling.Name;
        if (Words.Contains(plain))
            return Handling.Word;
        if (Ids.Contains(plain) || plain.EndsWith("id", StringComparison.Ordinal) || plain.EndsWith("ids", StringComparison.Ordinal))
            return Handling.Id;
        return IsTime(name) ? Handling.Time : Handling.Mask;
    }

    /// <summary>True when a number of this size may be shown: it is small, or a time, a size or a place in a log.</summary>
    public static bool ShowsNumber(string name, string raw)
    {
        const int Digits = 6;
        var plain = PersonFields.Plain(name);
        return raw.All(static c => char.IsAsciiDigit(c) || c == '-') && (raw.TrimStart('-').Length <= Digits || IsTime(name) || Numbers.Contains(plain));
    }

    /// <summary>True for a word of a program under a name that is known to hold such: a contact's "about" text stands under <c>status</c> too.</summary>
    public static bool IsWord(string name, string text) => IsWord(text) && !PersonFields.IsAbout(name, text);

    /// <summary>True for a word of a program: no blanks, no number in it that may be somebody's.</summary>
    public static bool IsWord(string text) => Word().IsMatch(text) && !LongNumber().IsMatch(text);

    /// <summary>True for an id that says nothing by itself.</summary>
    public static bool IsId(string text) => Id().IsMatch(text) && !OnlyNumber().IsMatch(text) && !LongNumber().IsMatch(HexId().Replace(text, ""));

    /// <summary>True for a time, in RFC 3339 or as a number.</summary>
    public static bool IsTimeText(string text) => Moment().IsMatch(text) || (text.Length is >= 10 and <= 13 && text.All(char.IsAsciiDigit));

    /// <summary>True for a time in RFC 3339, and for a UUID: neither names anybody, wherever it stands.</summary>
    public static bool IsHarmless(string text) => Moment().IsMatch(text) || Guid.TryParseExact(text, "D", out _);

    // "at" as a word of its own: a chat is no time.
    private static bool IsTime(string name)
    {
        var plain = PersonFields.Plain(name);
        return name.EndsWith("At", StringComparison.Ordinal) || name.EndsWith("_at", StringComparison.Ordinal) || plain.EndsWith("time", StringComparison.Ordinal)
            || plain.EndsWith("timestamp", StringComparison.Ordinal) || plain.EndsWith("timestampms", StringComparison.Ordinal) || plain is "date" or "datetime";
    }

    private static FrozenSet<string> Set(params string[] names) => names.Select(PersonFields.Plain).ToFrozenSet(StringComparer.Ordinal);

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_.:/+-]{0,79}$")]
    private static partial Regex Word();

    [GeneratedRegex("^[A-Za-z0-9._:~+/=@-]{1,1024}$")]
    private static partial Regex Id();

    // What WhatsApp, UUIDs and hashes look like: letters and digits of base 16 mixed, eight at least.
    [GeneratedRegex("(?<![0-9A-Za-z])(?=[0-9A-Fa-f-]*[A-Fa-f])[0-9A-Fa-f-]{8,}(?![0-9A-Za-z])")]
    private static partial Regex HexId();

    [GeneratedRegex("^[+0-9 ().-]+$")]
    private static partial Regex OnlyNumber();

    [GeneratedRegex("[0-9]{5,}")]
    private static partial Regex LongNumber();

    [GeneratedRegex(@"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?$")]
    private static partial Regex Moment();
}
