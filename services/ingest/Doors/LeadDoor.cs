using System.Globalization;
using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Stage changes of a CRM's leads: <c>lead.stage_changed</c> with payload <c>{"lead_id":ID,"body":BODY}</c>, BODY being
/// <c>{stage_id, occurred_at?, phone?, name?, attributes?}</c> as sent. A key means one stage change: a retry under it changes nothing,
/// whatever its bytes, and another stage under it is refused (ADR 0031).
/// </summary>
internal static class LeadDoor
{
    public static readonly Door Instance = new(EventOrigin.Crm, Read, DoorAnswers.Accepted);

    private const int MaxLength = 255;

    private static readonly Refusal KeyRequired = new(
        StatusCodes.Status400BadRequest, "idempotency_key_required", "Send an Idempotency-Key, or occurred_at: a retry must not look like a new stage change");

    private static DoorReading Read(DoorRequest request)
    {
        var errors = new FieldErrors();
        using var document = WebhookJson.Parse(request.Body, errors);
        if (document is null)
            return errors.ToRefusal();
        var body = document.RootElement;
        var lead = request.RouteId!;
        Check(body, errors);
        if (!errors.IsEmpty)
            return errors.ToRefusal();

        // As sent, in any form that is a time: the key and the time of the event come from the same value.
        var sent = Given(body, "occurred_at");
        var occurredAt = WebhookJson.Text(body, "occurred_at") ?? (sent is { } value ? WireNumber.Read(value)?.ToString(CultureInfo.InvariantCulture) : null);
        var stage = WebhookJson.Text(body, "stage_id")!;
        var suffix = request.IdempotencyKey ?? (occurredAt is null ? null : $"{stage}|{occurredAt}");
        if (suffix is null)
            return KeyRequired;
        var payload = WebhookJson.Wrap("lead_id"u8, lead, request.Body.Span);
        var occurred = EventTime.FirstOf(request.ReceivedAt, (sent is { } time ? WireTime.Read(time) : null, EventTime.Envelope));
        return request.Event(DerivedId.Of($"lead|{request.Tenant}|{lead}|{suffix}"), EventTypes.LeadStageChanged, payload, occurred) with
        {
            Key = new DedupKey(StageHash.Of(stage), null),
            IsNeverRevised = true,
        };
    }

    private static void Check(JsonElement body, FieldErrors errors)
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            errors.Add("body", "must be a JSON object");
            return;
        }
        if (WebhookJson.Text(body, "stage_id") is not { Length: <= MaxLength })
            errors.Add("stage_id", $"is required: a string of 1 to {MaxLength} characters, or a number");
        CheckPhone(body, errors);
        CheckText(body, "name", errors);
        if (Given(body, "occurred_at") is { } time && WireTime.Read(time) is null)
            errors.Add("occurred_at", "must be an ISO 8601 time, or epoch seconds or milliseconds");
        if (Given(body, "attributes") is { } attributes && attributes.ValueKind != JsonValueKind.Object)
            errors.Add("attributes", "must be an object");
    }

    // Tables and low-code tools make a number of what looks like one, some with a fraction of zero.
    private static void CheckPhone(JsonElement body, FieldErrors errors)
    {
        if (Given(body, "phone") is not { ValueKind: JsonValueKind.Number } number)
            CheckText(body, "phone", errors);
        else if (!number.TryGetDecimal(out var value) || value <= 0 || value != decimal.Truncate(value))
            errors.Add("phone", "must be a string, or a whole number");
    }

    private static void CheckText(JsonElement body, string name, FieldErrors errors)
    {
        if (Given(body, name) is { } value && (value.ValueKind != JsonValueKind.String || value.GetString()!.Length > MaxLength))
            errors.Add(name, $"must be a string of at most {MaxLength} characters");
    }

    private static JsonElement? Given(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
