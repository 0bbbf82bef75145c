using System.Threading.Channels;

namespace WhatsAppMesh.GroupCommit;

/// <summary>
/// Turns many concurrent submissions into few commits: one writer takes whatever waits, up to the bounds, commits it as one batch and
/// answers every submitter. There is no linger timer: while one batch commits the next one gathers, so the batch size follows the load.
/// </summary>
/// <typeparam name="TItem">What is submitted.</typeparam>
/// <typeparam name="TResult">What the commit answers for one item.</typeparam>
public sealed class GroupCommit<TItem, TResult> : IAsyncDisposable
{
    private readonly Func<IReadOnlyList<TItem>, CancellationToken, Task<IReadOnlyList<TResult>>> _commit;
    private readonly Func<Exception, bool> _isTransient;
    private readonly Func<TItem, long> _weight;
    private readonly GroupCommitOptions _options;
    private readonly Channel<Waiting> _queue;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _writer;

    /// <summary>Starts the writer.</summary>
    /// <param name="commit">Commits a batch and returns one result per item, in order. Called by one thread of control at a time.</param>
    /// <param name="isTransient">
    /// True for a failure that says nothing about the items (the database is away): the whole batch fails at once. Any other failure is
    /// narrowed down by retrying the batch in halves, so that a bad item harms only itself.
    /// </param>
    /// <param name="options">Bounds; defaults when null.</param>
    /// <param name="weight">Weight of an item against <see cref="GroupCommitOptions.MaxBatchWeight"/>; 0 when null.</param>
    public GroupCommit(
        Func<IReadOnlyList<TItem>, CancellationToken, Task<IReadOnlyList<TResult>>> commit,
        Func<Exception, bool> isTransient,
        GroupCommitOptions? options = null,
        Func<TItem, long>? weight = null)
    {
        _commit = commit;
        _isTransient = isTransient;
        _options = options ?? new GroupCommitOptions();
        _weight = weight ?? (static _ => 0);
        _queue = Channel.CreateBounded<Waiting>(new BoundedChannelOptions(_options.QueueCapacity) { SingleReader = true });
        _writer = Task.Run(WriteBatchesAsync);
    }

    /// <summary>Items waiting for a batch now.</summary>
    public int Queued => _queue.Reader.Count;

    /// <summary>Submits one item and completes when its batch has committed.</summary>
    /// <returns>What the commit answered for the item.</returns>
    /// <exception cref="QueueFullException">The queue is full; nothing was submitted.</exception>
    /// <exception cref="ObjectDisposedException">The group commit has been shut down; nothing was submitted.</exception>
    /// <exception cref="OperationCanceledException">
    /// The caller stopped waiting. The item may still be committed: cancellation ends the wait, not the write.
    /// </exception>
    public Task<TResult> SubmitAsync(TItem item, CancellationToken cancellationToken = default)
    {
        var waiting = new Waiting(item);
        if (!_queue.Writer.TryWrite(waiting))
            return Task.FromException<TResult>(_stop.IsCancellationRequested ? new ObjectDisposedException(nameof(GroupCommit)) : new QueueFullException());

        return waiting.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Takes no more items, commits what waits, then returns.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;

        await _stop.CancelAsync().ConfigureAwait(false);
        _queue.Writer.TryComplete();
        await _writer.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task WriteBatchesAsync()
    {
        var batch = new List<Waiting>(_options.MaxBatchItems);
        while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            batch.Clear();
            var weight = 0L;
            while (batch.Count < _options.MaxBatchItems && weight < _options.MaxBatchWeight && _queue.Reader.TryRead(out var waiting))
            {
                batch.Add(waiting);
                weight += _weight(waiting.Item);
            }

            await CommitAsync(batch).ConfigureAwait(false);
        }
    }

    private async Task CommitAsync(List<Waiting> batch)
    {
        try
        {
            var results = await _commit(batch.ConvertAll(static waiting => waiting.Item), CancellationToken.None).ConfigureAwait(false);
            if (results.Count != batch.Count)
                throw new InvalidOperationException($"The commit answered {results.Count} results for {batch.Count} items.");

            for (var i = 0; i < batch.Count; i++)
                batch[i].SetResult(results[i]);
        }
        catch (Exception exception) when (batch.Count == 1 || _isTransient(exception))
        {
            foreach (var waiting in batch)
                waiting.SetException(exception);
        }
        catch (Exception)
        {
            var half = batch.Count / 2;
            await CommitAsync(batch.GetRange(0, half)).ConfigureAwait(false);
            await CommitAsync(batch.GetRange(half, batch.Count - half)).ConfigureAwait(false);
        }
    }

    private sealed class Waiting(TItem item) : TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public TItem Item { get; } = item;
    }
}
