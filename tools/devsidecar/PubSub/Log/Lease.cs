using WhatsAppMesh.DevSidecar.PubSub.Envelopes;

namespace WhatsAppMesh.DevSidecar.PubSub.Log;

/// <summary>A message of a lease.</summary>
/// <param name="Id">Its id in the topic.</param>
/// <param name="Message">What is delivered.</param>
internal sealed record LeasedMessage(long Id, TopicMessage Message);

/// <summary>A run of message ids.</summary>
internal readonly record struct IdRange(long First, long Last);

/// <summary>Messages this process alone delivers, until each is settled or the lease runs out.</summary>
internal sealed class Lease(int topic, string consumer, IdRange range, IReadOnlyList<LeasedMessage> messages)
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _rows = new(1);
    private readonly HashSet<long> _open = [.. messages.Select(message => message.Id)];
    private List<IdRange> _stored = [range];
    private int _openWhenStored = messages.Count;

    public int Topic => topic;

    public string Consumer => consumer;

    public IReadOnlyList<LeasedMessage> Messages => messages;

    /// <summary>Whether a message is still to be settled.</summary>
    public bool IsOpen(LeasedMessage message)
    {
        lock (_lock)
            return _open.Contains(message.Id);
    }

    /// <summary>Nothing of it is open any more.</summary>
    public bool IsSettled
    {
        get
        {
            lock (_lock)
                return _open.Count == 0;
        }
    }

    /// <summary>Marks a message as done with.</summary>
    /// <returns>True when it was the last one: the lease can go.</returns>
    public bool Settle(LeasedMessage message)
    {
        lock (_lock)
            return _open.Remove(message.Id) && _open.Count == 0;
    }

    /// <summary>The rows that stand for this lease in the database.</summary>
    public IReadOnlyList<IdRange> Stored
    {
        get
        {
            lock (_lock)
                return _stored;
        }
    }

    /// <summary>The runs of messages still open, if they are fewer than when the rows were written; else none.</summary>
    public IReadOnlyList<IdRange> Shrunk()
    {
        lock (_lock)
            return _open.Count == _openWhenStored ? [] : Runs();
    }

    /// <summary>Keeps changes to the rows of this lease one after the other; dispose what comes back after the change.</summary>
    public async ValueTask<RowsEntered> EnterRowsAsync(CancellationToken cancellationToken)
    {
        await _rows.WaitAsync(cancellationToken);
        return new RowsEntered(_rows);
    }

    /// <summary>Remembers that the rows now say these runs.</summary>
    public void SetStored(IReadOnlyList<IdRange> ranges)
    {
        lock (_lock)
        {
            _stored = [.. ranges];
            _openWhenStored = (int)ranges.Sum(range => range.Last - range.First + 1);
        }
    }

    /// <summary>The runs of messages still open.</summary>
    public IReadOnlyList<IdRange> Remaining()
    {
        lock (_lock)
            return Runs();
    }

    private List<IdRange> Runs()
    {
        var runs = new List<IdRange>();
        foreach (var id in messages.Select(message => message.Id).Where(_open.Contains))
        {
            if (runs.Count > 0 && runs[^1].Last == id - 1)
                runs[^1] = runs[^1] with { Last = id };
            else
                runs.Add(new IdRange(id, id));
        }

        return runs;
    }

    /// <summary>A change to the rows under way.</summary>
    public readonly struct RowsEntered(SemaphoreSlim rows) : IDisposable
    {
        public void Dispose() => rows.Release();
    }
}
