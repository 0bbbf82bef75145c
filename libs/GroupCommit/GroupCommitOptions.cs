namespace WhatsAppMesh.GroupCommit;

/// <summary>Bounds of a <see cref="GroupCommit{TItem, TResult}"/>.</summary>
public sealed record GroupCommitOptions
{
    /// <summary>Items that may wait for a batch; one more is refused with <see cref="QueueFullException"/>. Default 8,192.</summary>
    public int QueueCapacity { get; init; } = 8192;

    /// <summary>Most items in one batch. Default 512.</summary>
    public int MaxBatchItems { get; init; } = 512;

    /// <summary>A batch takes no further item once the weights of its items reach this sum. Default 8 Mi (bytes, when the weight is a size).</summary>
    public long MaxBatchWeight { get; init; } = 8 * 1024 * 1024;
}

/// <summary>The queue of a group commit is full: the caller should be told to come back later.</summary>
public sealed class QueueFullException() : Exception("The commit queue is full.");
