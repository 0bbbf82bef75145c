using System.Collections.Concurrent;
using WhatsAppMesh.DevSidecar.PubSub.Delivering;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;

namespace WhatsAppMesh.DevSidecar.PubSub.Streams;

/// <summary>
/// The app's end of a subscription stream: events go out one after the other, answers come back by the id of the event. An answer to an
/// event that is not under way is no harm.
/// </summary>
/// <param name="send">Sends an event to the app; called by one delivery at a time.</param>
internal sealed class TopicStream(Func<EventContent, Task> send) : IDisposable
{
    private readonly SemaphoreSlim _sending = new(1);
    private readonly ConcurrentDictionary<string, TaskCompletionSource<AppStatus>> _waiting = new();
    private readonly CancellationTokenSource _closed = new();

    /// <summary>Cancelled when the app is gone.</summary>
    public CancellationToken Closed => _closed.Token;

    /// <summary>Sends an event and waits for the app's answer, for as long as the stream lives.</summary>
    /// <exception cref="OperationCanceledException">The stream ended, or the token was cancelled.</exception>
    public async Task<AppStatus> DeliverAsync(EventContent content, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Closed);
        var answer = new TaskCompletionSource<AppStatus>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[content.Id] = answer;
        try
        {
            await _sending.WaitAsync(either.Token);
            try
            {
                await send(content);
            }
            finally
            {
                _sending.Release();
            }

            return await answer.Task.WaitAsync(either.Token);
        }
        finally
        {
            _waiting.TryRemove(KeyValuePair.Create(content.Id, answer));
        }
    }

    /// <summary>The app has answered.</summary>
    public void Answer(string eventId, AppStatus status)
    {
        if (_waiting.TryGetValue(eventId, out var waiting))
            waiting.TrySetResult(status);
    }

    /// <summary>The app is gone: deliveries under way end.</summary>
    public void Close() => _closed.Cancel();

    public void Dispose()
    {
        _closed.Dispose();
        _sending.Dispose();
    }
}
