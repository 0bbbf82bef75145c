using System.Text.Json;

namespace WhatsAppMesh.Events;

/// <summary>Whether what a JSON object holds is a person's own.</summary>
internal static class PersonObjects
{
    private const int LongestId = 64;

    /// <summary>
    /// True when the object names the person directly or through an object right under it (a message's <c>key</c>, a contact's card), or stands in
    /// something of theirs and names nobody else. A group is nobody's, whoever owns it.
    /// </summary>
    /// <param name="value">The object.</param>
    /// <param name="name">Of the field that it stands in; empty for the whole payload.</param>
    /// <param name="person">The person.</param>
    /// <param name="isInTheirs">True: the object around it is theirs.</param>
    public static bool AreTheirs(JsonElement value, string name, Person person, bool isInTheirs)
    {
        if (IsGroup(value))
            return false;
        // The key inside a reaction or a vote is that of the message it answers.
        List<JsonElement> children = PersonFields.IsAnswer(name) ? [] : [.. Children(value)];
        return NamesDirectly(value, person) || children.Exists(child => !IsGroup(child) && NamesDirectly(child, person))
            || (isInTheirs && !NamesOthers(value, person) && !children.Exists(child => NamesOthers(child, person)));
    }

    /// <summary>True when a username field belongs to the person: it says so itself, or an id of theirs stands beside it.</summary>
    public static bool IsTheirUsername(JsonElement around, JsonProperty field, Person person) =>
        person.IsCalled(field.Value.GetString()!) || HasTwin(around, field.Name, person);

    /// <summary>True when an id of the person stands under the twin of a username field.</summary>
    public static bool HasTwin(JsonElement around, string usernameField, Person person) => around.EnumerateObject().Any(property =>
        property.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number && PersonFields.AreTwins(usernameField, property.Name)
        && IsId(TextOf(property.Value), person));

    /// <summary>True when anything in a value, however deep, is an address of somebody or of a group, or an id of the person.</summary>
    public static bool SpeaksOfPeople(JsonElement value, Person person) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().Any(property => SpeaksOfPeople(property.Value, person)),
        JsonValueKind.Array => value.EnumerateArray().Any(item => SpeaksOfPeople(item, person)),
        JsonValueKind.String => IsAddress(value.GetString()!) || IsId(value.GetString()!, person),
        _ => false,
    };

    /// <summary>True when a text is an id of the person, and not a longer one that mentions them.</summary>
    public static bool IsId(string text, Person person)
    {
        if (text.Length > LongestId || !person.IsIn(text))
            return false;
        return Jid.Parse(text) is { IsEmpty: false } jid
            ? person.Jids.Any(known => known.User.SequenceEqual(jid.User))
            : !text.Any(char.IsAsciiLetter) || person.Jids.Any(known => known.User.SequenceEqual(text));
    }

    private static IEnumerable<JsonElement> Children(JsonElement value) => value.EnumerateObject()
        .Where(static property => property.Value.ValueKind == JsonValueKind.Object && !PersonFields.IsQuote(property.Name) && !PersonFields.IsRelation(property.Name))
        .Select(static property => property.Value);

    // As the value of a property: a text that mentions somebody is not theirs. A contact card is about whom it names. A phone that another
    // person's LID has now makes nothing theirs: phones are recycled, and all LIDs of the person are named if any is.
    private static bool NamesDirectly(JsonElement value, Person person)
    {
        var names = value.EnumerateObject().Where(property => Names(property, person)).Select(static property => property.Name).ToList();
        return names.Count > 0
            && (!names.TrueForAll(PersonFields.IsTwin) || !person.Jids.Any(static jid => jid.IsLid) || !value.EnumerateObject().Any(property => IsOtherLid(property, person)));
    }

    private static bool Names(JsonProperty property, Person person) => !PersonFields.IsRelation(property.Name) && property.Value.ValueKind switch
    {
        JsonValueKind.String when PersonFields.IsUsername(property.Name) => person.IsCalled(property.Value.GetString()!),
        JsonValueKind.String when PersonFields.Plain(property.Name) == "vcard" => person.IsIn(property.Value.GetString()!),
        JsonValueKind.String => IsId(property.Value.GetString()!, person),
        JsonValueKind.Number => person.IsIn(TextOf(property.Value)),
        _ => false,
    };

    private static bool IsOtherLid(JsonProperty property, Person person) => property.Value.ValueKind == JsonValueKind.String
        && !PersonFields.IsRelation(property.Name) && Jid.Parse(property.Value.GetString()).IsLid && !IsId(property.Value.GetString()!, person);

    private static bool NamesOthers(JsonElement value, Person person) => value.EnumerateObject().Any(property =>
        property.Value.ValueKind == JsonValueKind.String && !PersonFields.IsRelation(property.Name)
        && property.Value.GetString()! is { Length: <= LongestId } text && Jid.Parse(text) is { IsEmpty: false } jid && (jid.IsPhone || jid.IsLid) && !person.IsIn(text));

    private static bool IsGroup(JsonElement value) => value.EnumerateObject().Any(static property =>
        property.Value.ValueKind == JsonValueKind.String && PersonFields.Plain(property.Name) is "id" or "jid"
        && property.Value.ValueKind == JsonValueKind.String && Jid.Parse(property.Value.GetString()).IsGroup);

    private static bool IsAddress(string text) => text.Length <= LongestId && Jid.Parse(text) is { IsEmpty: false } jid && (jid.IsPhone || jid.IsLid || jid.IsGroup);

    /// <summary>A string, or the digits of a whole number however it is written (<c>1.2025550103E10</c>).</summary>
    public static string TextOf(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
            return value.GetString()!;
        var raw = value.GetRawText();
        return raw.AsSpan().IndexOfAny('.', 'e', 'E') >= 0 && value.TryGetDecimal(out var number) && decimal.IsInteger(number)
            ? number.ToString("F0", System.Globalization.CultureInfo.InvariantCulture)
            : raw;
    }
}
