using System.Globalization;
using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Dispatch.Messages;

/// <summary>Reads a message and checks it as far as it can be before it is sent, reporting every error by field.</summary>
internal static class MessageRules
{
    private const int MaxContent = 65_536;
    private const int MaxUrl = 2_048;
    private const int MaxText = 255;
    private const int MaxBlock = 64 * 1024;

    /// <summary>Reads an automation's message or the body of a direct send.</summary>
    /// <param name="path">What the message is called in errors; empty for the body itself.</param>
    /// <param name="hasPlaceholders">True when <c>{{</c> means something; which ones are allowed is checked elsewhere.</param>
    /// <param name="toRequired">True when nothing else says who gets it.</param>
    public static Message Read(JsonElement element, string path, bool hasPlaceholders, bool toRequired, FieldErrors errors)
    {
        var fields = new JsonFields(element, path, errors);
        var media = fields.Object("media");
        var message = new Message
        {
            Type = fields.Text("type", MaxText) ?? MessageType.Text,
            To = fields.Recipient("to", MaxText, toRequired) is { } recipient ? Plain(recipient) : null,
            Content = fields.Text("content", MaxContent),
            PreviewUrl = fields.Bool("previewUrl"),
            Media = media is { } file ? ReadMedia(file, fields.Path("media"), hasPlaceholders, errors) : null,
            Location = fields.Object("location"),
            Template = fields.Object("template"),
            SessionId = fields.Text("sessionId", MaxText),
            ExternalId = fields.Text("externalId", MaxText),
            Metadata = fields.Object("metadata"),
        };
        fields.RefuseOthers();
        CheckBlocks(message, fields, errors);
        if (hasPlaceholders)
            CheckVerbatim(message, fields, errors);
        if (message.To is { } to && !(hasPlaceholders && to.Contains("{{", StringComparison.Ordinal)) && !IsRecipient(to))
            errors.Add(fields.Path("to"), "must be a phone number with country code (8 to 15 digits) or a JID");
        return message;
    }

    /// <summary>A recipient as it is checked and sent: a number without what people and CRMs put between its digits; all else as it is.</summary>
    public static string Plain(string to) => to.Contains('@', StringComparison.Ordinal) || to.Contains("{{", StringComparison.Ordinal)
        ? to.Trim()
        : string.Concat(to.Where(static one => !char.IsWhiteSpace(one) && !"()[].".Contains(one, StringComparison.Ordinal)
            && char.GetUnicodeCategory(one) is not (UnicodeCategory.DashPunctuation or UnicodeCategory.Format)));

    /// <summary>True for a phone number with country code, or the JID of a person or group; both <see cref="Plain"/>.</summary>
    public static bool IsRecipient(string to)
    {
        if (to.Contains('@', StringComparison.Ordinal))
            return Jid.Parse(to) is { IsEmpty: false } jid && (jid.IsPhone || jid.IsLid || jid.IsGroup);
        var digits = to.StartsWith('+') ? to[1..] : to;
        return digits.Length is >= 8 and <= 15 && digits.All(char.IsAsciiDigit);
    }

    /// <summary>
    /// What a message lacks for its type now that placeholders are filled in; null when it can be sent. The broker would refuse it, or send
    /// something empty.
    /// </summary>
    public static string? LackOf(Message message) => message switch
    {
        { Type: MessageType.Text } when string.IsNullOrWhiteSpace(message.Content) => "the text is empty",
        { Media: { } media } when !IsUrl(media.Url) => "the file's URL is no absolute http or https URL",
        { Template: { ValueKind: JsonValueKind.Object } template } when !HasName(template) => "the template has no name",
        _ => null,
    };

    private static bool IsUrl(string text) => Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https";

    private static bool HasName(JsonElement template) =>
        template.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String && !string.IsNullOrWhiteSpace(name.GetString());

    private static MessageMedia ReadMedia(JsonElement element, string path, bool hasPlaceholders, FieldErrors errors)
    {
        var fields = new JsonFields(element, path, errors);
        var url = fields.Text("url", MaxUrl, required: true);
        if (url is not null && !(hasPlaceholders && url.Contains("{{", StringComparison.Ordinal))
            && !IsUrl(url))
            errors.Add(fields.Path("url"), "must be an absolute http or https URL");
        var media = new MessageMedia(url ?? "", fields.Text("mimeType", MaxText), fields.Text("fileName", MaxText));
        fields.RefuseOthers();
        return media;
    }

    // Each type has its own block, required there and refused elsewhere.
    private static void CheckBlocks(Message message, JsonFields fields, FieldErrors errors)
    {
        if (!MessageType.All.Contains(message.Type))
        {
            errors.Add(fields.Path("type"), $"must be one of {string.Join(", ", MessageType.All)}");
            return;
        }

        if (message.Type == MessageType.Text && message.Content is null)
            errors.Add(fields.Path("content"), "is required");
        Check("media", message.Media is not null, MessageType.IsMedia(message.Type));
        Check("location", message.Location is not null, message.Type == MessageType.Location);
        Check("template", message.Template is not null, message.Type == MessageType.Template);
        CheckSize("template", message.Template, fields, errors);
        CheckSize("metadata", message.Metadata, fields, errors);
        if (message is { Type: MessageType.Location, Location: { } location })
            CheckLocation(new JsonFields(location, fields.Path("location"), errors), errors);
        if (message is { Type: MessageType.Template, Template: { } template })
            new JsonFields(template, fields.Path("template"), errors).Text("name", MaxText, required: true);

        void Check(string block, bool isThere, bool belongs)
        {
            if (belongs && !isThere)
                errors.Add(fields.Path(block), $"is required for type {message.Type}");
            else if (isThere && !belongs)
                errors.Add(fields.Path(block), $"has no place in type {message.Type}");
        }
    }

    // Where placeholders are not put in they would go out as they stand.
    private static void CheckVerbatim(Message message, JsonFields fields, FieldErrors errors)
    {
        Check("sessionId", message.SessionId);
        Check("externalId", message.ExternalId);
        Check("media.mimeType", message.Media?.MimeType);
        CheckNames("template", message.Template, texts: false);
        CheckNames("metadata", message.Metadata, texts: true);

        void Check(string name, string? text)
        {
            if (text?.Contains("{{", StringComparison.Ordinal) == true)
                errors.Add(fields.Path(name), "must have no placeholder: only to, content, media.url, media.fileName, location and the values of template are filled in");
        }

        void CheckNames(string path, JsonElement? element, bool texts)
        {
            if (element is { ValueKind: JsonValueKind.Object } block)
            {
                foreach (var member in block.EnumerateObject())
                {
                    Check(path, member.Name);
                    CheckNames($"{path}.{member.Name}", member.Value, texts);
                }
            }
            else if (element is { ValueKind: JsonValueKind.Array } list)
            {
                foreach (var item in list.EnumerateArray())
                    CheckNames(path, item, texts);
            }
            else if (texts && element is { ValueKind: JsonValueKind.String } text)
            {
                Check(path, text.GetString());
            }
        }
    }

    private static void CheckSize(string name, JsonElement? block, JsonFields fields, FieldErrors errors)
    {
        if (block?.GetRawText().Length > MaxBlock)
            errors.Add(fields.Path(name), $"must have at most {MaxBlock} characters");
    }

    private static void CheckLocation(JsonFields fields, FieldErrors errors)
    {
        Check("latitude", 90);
        Check("longitude", 180);
        fields.Text("name", MaxText);
        fields.Text("address", MaxText);
        fields.RefuseOthers();

        void Check(string name, double bound)
        {
            if (fields.Get(name) is not { ValueKind: JsonValueKind.Number } value || Math.Abs(value.GetDouble()) > bound)
                errors.Add(fields.Path(name), $"must be a number from -{bound} to {bound}");
        }
    }
}
