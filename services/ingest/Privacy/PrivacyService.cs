using System.Text.Json;
using System.Text.Json.Serialization;
using Grpc.Core;
using WhatsAppMesh.Events;
using WhatsAppMesh.Privacy.V1;

namespace WhatsAppMesh.Ingest;

/// <summary>Erasure of a person from the lake, which goes before every other service: what they fill themselves from must be clean first.</summary>
internal sealed partial class PrivacyService(LakeErasure erasure, LakeStore lake, TimeProvider clock, ILogger<PrivacyService> logger) : WhatsAppMesh.Privacy.V1.Privacy.PrivacyBase
{
    private const string Source = $"{EventOrigin.Service}ingest";

    private static readonly TimeSpan Shift = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public override async Task<EraseResponse> Erase(EraseRequest request, ServerCallContext context)
    {
        var (asked, field, rule) = Erasure.Read(request);
        LakeService.Require(asked is not null, field, rule);
        var cursor = asked!.PageToken.Length == 0 ? ErasureCursor.Start(await erasure.HeadsAsync(context.CancellationToken), asked.Person.Usernames) : ErasureCursor.Read(asked.PageToken);
        LakeService.Require(cursor is not null || asked.PageToken.Length == 0, "page_token", "is no token");
        var response = new EraseResponse();
        if (cursor is not null)
            response.Heads.Add(new Dictionary<int, long>(cursor.Heads));
        var rewritten = 0L;
        var tenant = await erasure.TenantAsync(asked.Tenant, context.CancellationToken);
        var next = tenant is null ? null : cursor;
        var last = next;
        for (var began = clock.GetTimestamp(); next is not null && clock.GetElapsedTime(began) < Shift;)
        {
            last = next;
            (var rows, next) = await erasure.StepAsync(tenant!.Value, asked.Tenant, asked.Person, next, context.CancellationToken);
            rewritten += rows;
        }
        response.Rows.Add("whatsapp_events", rewritten);
        response.NextPageToken = next?.ToText() ?? "";
        response.Usernames.Add(last?.Usernames ?? new HashSet<string>());
        if (next is null)
            await NoteAsync(asked);
        Log.Erased(logger, asked.NotedId, rewritten, next is null ? "done" : "to be continued");
        return response;
    }

    // Of whom is not said; that it was done, why and by whom, stays.
    private async Task NoteAsync(Erasure asked)
    {
        var now = clock.GetUtcNow();
        var payload = JsonSerializer.SerializeToUtf8Bytes(
            new PersonErased(PayloadErasure.EraseText(asked.Reason, asked.Person), asked.RequestedBy), ErasureJson.Default.PersonErased);
        try
        {
            await lake.AppendAsync(
            [
                new NewEvent
                {
                    Tenant = asked.Tenant,
                    Source = Source,
                    EventId = asked.NotedId,
                    Type = EventTypes.PersonErased,
                    Occurred = new Occurrence(now, EventTime.Untimed),
                    ReceivedAt = now,
                    Payload = payload,
                    Key = new DedupKey(BodyHash.OfDerived(EventTypes.PersonErased, asked.NotedId), null),
                },
            ]);
        }
        catch (LakeUnavailableException)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "The erasure could not be noted now: call again, what is erased is not found again."));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2070, LogLevel.Information, "Erasure {Id} rewrote {Events} events, {State}")]
        public static partial void Erased(ILogger logger, Guid id, long events, string state);
    }
}

/// <summary>Payload of person.erased.</summary>
internal sealed record PersonErased(string Reason, string RequestedBy);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(PersonErased))]
internal sealed partial class ErasureJson : JsonSerializerContext;
