using System.Text.Json;
using System.Text.Json.Nodes;

namespace WhatsAppMesh.Dispatch.Messages;

/// <summary>The texts of a message in which placeholders count: <c>to</c>, <c>content</c>, the file's, and those inside location and template.</summary>
internal static class MessageTexts
{
    /// <summary>The message with each of its texts replaced.</summary>
    /// <param name="change">Given the field's name and its text.</param>
    public static Message Map(Message message, Func<string, string, string> change) => message with
    {
        To = message.To is { } to ? change("to", to) : null,
        Content = message.Content is { } content ? change("content", content) : null,
        Media = message.Media is { } media
            ? new MessageMedia(change("media.url", media.Url), media.MimeType, media.FileName is { } name ? change("media.fileName", name) : null)
            : null,
        Location = Map(message.Location, "location", change),
        Template = Map(message.Template, "template", change),
    };

    /// <summary>The message as it is sent.</summary>
    /// <param name="value">Value of a placeholder's path.</param>
    public static Message Render(Message message, Func<string, string?> value) => Map(message, (_, text) => Placeholders.Render(text, value));

    /// <summary>Paths of all placeholders of a message.</summary>
    public static IReadOnlySet<string> Paths(Message message)
    {
        var paths = new SortedSet<string>(StringComparer.Ordinal);
        Map(message, (field, text) =>
        {
            foreach (var part in Placeholders.Parse(text, out _) ?? [])
            {
                if (part.IsPlaceholder)
                    paths.Add(part.Text);
            }

            return text;
        });
        return paths;
    }

    private static JsonElement? Map(JsonElement? element, string field, Func<string, string, string> change)
    {
        if (element is not { } given)
            return null;
        using var document = JsonDocument.Parse(Map(JsonNode.Parse(given.GetRawText()), field, change)?.ToJsonString() ?? "null");
        return document.RootElement.Clone();
    }

    private static JsonNode? Map(JsonNode? node, string field, Func<string, string, string> change) => node switch
    {
        JsonObject members => new JsonObject(members.Select(member => KeyValuePair.Create(member.Key, Map(member.Value, $"{field}.{member.Key}", change)))),
        JsonArray items => new JsonArray([.. items.Select((item, i) => Map(item, $"{field}[{i}]", change))]),
        JsonValue text when text.GetValueKind() == JsonValueKind.String => JsonValue.Create(change(field, text.GetValue<string>())),
        _ => node?.DeepClone(),
    };
}
