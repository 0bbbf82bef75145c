using System.Net;
using System.Net.Http.Headers;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;
using WhatsAppMesh.DevSidecar.PubSub.Log;
using WhatsAppMesh.DevSidecar.Resiliency;

namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>Posts many messages in one request; those the app does not settle are tried again, and only those.</summary>
internal sealed class BulkDelivery(SubscriptionScope scope, int maxMessages) : IDelivery
{
    private const int Parallel = 4;

    /// <summary>No request grows past this many bytes of envelopes, unless by a single one.</summary>
    private const int MaxBytes = 3 * 1024 * 1024;

    private readonly FailedMessages _failed = new(scope, afterSingleDelivery: false);
    private readonly SemaphoreSlim _calls = new(Parallel);

    public IEnumerable<IReadOnlyList<LeasedMessage>> Split(IReadOnlyList<LeasedMessage> messages)
    {
        var part = new List<LeasedMessage>();
        var bytes = 0;
        foreach (var message in messages)
        {
            if (part.Count > 0 && (part.Count == maxMessages || bytes + message.Message.Bytes.Length > MaxBytes))
            {
                yield return part;
                part = [];
                bytes = 0;
            }

            part.Add(message);
            bytes += message.Message.Bytes.Length;
        }

        yield return part;
    }

    public async Task DeliverAsync(Batch batch, StopTokens stop)
    {
        var byPath = new Dictionary<string, List<LeasedMessage>>();
        var failed = new List<LeasedMessage>();
        var dropped = new List<LeasedMessage>();
        foreach (var message in batch.Messages)
        {
            var route = scope.Router.Decide(message.Message, scope.Time.GetUtcNow(), wantsTrace: false);
            if (route.Verdict == RouteVerdict.Failed)
                failed.Add(message);
            else if (route.Verdict == RouteVerdict.Dropped)
                dropped.Add(message);
            else if (byPath.TryGetValue(route.Path, out var others))
                others.Add(message);
            else
                byPath[route.Path] = [message];
        }

        if (dropped.Count > 0)
        {
            await _failed.TryDeadLetterAsync(dropped, stop);
            dropped.ForEach(batch.Settle);
        }

        var deliveries = byPath.Select(group => DeliverToAsync(group.Key, group.Value, batch.Settle, stop)).ToList();
        if (failed.Count > 0)
            deliveries.Add(EndUndeliverableAsync(failed, batch.Settle, stop));
        await Task.WhenAll(deliveries);
    }

    private async Task EndUndeliverableAsync(List<LeasedMessage> failed, Action<LeasedMessage> settle, StopTokens stop)
    {
        while (!await _failed.EndAsync(failed, AppContact.Unsendable, settle, stop))
        {
            // What cannot be delivered stays so: it is put to the dead-letter topic until that takes it.
        }
    }

    private async Task DeliverToAsync(string path, List<LeasedMessage> messages, Action<LeasedMessage> settle, StopTokens stop)
    {
        var open = messages;
        while (true)
        {
            var result = await scope.Policy.RunAsync(
                async token =>
                {
                    var (contact, remaining) = await AttemptAsync(path, open, settle, stop, token);
                    open = remaining;
                    // A bulk failure has no status code of its own: matching does not apply to it.
                    return new Attempt<AppContact>(contact, open.Count == 0 ? null : new AttemptFailure($"the app did not take {open.Count} of {messages.Count} messages"));
                },
                stop.Abort,
                stop.NoMoreAttempts);
            if (result.End == PolicyEnd.Succeeded || await _failed.EndAsync(open, result.Value, settle, stop))
                return;
        }
    }

    /// <summary>One request; returns the messages it did not settle.</summary>
    private async Task<(AppContact Contact, List<LeasedMessage> Remaining)> AttemptAsync(
        string path, List<LeasedMessage> messages, Action<LeasedMessage> settle, StopTokens stop, CancellationToken cancellationToken)
    {
        await _calls.WaitAsync(cancellationToken);
        try
        {
            using var body = new BulkRequestBody(scope);
            var entryIds = body.Write(messages);
            using var request = new HttpRequestMessage(HttpMethod.Post, SingleRequest.AddressOf(scope.App.Address!, path))
            {
                Content = new ReadOnlyMemoryContent(body.Written),
            };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(ContentTypes.Json);
            request.Headers.TryAddWithoutValidation("pubsubname", scope.Subscription.PubSubName);
            if (TraceContext.ChildOf(body.FirstTrace) is { } span)
                request.Headers.TryAddWithoutValidation("traceparent", span);

            using var response = await scope.App.SendAsync(request, cancellationToken);
            var statuses = response.IsSuccessStatusCode ? AppAnswers.Bulk(await response.Content.ReadAsByteArrayAsync(cancellationToken)) : null;
            var forAll = response.StatusCode == HttpStatusCode.NotFound ? AppStatus.Drop : AppStatus.Retry;
            return (AppContact.Answered, await SettleAsync(messages, i => statuses?.GetValueOrDefault(entryIds[i], AppStatus.Retry) ?? forAll, settle, stop));
        }
        catch (HttpRequestException)
        {
            return (AppContact.None, messages);
        }
        finally
        {
            _calls.Release();
        }
    }

    private async Task<List<LeasedMessage>> SettleAsync(
        List<LeasedMessage> messages, Func<int, AppStatus> statusOf, Action<LeasedMessage> settle, StopTokens stop)
    {
        var remaining = new List<LeasedMessage>();
        var dropped = new List<LeasedMessage>();
        for (var i = 0; i < messages.Count; i++)
        {
            switch (statusOf(i))
            {
                case AppStatus.Success:
                    settle(messages[i]);
                    break;
                case AppStatus.Drop:
                    dropped.Add(messages[i]);
                    break;
                default:
                    remaining.Add(messages[i]);
                    break;
            }
        }

        // The real sidecar forgets a drop whose dead letter could not be published; here the entry is tried again instead.
        if (dropped.Count > 0 && !await _failed.TryDeadLetterAsync(dropped, stop))
            remaining.AddRange(dropped);
        else
            dropped.ForEach(settle);
        return remaining;
    }
}
