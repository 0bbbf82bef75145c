namespace Dapr.Client;

/// <summary>How a state store treats a write. What is left null is the store's own choice (last write wins, eventual).</summary>
public class StateOptions
{
    /// <summary>When the write counts as done.</summary>
    public ConsistencyMode? Consistency { get; set; }

    /// <summary>Which of two concurrent writes wins.</summary>
    public ConcurrencyMode? Concurrency { get; set; }
}

/// <summary>When a write counts as done, or how fresh a read is.</summary>
public enum ConsistencyMode
{
    /// <summary>Replicas follow later.</summary>
    Eventual,

    /// <summary>All, or a quorum, of the replicas have it.</summary>
    Strong,
}

/// <summary>Which of two concurrent writes wins.</summary>
public enum ConcurrencyMode
{
    /// <summary>The first: without an ETag the key must not exist yet.</summary>
    FirstWrite,

    /// <summary>The last.</summary>
    LastWrite,
}
