using System.Diagnostics;
using Npgsql;
using WhatsAppMesh.Dispatch.Claims;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>Takes one started job to the end of its attempt: whom it is for, what it says, its slot, the send, and what follows from the answer.</summary>
internal sealed partial class JobRunner(
    ClaimStore claims, SendStore store, JobEndings endings, SendContents contents, BrokerClient broker, InstanceStatus instances, SendMetrics metrics,
    SendingOptions options, TimeProvider time, ILogger<JobRunner> logger)
{
    private static readonly ActivitySource Traces = new("WhatsAppMesh.Dispatch");
    private static readonly TimeSpan WriteAgain = TimeSpan.FromSeconds(1);

    private readonly RetrySchedule _schedule = new(options.Delays, options.RetrySpread);

    /// <summary>Runs an attempt and writes its end. Never throws.</summary>
    /// <param name="job">The job; its claim is ours.</param>
    /// <param name="stopping">No send begins any more; one under way goes on.</param>
    /// <returns>The job's status after it; null when the claim was lost and nothing was written.</returns>
    public async Task<string?> RunAsync(StartedJob job, CancellationToken stopping)
    {
        using var activity = Traces.StartActivity("send", ActivityKind.Producer, job.TraceParent);
        activity?.SetTag("mesh.job", job.SendKey).SetTag("mesh.instance", job.InstanceId).SetTag("mesh.attempt", job.Attempt);
        var ended = await AttemptAsync(job, stopping);
        var status = ended is null ? null : await WriteEndAsync(ended);
        if (status is null)
        {
            metrics.Lost();
            Log.ClaimLost(logger, job.SendKey);
            return null;
        }

        activity?.SetTag("mesh.status", status);
        metrics.Ended(ended!, status);
        if (ended!.Outcome.Category is { } category)
            Log.Failed(logger, job.SendKey, job.Attempt, status, category, ended.Outcome.Error);
        var sent = status == SendOutcome.Sent;
        await endings.SettleAsync(job.Claim, sent ? ClaimState.Sent : ClaimState.Released, sent ? ended.Outcome.ExternalId : null);
        return status;
    }

    /// <summary>The attempt itself; null when the claim turned out to be lost.</summary>
    private async Task<FinishedJob?> AttemptAsync(StartedJob job, CancellationToken stopping)
    {
        FinishedJob Without(SendOutcome outcome) => new(job, job.Claim, outcome);
        try
        {
            if (job.CancelRequested)
                return Without(new SendOutcome(SendOutcome.Cancelled, Counts: false));
            if (job.BeganBefore && options.Idempotency == BrokerIdempotency.None)
                return Without(new SendOutcome(SendOutcome.InDoubt, "unknown", Error: "the worker was gone after the send began"));
            if (job.Attempt > _schedule.Attempts)
                return Without(new SendOutcome(SendOutcome.FailedRetryable, "unknown", Counts: false, Error: "its workers were gone too often"));

            var content = await contents.MakeAsync(job, stopping);
            if (content.Body is not { } body)
                return Without(content.Problem is { } problem ? problem : Later(job, content.Error));
            await WaitAsync(job.SlotAt, stopping);
            if (claims.Left(job.Claim) <= options.CallTimeout && !await RenewAsync(job, stopping))
                return null;
            if (options.Idempotency == BrokerIdempotency.None && !await store.NoteSendBeganAsync(job, stopping))
                return Without(SendOutcome.PutOff(TimeSpan.Zero, null));
            stopping.ThrowIfCancellationRequested();
            return options.Mode == SendMode.DryRun ? Without(new SendOutcome(SendOutcome.Sent, ExternalId: "dryrun")) : await SendAsync(job, body);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return Without(SendOutcome.PutOff(TimeSpan.Zero, "the worker stopped"));
        }
        catch (Exception e)
        {
            // Nothing has left: a send never throws.
            Log.NotTried(logger, job.SendKey, e);
            return Without(SendOutcome.PutOff(options.Postponement, e.GetType().Name));
        }
    }

    private async Task<FinishedJob> SendAsync(StartedJob job, byte[] body)
    {
        var start = time.GetTimestamp();
        var reply = await broker.SendAsync(job.InstanceId, body, job.SendKey, CancellationToken.None);
        var answer = BrokerAnswer.Read(reply);
        var outcome = SendOutcome.After(answer, options.Idempotency, job.Attempt, _schedule, options.Postponement, Random.Shared.NextDouble());
        if (answer.Verdict == BrokerVerdict.Sent)
            outcome = outcome with { ExternalId = answer.ExternalId ?? job.SendKey };
        if (answer.Verdict == BrokerVerdict.Offline)
            instances.SawOffline(job.InstanceId);
        if (answer is { Verdict: BrokerVerdict.Throttled, RetryAfter: { } wait })
            await DelayInstanceAsync(job.InstanceId, wait);
        return new FinishedJob(job, job.Claim, outcome, reply.Status, time.GetElapsedTime(start), RedactedAnswer.Of(reply.Body));
    }

    /// <summary>Writes the end for as long as the claim lasts; after that another worker decides.</summary>
    private async Task<string?> WriteEndAsync(FinishedJob ended)
    {
        while (true)
        {
            try
            {
                return await endings.FinishAsync(ended);
            }
            catch (Exception e) when (claims.Left(ended.Claim) > WriteAgain)
            {
                Log.NotWritten(logger, ended.Job.SendKey, e);
                await Task.Delay(WriteAgain, time);
            }
            catch (Exception e)
            {
                Log.NotWritten(logger, ended.Job.SendKey, e);
                return null;
            }
        }
    }

    private async Task<bool> RenewAsync(StartedJob job, CancellationToken cancellationToken)
    {
        if (await claims.RenewAsync(job.Claim, cancellationToken) is not { } renewed)
            return false;
        job.Claim = renewed;
        return claims.Left(renewed) > options.CallTimeout;
    }

    private async Task WaitAsync(long until, CancellationToken cancellationToken)
    {
        var left = time.GetElapsedTime(time.GetTimestamp(), until);
        if (left > TimeSpan.Zero)
            await Task.Delay(left, time, cancellationToken);
    }

    // The broker asked for it of the whole instance, not of this job alone.
    private async Task DelayInstanceAsync(string instance, TimeSpan wait)
    {
        try
        {
            await store.DelayInstanceAsync(instance, wait, CancellationToken.None);
        }
        catch (NpgsqlException e)
        {
            Log.NotDelayed(logger, e);
        }
    }

    private SendOutcome Later(StartedJob job, string? error) => _schedule.After(job.Attempt, Random.Shared.NextDouble()) is { } wait
        ? new(SendOutcome.Pending, "transient", wait, Error: error)
        : new(SendOutcome.FailedRetryable, "transient", Error: error);

    private static partial class Log
    {
        [LoggerMessage(4101, LogLevel.Warning, "The claim of job {Job} was lost to another worker; nothing was written")]
        public static partial void ClaimLost(ILogger logger, string job);

        [LoggerMessage(4102, LogLevel.Information, "Job {Job}, attempt {Attempt}: {Status} ({Category}: {Error})")]
        public static partial void Failed(ILogger logger, string job, int attempt, string status, string category, string? error);

        [LoggerMessage(4103, LogLevel.Warning, "Job {Job} could not be tried and is put off")]
        public static partial void NotTried(ILogger logger, string job, Exception exception);

        [LoggerMessage(4104, LogLevel.Warning, "The end of job {Job} could not be written")]
        public static partial void NotWritten(ILogger logger, string job, Exception exception);

        [LoggerMessage(4105, LogLevel.Warning, "An instance that the broker throttles could not be delayed")]
        public static partial void NotDelayed(ILogger logger, Exception exception);
    }
}
