using System.Text;
using Grpc.Core;
using WhatsAppMesh.Events;
using WhatsAppMesh.Ingest.V1;
using static WhatsAppMesh.Ingest.LakeService;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Appends events that services derive for each other. Their ids are deterministic, and an id known before is a duplicate whatever its
/// body says: a service may repeat a request as often as it likes.
/// </summary>
internal sealed class LakeAppender(LakeStore lake, TimeProvider clock)
{
    private const int MaxEvents = 1_000;

    /// <summary>Validates and stores a request: all of it or nothing.</summary>
    /// <exception cref="RpcException">INVALID_ARGUMENT names the field; UNAVAILABLE: send it again.</exception>
    public async Task<AppendResponse> AppendAsync(AppendRequest request)
    {
        Require(IsName(request.Service), "service", "must be 1 to 50 lower-case letters, digits and hyphens");
        Require(request.Events.Count <= MaxEvents, "events", $"must be at most {MaxEvents}");
        if (request.Events.Count == 0)
            return new AppendResponse();
        var receivedAt = clock.GetUtcNow();
        var events = new NewEvent[request.Events.Count];
        for (var i = 0; i < events.Length; i++)
            events[i] = Read(request.Events[i], $"events[{i}]", request.Service, receivedAt);
        try
        {
            var response = new AppendResponse();
            foreach (var stored in await lake.AppendAsync(events))
                response.Results.Add(new AppendResult { Appended = stored.IsNew, Log = stored.Log, Position = stored.Position });
            return response;
        }
        catch (LakeUnavailableException)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "The events cannot be stored now: send them again."));
        }
    }

    private static NewEvent Read(DerivedEvent item, string name, string service, DateTimeOffset receivedAt)
    {
        RequireTenant(item.Tenant, $"{name}.tenant");
        Require(Guid.TryParseExact(item.EventId, "D", out var eventId), $"{name}.event_id", "must be a UUID");
        RequireText(item.Type, $"{name}.type", EventReader.MaxTypeLength, isRequired: true);
        RequireText(item.ChatJid, $"{name}.chat_jid", Jid.MaxLength);
        RequireText(item.ParticipantJid, $"{name}.participant_jid", Jid.MaxLength);
        RequireText(item.ParticipantAlt, $"{name}.participant_alt", Jid.MaxLength);
        Require(item.OccurredAt is not null, $"{name}.occurred_at", "is required");
        RequireTime(item.OccurredAt, $"{name}.occurred_at");
        var payload = JsonSanitiser.Clean(Encoding.UTF8.GetBytes(item.PayloadJson));
        Require(PayloadRule.Holds(payload.Span), $"{name}.payload_json", PayloadRule.Text);
        return new NewEvent
        {
            Tenant = item.Tenant,
            Source = EventOrigin.Service + service,
            EventId = eventId,
            Type = item.Type,
            ChatJid = NullIfEmpty(item.ChatJid),
            ParticipantJid = NullIfEmpty(item.ParticipantJid),
            ParticipantAlt = NullIfEmpty(item.ParticipantAlt),
            Occurred = EventTime.FirstOf(receivedAt, (item.OccurredAt!.ToDateTimeOffset(), EventTime.Envelope)),
            ReceivedAt = receivedAt,
            Payload = payload,
            Key = new DedupKey(BodyHash.OfDerived(item.Type, eventId), null),
            TraceParent = System.Diagnostics.Activity.Current?.Id,
        };
    }

    private static bool IsName(string service) =>
        service.Length is > 0 and <= 50 && service.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
