using System.Diagnostics;
using Grpc.Core;
using Npgsql;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Dispatch.Claims;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>Takes one started job to the end of its attempt: whom it is for, what it says, its slot, the send, and what follows from the answer.</summary>
internal sealed partial class JobRunner(
    ClaimStore claims, SendStore store, JobEndings endings, SendContents contents, BrokerClient broker, InstanceStatus instances, SendMetrics metrics,
    SendFigures figures, SendingOptions options, DependencyStates dependencies, TimeProvider time, ILogger<JobRunner> logger)
{
    private static readonly ActivitySource Traces = new("WhatsAppMesh.Dispatch");
    private static readonly TimeSpan WriteAgain = TimeSpan.FromSeconds(1);

    private readonly DependencyState _preparing = dependencies.Of("job attempt", "Attempts cannot be prepared");
    private readonly DependencyState _ending = dependencies.Of("job end", "The ends of attempts cannot be written in the database");
    private readonly RetrySchedule _schedule = new(options.Delays, options.RetrySpread);

    /// <summary>Runs an attempt and writes its end. Never throws.</summary>
    /// <param name="job">The job; its claim is ours.</param>
    /// <param name="stopping">No send begins any more; one under way goes on.</param>
    /// <returns>The job's status after it; null when nothing was written: the claim was lost, or the database was away until it lapsed.</returns>
    public async Task<string?> RunAsync(StartedJob job, CancellationToken stopping)
    {
        using var activity = Traces.StartActivity("send", ActivityKind.Producer, job.TraceParent);
        activity?.SetTag("mesh.job", job.SendKey).SetTag("mesh.instance", job.InstanceId).SetTag("mesh.attempt", job.Attempt);
        if (await AttemptAsync(job, stopping) is not { } ended)
        {
            Lost(job);
            return null;
        }

        if (await WriteEndAsync(ended) is not { } status)
            return null;
        activity?.SetTag("mesh.status", status);
        metrics.Ended(ended, status);
        figures.Ended(status);
        if (ended.Outcome.Category is { } category)
            Log.Failed(logger, job.SendKey, job.Attempt, status, category, ended.Outcome.Error);
        var sent = status == SendOutcome.Sent;
        await endings.SettleAsync(job.Claim, sent ? ClaimState.Sent : ClaimState.Released, sent ? ended.Outcome.ExternalId : null);
        return status;
    }

    /// <summary>The attempt itself; null when the claim turned out to be lost.</summary>
    private async Task<FinishedJob?> AttemptAsync(StartedJob job, CancellationToken stopping)
    {
        FinishedJob Without(SendOutcome outcome) => new(job, job.Claim, outcome);
        byte[] body;
        try
        {
            if (SendOutcome.Before(job.EarlierSend, options.Idempotency, options.KeyWindow) is { } forbidden)
                return Without(forbidden);
            if (job.Attempt > _schedule.Attempts)
                return Without(new SendOutcome(SendOutcome.FailedRetryable, "unknown", Counts: false, Error: "its workers were gone too often"));

            var content = await contents.MakeAsync(job, stopping);
            if (content.Body is null)
                return Without(content.Problem is { } problem ? problem : Later(job, content.Error));
            body = content.Body;
            await WaitAsync(job.SlotAt, stopping);
            if (claims.Left(job.Claim) <= options.CallTimeout && !await RenewAsync(job, stopping))
                return null;
            if (options.Idempotency == BrokerIdempotency.None && !await store.NoteSendBeganAsync(job, stopping))
                return Without(SendOutcome.PutOff(TimeSpan.Zero, null));
            stopping.ThrowIfCancellationRequested();
        }
        catch (Exception e) when (stopping.IsCancellationRequested && e is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled })
        {
            return Without(SendOutcome.PutOff(TimeSpan.Zero, "the worker stopped"));
        }
        catch (Exception e)
        {
            var failure = Failure.Of(e, "prepare");
            _preparing.Count(e);
            Log.NotTried(logger, job.SendKey, failure.Error, failure.Message);
            return Without(SendOutcome.PutOff(options.Postponement, e.GetType().Name));
        }

        // From here on the message may have left. What throws all the same leaves the job to recovery, which takes that for granted.
        return options.Mode == SendMode.DryRun ? Without(new SendOutcome(SendOutcome.Sent, ExternalId: "dryrun")) : await SendAsync(job, body);
    }

    private async Task<FinishedJob> SendAsync(StartedJob job, byte[] body)
    {
        var start = time.GetTimestamp();
        var reply = await broker.SendAsync(job.InstanceId, body, job.SendKey, CancellationToken.None);
        var latency = time.GetElapsedTime(start);
        var answer = BrokerAnswer.Read(reply);
        var outcome = SendOutcome.After(answer, latency, options.Idempotency, job.Attempt, _schedule, options.Postponement, Random.Shared.NextDouble());
        if (answer.Verdict == BrokerVerdict.Sent)
            outcome = outcome with { ExternalId = answer.ExternalId ?? job.SendKey };
        if (answer.Verdict == BrokerVerdict.Offline)
            instances.SawOffline(job.InstanceId);
        if (answer is { Verdict: BrokerVerdict.Throttled, RetryAfter: { } wait })
            await DelayInstanceAsync(job.InstanceId, wait);
        return new FinishedJob(job, job.Claim, outcome, reply.Status, latency, RedactedAnswer.Of(reply.Body));
    }

    /// <summary>
    /// Writes the end for as long as the claim lasts. While the row of a message that was sent cannot be written, its claim says so: whoever
    /// takes the job over then knows.
    /// </summary>
    /// <returns>The job's status now; null when nothing was written.</returns>
    private async Task<string?> WriteEndAsync(FinishedJob ended)
    {
        for (var claimed = false; ; await Task.Delay(WriteAgain, time))
        {
            try
            {
                var status = await endings.FinishAsync(ended);
                _ending.Works();
                if (status is null)
                    Lost(ended.Job);
                return status;
            }
            catch (Exception e)
            {
                var failure = Failure.Of(e, "write");
                if (!_ending.IsFailing)
                    Log.NotWritten(logger, ended.Job.SendKey, failure.Error, failure.Message);
                _ending.Fails(e);
                if (!claimed && ended.Outcome.Status == SendOutcome.Sent)
                    claimed = await endings.SettleAsync(ended.Claim, ClaimState.Sent, ended.Outcome.ExternalId);
                if (claims.Left(ended.Claim) <= WriteAgain)
                    return null;
                // The answer is the broker's text: all that a database could refuse for good.
                if (e is not NpgsqlException { IsTransient: true })
                    ended = ended with { Answer = null };
            }
        }
    }

    private void Lost(StartedJob job)
    {
        metrics.Lost();
        Log.ClaimLost(logger, job.SendKey);
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
        catch (Exception e)
        {
            var failure = Failure.Of(e, "delay");
            _ending.Count(e);
            Log.NotDelayed(logger, failure.Error, failure.Message);
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

        [LoggerMessage(4103, LogLevel.Warning, "Job {Job} could not be tried and is put off ({Error}): {Message}")]
        public static partial void NotTried(ILogger logger, string job, string error, string message);

        [LoggerMessage(4104, LogLevel.Warning, "The end of job {Job} could not be written ({Error}): {Message}")]
        public static partial void NotWritten(ILogger logger, string job, string error, string message);

        [LoggerMessage(4105, LogLevel.Warning, "An instance that the broker throttles could not be delayed ({Error}): {Message}")]
        public static partial void NotDelayed(ILogger logger, string error, string message);
    }
}
