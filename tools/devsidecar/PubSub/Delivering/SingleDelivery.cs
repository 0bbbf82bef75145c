using System.Net;
using WhatsAppMesh.DevSidecar.PubSub.Log;
using WhatsAppMesh.DevSidecar.Resiliency;

namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>Posts each message by itself.</summary>
internal sealed class SingleDelivery(SubscriptionScope scope) : IDelivery
{
    private const int Parallel = 16;

    private readonly FailedMessages _failed = new(scope, afterSingleDelivery: true);
    private readonly SemaphoreSlim _calls = new(Parallel);

    public IEnumerable<IReadOnlyList<LeasedMessage>> Split(IReadOnlyList<LeasedMessage> messages) => messages.Select(message => new[] { message });

    public async Task DeliverAsync(Batch batch, StopTokens stop)
    {
        var message = batch.Messages[0];
        while (true)
        {
            var route = scope.Router.Decide(message.Message, scope.Time.GetUtcNow(), wantsTrace: true);
            if (route.Verdict == RouteVerdict.Dropped)
            {
                // As the real sidecar: whether the dead-letter topic took it is not asked for expired and unrouted messages.
                await _failed.TryDeadLetterAsync(batch.Messages, stop);
                batch.Settle(message);
                return;
            }

            var contact = AppContact.Unsendable;
            if (route.Verdict == RouteVerdict.Deliver)
            {
                var result = await scope.Policy.RunAsync(token => AttemptAsync(batch, route, stop, token), stop.Abort, stop.NoMoreAttempts);
                if (result.End == PolicyEnd.Succeeded)
                {
                    batch.Settle(message);
                    return;
                }

                contact = result.Value;
            }

            if (await _failed.EndAsync(batch.Messages, contact, batch.Settle, stop))
                return;
        }
    }

    private async Task<Attempt<AppContact>> AttemptAsync(Batch batch, Route route, StopTokens stop, CancellationToken cancellationToken)
    {
        await _calls.WaitAsync(cancellationToken);
        try
        {
            using var request = SingleRequest.TryCreate(scope, batch.Messages[0].Message, route);
            if (request is null)
                return new(AppContact.Unsendable, new AttemptFailure("the metadata of the message does not fit into headers"));

            using var response = await scope.App.SendAsync(request, cancellationToken);
            var status = response.StatusCode switch
            {
                HttpStatusCode.NotFound => AppStatus.Drop,
                _ when response.IsSuccessStatusCode => AppAnswers.Single(await response.Content.ReadAsByteArrayAsync(cancellationToken)),
                _ => (AppStatus?)null,
            };
            return status switch
            {
                AppStatus.Success => new(AppContact.Answered, null),
                AppStatus.Drop => await _failed.TryDeadLetterAsync(batch.Messages, stop)
                    ? new(AppContact.Answered, null)
                    : new(AppContact.Answered, new AttemptFailure("the dead-letter topic did not take a dropped message")),
                AppStatus.Retry => new(AppContact.Answered, new AttemptFailure("the app asked for a retry")),
                _ => new(AppContact.Answered, new AttemptFailure($"the app answered {(int)response.StatusCode}", HttpStatus: (int)response.StatusCode)),
            };
        }
        catch (HttpRequestException exception)
        {
            return new(AppContact.None, new AttemptFailure("the app cannot be reached", Exception: exception));
        }
        finally
        {
            _calls.Release();
        }
    }
}
