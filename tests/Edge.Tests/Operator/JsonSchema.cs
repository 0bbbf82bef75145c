using System.Globalization;
using System.Text.Json;

namespace WhatsAppMesh.Edge.Tests.Operator;

/// <summary>As much of JSON Schema as the document uses.</summary>
public static class JsonSchema
{
    /// <summary>What a local reference names; undefined when nothing.</summary>
    public static JsonElement Resolve(JsonElement document, string reference)
    {
        var at = document;
        foreach (var part in reference.TrimStart('#', '/').Split('/'))
        {
            if (!at.TryGetProperty(part, out at))
                return default;
        }

        return at;
    }

    /// <summary>Every place where a value does not keep to its schema.</summary>
    public static IEnumerable<string> Check(JsonElement document, JsonElement schema, JsonElement value, string place)
    {
        if (schema.TryGetProperty("$ref", out var reference))
            return Check(document, Resolve(document, reference.GetString()!), value, place);
        var errors = new List<string>();
        if (schema.TryGetProperty("type", out var type) && !Types(type).Any(name => IsOf(name, value)))
            errors.Add($"{place} is {value.ValueKind}");
        if (schema.TryGetProperty("enum", out var allowed) && !allowed.EnumerateArray().Any(item => item.GetString() == value.GetString()))
            errors.Add($"{place} is '{value}'");
        if (schema.TryGetProperty("format", out var format) && !HasFormat(format.GetString()!, value))
            errors.Add($"{place} is no {format}: '{value}'");
        if (value.ValueKind == JsonValueKind.Array && schema.TryGetProperty("items", out var items))
            errors.AddRange(value.EnumerateArray().SelectMany((item, index) => Check(document, items, item, string.Create(CultureInfo.InvariantCulture, $"{place}[{index}]"))));
        if (value.ValueKind == JsonValueKind.Object)
            errors.AddRange(CheckMembers(document, schema, value, place));
        return errors;
    }

    private static IEnumerable<string> CheckMembers(JsonElement document, JsonElement schema, JsonElement value, string place)
    {
        foreach (var required in schema.TryGetProperty("required", out var names) ? names.EnumerateArray() : default)
        {
            if (!value.TryGetProperty(required.GetString()!, out _))
                yield return $"{place}.{required} is missing";
        }

        foreach (var member in value.EnumerateObject())
        {
            JsonElement inner;
            if (!schema.TryGetProperty("properties", out var properties) || !properties.TryGetProperty(member.Name, out inner))
            {
                if (!schema.TryGetProperty("additionalProperties", out inner) || inner.ValueKind == JsonValueKind.True)
                    continue;
                if (inner.ValueKind == JsonValueKind.False)
                {
                    yield return $"{place}.{member.Name} is not documented";
                    continue;
                }
            }

            foreach (var error in Check(document, inner, member.Value, $"{place}.{member.Name}"))
                yield return error;
        }
    }

    private static IEnumerable<string> Types(JsonElement type) =>
        type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(static name => name.GetString()!) : [type.GetString()!];

    private static bool IsOf(string type, JsonElement value) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        "number" => value.ValueKind == JsonValueKind.Number,
        _ => false,
    };

    private static bool HasFormat(string format, JsonElement value) => format switch
    {
        "date-time" => value.GetString()!.EndsWith('Z') && value.TryGetDateTime(out _),
        "uuid" => value.TryGetGuid(out _),
        _ => false,
    };
}
