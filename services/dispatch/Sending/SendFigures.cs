namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>Jobs that were due and not taken when somebody looked.</summary>
/// <param name="Jobs">How many, of all replicas and tenants.</param>
/// <param name="OldestSeconds">How long the first of them had been due; 0 when there was none.</param>
internal sealed record WaitingSends(long Jobs, long OldestSeconds);

/// <summary>What /healthz tells of sends: it answers without the database, so the figures are kept here.</summary>
internal sealed class SendFigures
{
    private long _sent;
    private long _failed;
    private volatile WaitingSends? _waiting;

    /// <summary>Jobs that this replica has sent since it started.</summary>
    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Jobs that have failed for good on this replica since it started.</summary>
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>What was counted last; null when nothing has been.</summary>
    public WaitingSends? Waiting => _waiting;

    /// <summary>An attempt ended, and left its job in a status.</summary>
    public void Ended(string status)
    {
        if (status == SendOutcome.Sent)
            Interlocked.Increment(ref _sent);
        else if (status is SendOutcome.Failed or SendOutcome.FailedRetryable)
            Interlocked.Increment(ref _failed);
    }

    /// <summary>The waiting jobs were counted.</summary>
    public void Counted(WaitingSends waiting) => _waiting = waiting;
}
