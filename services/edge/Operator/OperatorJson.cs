using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>JSON of the operator API: snake case, unset members left out, unknown members of a request refused.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(DeadLetterPage))]
[JsonSerializable(typeof(DeadLetterDetail))]
[JsonSerializable(typeof(ReplayOrder))]
[JsonSerializable(typeof(ReplayAnswer))]
[JsonSerializable(typeof(DiscardOrder))]
[JsonSerializable(typeof(DiscardAnswer))]
[JsonSerializable(typeof(ReplayJobView))]
[JsonSerializable(typeof(EventPage))]
[JsonSerializable(typeof(EventView))]
[JsonSerializable(typeof(StatsView))]
[JsonSerializable(typeof(GroupPage))]
[JsonSerializable(typeof(GroupView))]
[JsonSerializable(typeof(MemberPage))]
[JsonSerializable(typeof(StayPage))]
[JsonSerializable(typeof(ParticipantView))]
[JsonSerializable(typeof(LinkOrder))]
[JsonSerializable(typeof(UnlinkOrder))]
[JsonSerializable(typeof(AuditView))]
[JsonSerializable(typeof(ErasureOrder))]
[JsonSerializable(typeof(ErasureAnswer))]
[JsonSerializable(typeof(ImportAnswer))]
internal sealed partial class OperatorJson : JsonSerializerContext
{
    /// <summary>The one to use: names stay readable in any script.</summary>
    public static OperatorJson Api => Readable.Value;

    private static readonly Lazy<OperatorJson> Readable = new(
        static () => new OperatorJson(new JsonSerializerOptions(OperatorJson.Default!.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
}

/// <summary>JSON text that goes into an answer as it is: a payload's numbers and order of members stay its own.</summary>
/// <param name="Text">Valid JSON.</param>
[JsonConverter(typeof(RawJsonConverter))]
internal readonly record struct RawJson(string Text)
{
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 1000 };

    /// <summary>The text as JSON where it is any, else as a JSON string; null when it is empty.</summary>
    public static RawJson? Of(string text)
    {
        if (text.Length == 0)
            return null;
        try
        {
            using (JsonDocument.Parse(text, Deep))
                return new RawJson(text);
        }
        catch (JsonException)
        {
            return new RawJson($"\"{JsonEncodedText.Encode(text)}\"");
        }
    }
}

/// <summary>Writes <see cref="RawJson"/>; it is never read.</summary>
internal sealed class RawJsonConverter : JsonConverter<RawJson>
{
    /// <inheritdoc/>
    public override RawJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, RawJson value, JsonSerializerOptions options) => writer.WriteRawValue(value.Text, skipInputValidation: true);
}

/// <summary>Answers with JSON.</summary>
internal static class Answer
{
    /// <summary>200, or another status, with a body.</summary>
    public static JsonHttpResult<T> Json<T>(T value, int status = StatusCodes.Status200OK) =>
        TypedResults.Json(value, (System.Text.Json.Serialization.Metadata.JsonTypeInfo<T>)OperatorJson.Api.GetTypeInfo(typeof(T))!, statusCode: status);

    /// <summary>Empty, as proto has it, for absent.</summary>
    public static string? NullIfEmpty(this string text) => text.Length == 0 ? null : text;
}
