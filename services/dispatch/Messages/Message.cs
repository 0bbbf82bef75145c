using System.Text.Json;
using System.Text.Json.Serialization;

namespace WhatsAppMesh.Dispatch.Messages;

/// <summary>A message to be sent: of an automation's step, with placeholders, or of a direct send, as it is.</summary>
internal sealed record Message
{
    /// <summary>One of <see cref="MessageType"/>.</summary>
    public string Type { get; init; } = MessageType.Text;

    /// <summary>Phone number, JID or placeholder; null: the lead's phone, or who joined.</summary>
    public string? To { get; init; }

    /// <summary>The text; the caption of image, video and document.</summary>
    public string? Content { get; init; }

    /// <summary>Whether the receiver's app shows a preview of a link.</summary>
    public bool? PreviewUrl { get; init; }

    /// <summary>The file of image, video, document and audio.</summary>
    public MessageMedia? Media { get; init; }

    /// <summary>Of a location: <c>{latitude, longitude, name?, address?}</c>.</summary>
    public JsonElement? Location { get; init; }

    /// <summary>Of a template, as the broker takes it; <c>name</c> is required.</summary>
    public JsonElement? Template { get; init; }

    /// <summary>The broker's session, when it is not the instance's own.</summary>
    public string? SessionId { get; init; }

    /// <summary>The sender's own id of the message, handed to the broker.</summary>
    public string? ExternalId { get; init; }

    /// <summary>Handed to the broker as it is, but for <c>idempotencyKey</c>, which always names the job.</summary>
    public JsonElement? Metadata { get; init; }
}

/// <summary>A file to be sent.</summary>
internal sealed record MessageMedia(string Url, string? MimeType, string? FileName);

/// <summary>The types of messages.</summary>
internal static class MessageType
{
    public const string Text = "text";
    public const string Image = "image";
    public const string Video = "video";
    public const string Document = "document";
    public const string Audio = "audio";
    public const string Location = "location";
    public const string Template = "template";

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> All = [Text, Image, Video, Document, Audio, Location, Template];

    /// <summary>True for the types that are a file.</summary>
    public static bool IsMedia(string type) => type is Image or Video or Document or Audio;
}

/// <summary>JSON of messages: of the column <c>message</c>, and of the APIs.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Message))]
internal sealed partial class MessageJson : JsonSerializerContext;
