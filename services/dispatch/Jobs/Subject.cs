using System.Text.Json.Serialization;

namespace WhatsAppMesh.Dispatch.Jobs;

/// <summary>Whom a job is for, and what its placeholders need: of a lead its id, of a join group and person, of a trigger the values used.</summary>
/// <param name="Values">Of a trigger: the values that the message asks for, by placeholder.</param>
internal sealed record Subject(
    string? Lead = null, string? Group = null, string? Lid = null, string? Phone = null, string? Trigger = null, string? Event = null,
    IReadOnlyDictionary<string, string>? Values = null);

/// <summary>JSON of the column <c>subject</c>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Subject))]
internal sealed partial class SubjectJson : JsonSerializerContext;
