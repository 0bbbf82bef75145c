using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// Names of enum values in a request's JSON. The parser, told to pass over fields that it does not know, passes over names that an enum
/// does not have as well: a filter with a misspelt state would be a filter without one, and replay everything.
/// </summary>
internal static class EnumNames
{
    /// <summary>Refuses a name that its enum does not have, wherever it stands.</summary>
    /// <exception cref="JsonException">There is one.</exception>
    public static void Require(JsonObject request, MessageDescriptor descriptor)
    {
        foreach (var field in descriptor.Fields.InDeclarationOrder())
        {
            foreach (var name in new[] { field.JsonName, field.Name })
            {
                if (request[name] is JsonArray items)
                {
                    foreach (var item in items)
                        Require(item, field);
                }
                else
                {
                    Require(request[name], field);
                }
            }
        }
    }

    private static void Require(JsonNode? value, FieldDescriptor field)
    {
        if (field.FieldType == FieldType.Message && value is JsonObject inner)
            Require(inner, field.MessageType);
        else if (field.FieldType == FieldType.Enum && value?.GetValueKind() == JsonValueKind.String && field.EnumType.FindValueByName(value.GetValue<string>()) is null)
            throw new JsonException($"{field.Name} has no such value.");
    }
}
