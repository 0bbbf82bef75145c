using WhatsAppMesh.DevSidecar.PubSub.Delivering;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;
using WhatsAppMesh.DevSidecar.PubSub.Log;
using WhatsAppMesh.DevSidecar.Resiliency;

namespace WhatsAppMesh.DevSidecar.PubSub.Streams;

/// <summary>Sends each message by itself down a stream, and settles it as the app answers.</summary>
internal sealed class StreamDelivery(SubscriptionScope scope, TopicStream stream) : IDelivery
{
    private readonly FailedMessages _failed = new(scope, afterSingleDelivery: true);

    public IEnumerable<IReadOnlyList<LeasedMessage>> Split(IReadOnlyList<LeasedMessage> messages) => messages.Select(message => new[] { message });

    public async Task DeliverAsync(Batch batch, StopTokens stop)
    {
        var message = batch.Messages[0];
        while (true)
        {
            var content = ContentOf(message.Message);
            var verdict = scope.Router.Decide(message.Message, scope.Time.GetUtcNow(), wantsTrace: false).Verdict;
            if (verdict == RouteVerdict.Dropped)
            {
                await _failed.TryDeadLetterAsync(batch.Messages, stop);
                batch.Settle(message);
                return;
            }

            var contact = AppContact.Unsendable;
            if (verdict == RouteVerdict.Deliver && content is not null)
            {
                var result = await scope.Policy.RunAsync(token => AttemptAsync(batch, content, stop, token), stop.Abort, stop.NoMoreAttempts);
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

    private EventContent? ContentOf(TopicMessage message)
    {
        if (!scope.Raw)
            return message.Traits.HasFlag(EnvelopeTraits.Unparsable) ? null : EventContent.TryRead(message.Bytes, DeadLetters.MetadataOf(message));

        using var envelopes = new EnvelopeWriter(scope.Time);
        var wrapped = envelopes.WrapRaw(message.Bytes, scope.Subscription.PubSubName, scope.Subscription.Topic);
        return EventContent.TryRead(wrapped, DeadLetters.MetadataOf(message));
    }

    private async Task<Attempt<AppContact>> AttemptAsync(Batch batch, EventContent content, StopTokens stop, CancellationToken cancellationToken) =>
        await stream.DeliverAsync(content, cancellationToken) switch
        {
            AppStatus.Success => new(AppContact.Answered, null),
            AppStatus.Drop => await _failed.TryDeadLetterAsync(batch.Messages, stop)
                ? new(AppContact.Answered, null)
                : new(AppContact.Answered, new AttemptFailure("the dead-letter topic did not take a dropped message")),
            _ => new(AppContact.Answered, new AttemptFailure("the app asked for a retry")),
        };
}
