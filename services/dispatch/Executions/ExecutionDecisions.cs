using Npgsql;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Dispatch.Sending;

namespace WhatsAppMesh.Dispatch.Executions;

/// <summary>Who decides, and why: kept with the execution.</summary>
internal sealed record Decider(string Tenant, string Key, string Reason);

/// <summary>What operators decide about executions. Each decision is one transaction that holds the job's row, and is kept.</summary>
internal sealed class ExecutionDecisions(NpgsqlDataSource database, DispatchOptions options, SendingOptions sending, TimeProvider time)
{
    private const string InDoubt = "in_doubt";
    private const string NotSent = "resolve_not_sent";
    private const string BecomesNotSent = "status = 'failed_retryable', finished_at = $2";

    /// <summary>Replays an execution.</summary>
    /// <returns>The verdict, and the new job's id when there is one; null when the tenant has no such execution.</returns>
    public async Task<(ReplayVerdict Verdict, Guid? NewId)?> ReplayAsync(Decider by, Guid id, bool forceNewKey, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var answer = await ReplayAsync(by, id, forceNewKey, transaction, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return answer;
    }

    /// <summary>The same inside a transaction of the caller's.</summary>
    public async Task<(ReplayVerdict Verdict, Guid? NewId)?> ReplayAsync(Decider by, Guid id, bool forceNewKey, NpgsqlTransaction transaction, CancellationToken cancellationToken) =>
        await LockAsync(by.Tenant, id, transaction, cancellationToken) is { } job ? await ReplayAsync(by, id, job, forceNewKey, transaction, cancellationToken) : null;

    private async Task<(ReplayVerdict Verdict, Guid? NewId)> ReplayAsync(
        Decider by, Guid id, ReplayCandidate job, bool forceNewKey, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var verdict = ReplayVerdict.Of(job, forceNewKey, now, options.ReplayPause);
        Guid? newId = null;
        var trip = new RoundTrip(transaction);
        if (verdict is ReplayVerdict.AlreadySent)
        {
            Note(trip, by, id, "idempotent_skip", now);
        }
        else if (verdict is ReplayVerdict.Replay replay)
        {
            newId = Guid.CreateVersion7(now);
            var key = await ReplayKeyAsync(id, transaction, cancellationToken);
            Note(trip, by, id, forceNewKey ? "force_new_key" : "replay", now);
            TakeOver(trip, id, newId.Value, key, replay.WithNewKey ? JobKey.Hash(key) : null, now);
        }

        await trip.SendAsync(cancellationToken);
        return (verdict, newId);
    }

    /// <summary>Says what became of a send whose outcome is not known.</summary>
    /// <returns>The status before; the resolution counts only when that was <c>in_doubt</c>. Null when the tenant has no such execution.</returns>
    public Task<string?> ResolveAsync(Decider by, Guid id, bool wasSent, CancellationToken cancellationToken) => DecideAsync(
        by, id, static status => status == InDoubt, wasSent ? "resolve_sent" : NotSent, wasSent ? "status = 'sent', finished_at = $2" : BecomesNotSent, cancellationToken);

    /// <summary>Says that a send whose outcome is not known did not go out, and sends it again: both, or nothing when its state forbids a replay.</summary>
    /// <returns>The status before, and, when that was <c>in_doubt</c>, the replay's verdict and the new job's id. Null when the tenant has no such execution.</returns>
    public async Task<(string Before, ReplayVerdict? Verdict, Guid? NewId)?> ResendAsync(Decider by, Guid id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await LockAsync(by.Tenant, id, transaction, cancellationToken) is not { } job)
            return null;
        if (job.Status != InDoubt)
            return (job.Status, null, null);
        await ChangeAsync(by, id, NotSent, BecomesNotSent, transaction, cancellationToken);

        // Whoever knows what became of the last send need not wait for it.
        var resolved = job with { Status = "failed_retryable", LastReplayAt = null, IsDeclaredUnsent = true };
        var (verdict, newId) = await ReplayAsync(by, id, resolved, forceNewKey: false, transaction, cancellationToken);
        if (verdict is not ReplayVerdict.Forbidden)
            await transaction.CommitAsync(cancellationToken);
        return (job.Status, verdict, newId);
    }

    /// <summary>Gives an execution up: it no longer waits for a decision, and is never replayed.</summary>
    /// <returns>The status before; it counts only for one that failed, is in doubt or expired, or was discarded already. Null when there is none.</returns>
    public Task<string?> DiscardAsync(Decider by, Guid id, CancellationToken cancellationToken) => DecideAsync(
        by, id, static status => status is "failed_retryable" or "failed" or "in_doubt" or "expired", "discard", "discarded_at = $2", cancellationToken);

    private async Task<string?> DecideAsync(Decider by, Guid id, Predicate<string> allows, string action, string change, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await LockAsync(by.Tenant, id, transaction, cancellationToken) is not { } job)
            return null;
        if (allows(job.Status))
            await ChangeAsync(by, id, action, change, transaction, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return job.Status;
    }

    private async Task ChangeAsync(Decider by, Guid id, string action, string change, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var trip = new RoundTrip(transaction);
        Note(trip, by, id, action, now);
        trip.Run($"update jobs set {change}, updated_at = $2 where id = $1", id, now);
        await trip.SendAsync(cancellationToken);
    }

    private async Task<ReplayCandidate?> LockAsync(string tenant, Guid id, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        ReplayCandidate? job = null;
        // A broker that remembers no keys forgets none: there a replay is a person's decision anyway.
        var remembered = sending.Idempotency == BrokerIdempotency.Keyed ? time.GetUtcNow() - sending.KeyWindow : DateTimeOffset.MinValue;
        var trip = new RoundTrip(transaction);
        trip.Read("select 1 from jobs where id = $1 and tenant = $2 for update", static _ => { }, id, tenant);
        trip.Read("""
            select case when j.discarded_at is null then j.status else 'discarded' end,
                exists (select from jobs s where s.tenant = j.tenant and s.send_key = j.send_key and s.status = 'sent'), j.message <> '{}', j.last_replay_at, j.definite_refusal,
                exists (select from jobs o join attempts a on a.job_id = o.id where o.tenant = j.tenant and o.send_key = j.send_key and a.send_began_at <= $3),
                exists (select from job_decisions d where d.job_id = j.id and d.action = 'resolve_not_sent')
            from jobs j where j.id = $1 and j.tenant = $2
            """,
            row => job = new ReplayCandidate(
                row.GetString(0), row.GetBoolean(1), row.GetBoolean(2), row.TimeOrNull(3), row.GetBoolean(4), row.GetBoolean(5), row.GetBoolean(6)), id, tenant, remembered);
        await trip.SendAsync(cancellationToken);
        return job;
    }

    // The original's key, and which replay of it this is.
    private static async Task<string> ReplayKeyAsync(Guid id, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var key = "";
        var trip = new RoundTrip(transaction);
        trip.Read("""
            with recursive chain as (
                select id, replay_of, key, 1 as number from jobs where id = $1
                union all select j.id, j.replay_of, j.key, c.number + 1 from chain c join jobs j on j.id = c.replay_of)
            select key, number from chain order by number desc limit 1
            """, row => key = JobKey.OfReplay(row.GetString(0), row.GetInt32(1)), id);
        await trip.SendAsync(cancellationToken);
        return key;
    }

    private static void TakeOver(RoundTrip trip, Guid id, Guid newId, string key, string? sendKey, DateTimeOffset now)
    {
        trip.Run("""
            insert into jobs (id, tenant, key, send_key, kind, automation_id, step_id, trigger_kind, entity, occurrence, instance_id, message, subject, status, due_at,
                next_attempt_at, replay_of, last_replay_at, log, position, received_at, traceparent, created_at, updated_at)
            select $2, tenant, $3, coalesce($4::text, send_key), kind, automation_id, step_id, trigger_kind, entity, occurrence, instance_id, message, subject, 'pending', $5,
                $5, id, $5, log, position, received_at, traceparent, $5, $5
            from jobs where id = $1
            """, id, newId, key, (object?)sendKey ?? DBNull.Value, now);
        trip.Run("update jobs set status = 'replayed', last_replay_at = $2, updated_at = $2, finished_at = coalesce(finished_at, $2) where id = $1", id, now);
    }

    private static void Note(RoundTrip trip, Decider by, Guid id, string action, DateTimeOffset now) => trip.Run(
        "insert into job_decisions (id, tenant, job_id, action, requested_by, reason, decided_at) values ($1, $2, $3, $4, $5, $6, $7)",
        Guid.CreateVersion7(now), by.Tenant, id, action, by.Key, by.Reason, now);
}
