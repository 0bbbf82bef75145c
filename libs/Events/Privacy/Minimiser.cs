using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace WhatsAppMesh.Events;

/// <summary>
/// Makes of a tenant's events what readers see who must not see people: addresses, numbers and usernames become keyed pseudonyms
/// (<c>p-</c> and 20 hexadecimal digits of an HMAC-SHA256), the same for the same person's id everywhere in one tenant, so that joins work; texts
/// become <see cref="Masked"/>. Groups keep their addresses. Without the key nobody can try numbers until one gives a pseudonym.
/// </summary>
public sealed partial class Minimiser
{
    /// <summary>What stands in place of a text.</summary>
    public const string Masked = "***";

    private const int MaxJsonInText = 4;
    private const int PseudonymBytes = 10;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = CollectedEventJson.MaxPayloadDepth + 1 };

    private readonly byte[] _key;

    /// <param name="key">The installation's secret.</param>
    /// <param name="tenant">Whose events: a pseudonym of one tenant means nothing in another.</param>
    public Minimiser(string key, string tenant) => _key = HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes($"minimise|{tenant}"));

    /// <summary>Names the key and the rules: what was made under another one is to be made again. Says nothing about the key.</summary>
    public string Version => "1-" + Hash("version");

    /// <summary>An address as it is shown; null stays null, what is no address is masked.</summary>
    public string? Address(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return text;
        var jid = Jid.Parse(text);
        if (jid.IsEmpty)
            return IsNumber(text) ? OfNumber(text) : Masked;
        return IsOfNobody(jid) ? jid.Value : $"{OfUser(jid.User.ToString())}@{jid.Server}";
    }

    /// <summary>An event's id as it is shown: collectors make ids of what they tell, so that whoever knows the rest could try numbers.</summary>
    public Guid EventId(Guid id)
    {
        Span<byte> bytes = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes($"event|{id:D}"), bytes);
        return new Guid(bytes[..16], bigEndian: true);
    }

    /// <summary>JSON as it is shown; null when it is none.</summary>
    /// <param name="json">A payload, or an answer of the API.</param>
    /// <param name="isAnswer">True for an answer of the API, in which numbers are counts and places.</param>
    public string? Json(string json, bool isAnswer = false) => Json(json, isAnswer, 0);

    private string? Json(string json, bool isAnswer, int depth)
    {
        try
        {
            using var document = JsonDocument.Parse(json, Options);
            var buffer = new ArrayBufferWriter<byte>(json.Length);
            using (var writer = new Utf8JsonWriter(buffer, CollectedEventJson.WriterOptions))
                Write(writer, document.RootElement, "", isAnswer, depth);
            return Encoding.UTF8.GetString(buffer.WrittenSpan);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private void Write(Utf8JsonWriter writer, JsonElement value, string name, bool isAnswer, int depth)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var property in value.EnumerateObject())
                {
                    writer.WritePropertyName(PropertyName(property.Name));
                    Write(writer, property.Value, property.Name, isAnswer, depth);
                }
                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                    Write(writer, item, name, isAnswer, depth);
                writer.WriteEndArray();
                break;
            case JsonValueKind.String:
                writer.WriteStringValue(Text(name, value.GetString()!, isAnswer, depth));
                break;
            case JsonValueKind.Number when !isAnswer && !MinimisedFields.ShowsNumber(name, value.GetRawText()):
                WriteNumber(writer, name, PersonObjects.TextOf(value));
                break;
            default:
                writer.WriteRawValue(value.GetRawText(), skipInputValidation: true);
                break;
        }
    }

    private void WriteNumber(Utf8JsonWriter writer, string name, string text)
    {
        if (MinimisedFields.Of(name) is MinimisedFields.Handling.Name or MinimisedFields.Handling.Id && IsNumber(text))
            writer.WriteStringValue(OfNumber(text));
        else
            writer.WriteNullValue();
    }

    private string Text(string name, string text, bool isAnswer, int depth)
    {
        if (text.Length == 0 || MinimisedFields.IsHarmless(text))
            return text;
        if (Jid.Parse(text) is { IsEmpty: false } jid && (jid.IsPhone || jid.IsLid || IsOfNobody(jid)))
            return Address(text)!;
        if (text.AsSpan().TrimStart() is ['{' or '[', ..] && depth < MaxJsonInText && Json(text, isAnswer, depth + 1) is { } inner)
            return inner;
        switch (MinimisedFields.Of(name))
        {
            case MinimisedFields.Handling.Name:
                return IsNumber(text) ? OfNumber(text) : OfUser(Person.Normal(text));
            case MinimisedFields.Handling.Word when MinimisedFields.IsWord(name, text):
                return text;
            case MinimisedFields.Handling.Id when IsNumber(text):
                return OfNumber(text);
            case MinimisedFields.Handling.Id when WithoutAddresses(text) is var shown && MinimisedFields.IsId(Pseudonym().Replace(GroupAddress().Replace(shown, ""), "")):
                return shown;
            case MinimisedFields.Handling.Time when MinimisedFields.IsTimeText(text):
                return text;
            default:
                return Masked;
        }
    }

    // Names of fields are a program's words, unless they are somebody's address or a label that somebody thought of.
    private string PropertyName(string name)
    {
        if (Jid.Parse(name) is { IsEmpty: false })
            return Address(name)!;
        return IsNumber(name) ? OfNumber(name) : MinimisedFields.IsWord(name.TrimStart('_', '$')) ? name : $"k-{Hash($"key|{name}")}";
    }

    // Engines put addresses into the ids of messages: false_120363000000000001@g.us_3EB0_12025550103@c.us.
    private string WithoutAddresses(string text) => PersonAddress().Replace(text, match => Address(match.Value)!);

    private string OfNumber(string text) => OfUser(string.Concat(text.Where(char.IsAsciiDigit)));

    private string OfUser(string user) => Person.IsPseudonym(user) || Pseudonym().IsMatch(user) ? user : $"p-{Hash($"user|{user}")}";

    private string Hash(string text)
    {
        Span<byte> bytes = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(text), bytes);
        return Convert.ToHexStringLower(bytes[..PseudonymBytes]);
    }

    private static bool IsOfNobody(Jid jid) => jid.IsGroup || (jid.Server is "broadcast" or "newsletter" && !(jid.Server is "broadcast" && jid.User is not "status"));

    private static bool IsNumber(string text) => text.Length <= 40 && text.Count(char.IsAsciiDigit) >= Person.MinUserLength && text.All(static c => char.IsAsciiDigit(c) || c is '+' or ' ' or '(' or ')' or '.' or '-');

    [GeneratedRegex(@"(?<![0-9A-Za-z-])[0-9]{5,}(?:[._:][0-9]+)*@(?:s\.whatsapp\.net|c\.us|lid|hosted(?:\.lid)?)")]
    private static partial Regex PersonAddress();

    [GeneratedRegex("[0-9]+(?:-[0-9]+)?@g[.]us")]
    private static partial Regex GroupAddress();

    [GeneratedRegex("(?<![0-9A-Za-z])p-[0-9a-f]{20}(?![0-9A-Za-z])")]
    private static partial Regex Pseudonym();
}

/// <summary>Which tenants' data are minimised for readers, and with which key: <c>Mesh:Minimisation</c>.</summary>
public sealed class Minimisation
{
    /// <summary>The setting that lists the tenants. Default: none.</summary>
    public const string TenantsSetting = "Mesh:Minimisation:Tenants";

    /// <summary>The setting that holds the key, a secret of the installation. Required with tenants.</summary>
    public const string KeySetting = "Mesh:Minimisation:Key";

    /// <summary>Shortest key, in characters.</summary>
    public const int MinKeyLength = 32;

    private readonly Dictionary<string, Minimiser> _tenants;

    /// <param name="tenants">Tenants by name.</param>
    /// <param name="key">The installation's secret; may be null while there are no tenants.</param>
    /// <exception cref="InvalidOperationException">There are tenants, and no key of sufficient length.</exception>
    public Minimisation(IEnumerable<string> tenants, string? key)
    {
        var names = tenants.Select(static name => name.Trim()).Where(static name => name.Length > 0).Distinct(StringComparer.Ordinal).ToList();
        if (names.Count > 0 && (key?.Length ?? 0) < MinKeyLength)
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture, $"{KeySetting} must have at least {MinKeyLength} characters while {TenantsSetting} names tenants."));
        }
        _tenants = names.ToDictionary(static name => name, name => new Minimiser(key!, name), StringComparer.Ordinal);
    }

    /// <summary>The tenants.</summary>
    public IReadOnlyCollection<string> Tenants => _tenants.Keys;

    /// <summary>What makes a tenant's data fit to be shown; null for a tenant whose readers see everything.</summary>
    public Minimiser? Of(string tenant) => _tenants.GetValueOrDefault(tenant);
}
