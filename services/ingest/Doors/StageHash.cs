using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// What tells two bodies under one lead event's id apart: the stage alone, the first 16 bytes of SHA-256 over type, <c>stage</c> and stage
/// id, divided by zero bytes. <see cref="M0009_StageHashes"/> says the same in SQL.
/// </summary>
internal static class StageHash
{
    /// <summary>Hash of a stage change.</summary>
    public static Guid Of(string stageId) =>
        new(SHA256.HashData(Encoding.UTF8.GetBytes($"{EventTypes.LeadStageChanged}\0stage\0{stageId}")).AsSpan(0, 16), bigEndian: true);

    /// <summary>Hash of a stored <c>{"lead_id":..,"body":{"stage_id":..}}</c>; null when it names no stage.</summary>
    public static Guid? OfPayload(ReadOnlyMemory<byte> payload)
    {
        using var document = JsonDocument.Parse(payload, new JsonDocumentOptions { MaxDepth = EventReader.MaxDepth });
        return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("body", out var body)
            && WebhookJson.Text(body, "stage_id") is { } stage
            ? Of(stage)
            : null;
    }
}
