using System.Text.Json;
using Grpc.Core;
using WhatsAppMesh.DeadLetters.V1;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// Takes replay requests from the replay topic: which dead letters or positions, and why. An event's body in the message is not even read:
/// it always comes from the dead letter or the lake, so nobody can forge an event past edge.
/// </summary>
internal sealed partial class ReplayTopic(DeadLetterDesk desk, DependencyStates dependencies, ILogger<ReplayTopic> logger)
{
    private readonly DependencyState _requests = dependencies.Of("replay requests", "Requests to replay cannot be taken, and are offered again");

    /// <summary>Makes the job that an envelope asks for; the same envelope again is the same job.</summary>
    public async Task<DeliveryStatus> HandleAsync(string envelope, CancellationToken cancellationToken)
    {
        try
        {
            var (id, request) = Read(envelope);
            RequestFields.Check(request);
            await desk.ReplayAsync(request, $"topic:{id}", cancellationToken);
            _requests.Works();
            return DeliveryStatus.Success;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            Log.Refused(logger, "It is not {\"ids\":[...]} or {\"positions\":[...]} with a \"reason\".");
            return DeliveryStatus.Drop;
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.InvalidArgument or StatusCode.NotFound or StatusCode.FailedPrecondition)
        {
            Log.Refused(logger, exception.Status.Detail);
            return DeliveryStatus.Drop;
        }
        catch (Exception exception)
        {
            // What can never succeed must not come back for ever: this topic has no dead letters of its own.
            var failure = Failure.Of(exception, "replay");
            if (FailureClassifier.Classify(exception) == FailureClass.Poison)
            {
                Log.Refused(logger, $"{failure.Error}: {failure.Message}");
                return DeliveryStatus.Drop;
            }
            if (!_requests.IsFailing)
                Log.PutOff(logger, failure.Error, failure.Message);
            _requests.Fails(exception);
            return DeliveryStatus.Retry;
        }
    }

    private static (string Id, ReplayRequest Request) Read(string envelope)
    {
        using var document = JsonDocument.Parse(envelope);
        var data = document.RootElement.GetProperty("data");

        // A publisher that named no content type gets its JSON delivered as a string.
        var json = data.ValueKind == JsonValueKind.String ? data.GetString()! : data.GetRawText();
        var asked = DeadLettersApi.Parse<ReplayRequest>(System.Text.Encoding.UTF8.GetBytes(json));
        var request = new ReplayRequest
        {
            Tenant = asked.Tenant,
            Reason = asked.Reason,
            Rate = asked.Rate,
            AllowSends = asked.AllowSends,
            RequestedBy = asked.RequestedBy.Length == 0 ? "replay topic" : asked.RequestedBy,
        };
        request.Ids.Add(asked.Ids);
        request.Ranges.Add(asked.Ranges);
        var id = document.RootElement.TryGetProperty("id", out var given) ? given.GetString() ?? "" : "";
        return (id.Length > 0 ? id : throw new JsonException("The envelope has no id."), request);
    }

    private static partial class Log
    {
        [LoggerMessage(3540, LogLevel.Warning, "A message on the replay topic was refused: {Reason}")]
        public static partial void Refused(ILogger logger, string reason);

        [LoggerMessage(3541, LogLevel.Warning, "A message on the replay topic was put off ({Error}): {Message}")]
        public static partial void PutOff(ILogger logger, string error, string message);
    }
}
