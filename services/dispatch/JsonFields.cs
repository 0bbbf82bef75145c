using System.Globalization;
using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Dispatch;

/// <summary>Reads the members of a JSON object and notes what is wrong with them, all of it, instead of stopping at the first.</summary>
internal sealed class JsonFields
{
    private readonly JsonElement _object;
    private readonly string _prefix;
    private readonly FieldErrors _errors;
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <param name="element">What should be an object.</param>
    /// <param name="path">What it is called in errors; empty for the body itself.</param>
    /// <param name="errors">Where errors go.</param>
    public JsonFields(JsonElement element, string path, FieldErrors errors)
    {
        _object = element;
        _prefix = path.Length == 0 ? "" : path + ".";
        _errors = errors;
        if (element.ValueKind != JsonValueKind.Object)
            errors.Add(path.Length == 0 ? "body" : path, "must be an object");
    }

    /// <summary>What a member is called in errors.</summary>
    public string Path(string name) => _prefix + name;

    /// <summary>A member as it is; null when it is absent or null.</summary>
    public JsonElement? Get(string name)
    {
        _known.Add(name);
        return _object.ValueKind == JsonValueKind.Object && _object.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    /// <summary>A text; null when it is absent, blank or wrong.</summary>
    public string? Text(string name, int maxLength, bool required = false)
    {
        var value = Get(name);
        var text = value is { ValueKind: JsonValueKind.String } given ? given.GetString()! : null;
        if (value is not null && text is null)
            _errors.Add(Path(name), "must be a string");
        else if (text?.Length > maxLength)
            _errors.Add(Path(name), $"must have at most {maxLength} characters");
        else if (required && string.IsNullOrWhiteSpace(text))
            _errors.Add(Path(name), "is required");
        return string.IsNullOrWhiteSpace(text) ? null : text;
    }

    /// <summary>A phone number or JID: a text, or the number that some tools make of digits; null when it is absent, blank or wrong.</summary>
    public string? Recipient(string name, int maxLength, bool required = false) =>
        Get(name) is { ValueKind: JsonValueKind.Number } number && WireNumber.Read(number) is { } digits && digits > 0
            ? digits.ToString(CultureInfo.InvariantCulture)
            : Text(name, maxLength, required);

    /// <summary>A truth value; null when it is absent or wrong.</summary>
    public bool? Bool(string name)
    {
        var value = Get(name);
        if (value is { ValueKind: not (JsonValueKind.True or JsonValueKind.False) })
            _errors.Add(Path(name), "must be true or false");
        return value?.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null };
    }

    /// <summary>An integer within bounds; null when it is absent or wrong.</summary>
    public int? Int(string name, int min, int max)
    {
        if (Get(name) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= min && number <= max)
            return number;
        _errors.Add(Path(name), $"must be an integer from {min} to {max}");
        return null;
    }

    /// <summary>An object; null when it is absent or wrong.</summary>
    public JsonElement? Object(string name)
    {
        var value = Get(name);
        if (value is { ValueKind: not JsonValueKind.Object })
            _errors.Add(Path(name), "must be an object");
        return value is { ValueKind: JsonValueKind.Object } given ? given.Clone() : null;
    }

    /// <summary>Notes every member that nobody asked for: a misspelt name must not be skipped in silence.</summary>
    public void RefuseOthers()
    {
        if (_object.ValueKind != JsonValueKind.Object)
            return;
        foreach (var member in _object.EnumerateObject())
        {
            if (!_known.Contains(member.Name))
                _errors.Add(Path(member.Name), "is not known here");
        }
    }
}
