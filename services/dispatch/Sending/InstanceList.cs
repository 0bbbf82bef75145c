using System.Buffers;
using System.Text;
using System.Text.Json;
using WhatsAppMesh.Dispatch.Operator;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>What a tenant may see of the broker's instances, and name in what goes to the broker.</summary>
internal static class InstanceList
{
    private static readonly string[] IdNames = ["instanceId", "id"];
    private static readonly string[] Naming = [.. IdNames, "sessionId"];

    // What brokers put a list into. Any other name may be an instance's own.
    private static readonly string[] Envelopes = ["data", "instances", "items", "result", "results", "payload", "response"];

    /// <summary>
    /// The broker's list with the tenant's instances alone, be it a list or an object with a member for each. Envelopes stay, whatever beside
    /// them could tell of other tenants (counts, an entry whose id cannot be read) does not.
    /// </summary>
    /// <returns>JSON; null when the answer is none.</returns>
    public static string? Visible(string answer, Predicate<string> isTheirs)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            var output = new ArrayBufferWriter<byte>(512);
            using var json = new Utf8JsonWriter(output);
            Write(json, document.RootElement, isTheirs);
            json.Flush();
            return Encoding.UTF8.GetString(output.WrittenSpan);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Notes every member of a body for the broker that names another instance. The path is not all that a broker may go by.</summary>
    /// <param name="isNew">True when the body has to say which instance is made.</param>
    public static void Check(JsonElement body, bool isNew, Predicate<string> isTheirs, FieldErrors errors)
    {
        // Each of them, however often and however spelt: which one counts is the broker's affair.
        JsonProperty[] naming = body.ValueKind == JsonValueKind.Object
            ? [.. body.EnumerateObject().Where(static member => Naming.Contains(member.Name, StringComparer.OrdinalIgnoreCase))]
            : [];
        foreach (var member in naming)
        {
            if (member.Value.ValueKind != JsonValueKind.String || !isTheirs(member.Value.GetString()!))
                errors.Add(member.Name, InstanceTenants.Rule);
        }

        if (isNew && !naming.Any(static member => IdNames.Contains(member.Name)))
            errors.Add(IdNames[^1], "is required");
    }

    private static void Write(Utf8JsonWriter json, JsonElement element, Predicate<string> isTheirs)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            json.WriteStartArray();
            foreach (var item in element.EnumerateArray().Where(item => IdOf(item) is { } id && isTheirs(id)))
                item.WriteTo(json);
            json.WriteEndArray();
            return;
        }

        json.WriteStartObject();
        foreach (var member in element.ValueKind == JsonValueKind.Object ? element.EnumerateObject() : default)
        {
            if (isTheirs(member.Name))
            {
                member.WriteTo(json);
            }
            else if (member.Value.ValueKind is JsonValueKind.Array or JsonValueKind.Object && Envelopes.Contains(member.Name))
            {
                json.WritePropertyName(member.Name);
                Write(json, member.Value, isTheirs);
            }
        }

        json.WriteEndObject();
    }

    private static string? IdOf(JsonElement item) => item.ValueKind switch
    {
        JsonValueKind.String => item.GetString(),
        JsonValueKind.Object => IdNames.Select(name => item.TryGetProperty(name, out var id) && id.ValueKind == JsonValueKind.String ? id.GetString() : null)
            .FirstOrDefault(static id => id is not null),
        _ => null,
    };
}
