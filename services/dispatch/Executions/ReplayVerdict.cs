namespace WhatsAppMesh.Dispatch.Executions;

/// <summary>What a replay is decided on.</summary>
/// <param name="Status">Status of the job, <c>discarded</c> when somebody gave it up.</param>
/// <param name="IsSentUnderKey">True when a job with the same send key was sent.</param>
/// <param name="HasMessage">False once retention has emptied it.</param>
/// <param name="LastReplayAt">When it was made by a replay, or replayed.</param>
/// <param name="IsDefinitelyRefused">True when the broker certainly did not send it.</param>
/// <param name="IsKeyForgotten">True when it may have been sent so long ago that the broker no longer recognises its key.</param>
/// <param name="IsDeclaredUnsent">True when somebody who knows has said that it was not sent.</param>
internal sealed record ReplayCandidate(
    string Status, bool IsSentUnderKey, bool HasMessage, DateTimeOffset? LastReplayAt, bool IsDefinitelyRefused, bool IsKeyForgotten = false, bool IsDeclaredUnsent = false);

/// <summary>What becomes of a replay request.</summary>
internal abstract record ReplayVerdict
{
    private const string KeyForgotten = "key_forgotten";
    private static readonly string[] Replayable = ["failed_retryable", "failed", "in_doubt", "expired"];

    /// <summary>A new job takes over, under the original's send key or one of its own.</summary>
    public sealed record Replay(bool WithNewKey) : ReplayVerdict;

    /// <summary>The message has been sent under this key: nothing to do.</summary>
    public sealed record AlreadySent : ReplayVerdict;

    /// <summary>Its last replay was a moment ago.</summary>
    public sealed record TooSoon(TimeSpan Wait) : ReplayVerdict;

    /// <summary>Its state forbids it.</summary>
    public sealed record Forbidden(string Status) : ReplayVerdict
    {
        /// <summary>What to tell whoever asked.</summary>
        public string Why => Status == KeyForgotten
            ? "It may have been sent under a key that the broker no longer remembers: replay it with force_new_key and a reason."
            : $"An execution that is {Status} cannot be replayed.";
    }

    /// <summary>Decides.</summary>
    /// <param name="job">The job as it is now.</param>
    /// <param name="forceNewKey">The operator wants it sent even if the broker has sent it under the old key.</param>
    /// <param name="now">The time.</param>
    /// <param name="pause">Least time between two replays.</param>
    public static ReplayVerdict Of(ReplayCandidate job, bool forceNewKey, DateTimeOffset now, TimeSpan pause)
    {
        if (job.IsSentUnderKey && !forceNewKey)
            return new AlreadySent();
        if (job.LastReplayAt is { } last && last + pause > now)
            return new TooSoon(last + pause - now);
        if (!Replayable.Contains(job.Status))
            return new Forbidden(job.Status);
        if (!job.HasMessage)
            return new Forbidden("message_forgotten");
        var isUnsent = job.IsDefinitelyRefused || (job.IsKeyForgotten && job.IsDeclaredUnsent);
        return job.IsKeyForgotten && !isUnsent && !forceNewKey ? new Forbidden(KeyForgotten) : new Replay(forceNewKey || isUnsent);
    }
}
