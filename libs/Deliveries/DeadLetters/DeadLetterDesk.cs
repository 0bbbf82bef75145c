using Grpc.Core;
using WhatsAppMesh.DeadLetters.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// What may be asked about dead letters, whichever way the question came in: gRPC, an invoked method or the replay topic. Refusals are
/// <see cref="RpcException"/>: INVALID_ARGUMENT names the field, NOT_FOUND the key, FAILED_PRECONDITION the state.
/// An empty tenant means the whole mesh; only ways in that are for the mesh's own operators let it through.
/// </summary>
internal sealed class DeadLetterDesk(
    DeadLetterQueries queries, DeadLetterDiscarding discarding, ReplayJobStore jobs, ReplayJobRunner runner, ReplaySelection selection, DeliveriesOptions options, TimeProvider time)
{
    public async Task<ListResponse> ListAsync(ListRequest request, CancellationToken cancellationToken)
    {
        var size = DeadLetterRules.PageSize(request.PageSize);
        var filter = request.Filter ?? new DeadLetterFilter();
        DeadLetterRules.Filter(filter);
        try
        {
            var (page, next) = await queries.ListAsync(filter, size, request.PageToken, cancellationToken);
            var response = new ListResponse { NextPageToken = next };
            response.DeadLetters.Add(page);
            if (request.PageToken.Length == 0)
                response.Causes.Add(await queries.CausesAsync(filter, cancellationToken));
            return response;
        }
        catch (FormatException)
        {
            throw RequestFields.Invalid("page_token", "was not made for this filter; ask for the first page");
        }
    }

    public async Task<GetResponse> GetAsync(GetRequest request, CancellationToken cancellationToken)
    {
        var found = await queries.GetAsync(request.Tenant, [DeadLetterRules.Id("id", request.Id)], cancellationToken);
        return found is [var (row, envelope)] ? new GetResponse { DeadLetter = row, EnvelopeJson = envelope } : throw NotFound("dead letter", request.Id);
    }

    /// <summary>Makes a replay job, or, for a dry run, only counts.</summary>
    /// <param name="requestKey">Names a request that may come twice, such as a replay message; null for one that does not.</param>
    public async Task<ReplayResponse> ReplayAsync(ReplayRequest request, string? requestKey, CancellationToken cancellationToken)
    {
        DeadLetterRules.Replay(request);
        if (options.ReplaySends && request is { Ranges.Count: > 0, AllowSends: false, DryRun: false })
            throw new RpcException(new Status(StatusCode.FailedPrecondition, "allow_sends: must be true, because events of a range that were applied before may send again here."));

        // A request that comes again may find nothing to replay any more, because it has been done.
        if (requestKey is not null && await jobs.RequestedAsync(requestKey, cancellationToken) is { } made)
            return new ReplayResponse { Matched = made.Matched, JobId = made.Id.ToString() };

        var (deadLetters, spans, matched) = request.Ranges.Count > 0
            ? await selection.PositionsAsync(request, cancellationToken)
            : await DeadLettersAsync(request, cancellationToken);
        if (request.DryRun || matched == 0)
            return new ReplayResponse { Matched = matched };

        var id = await jobs.CreateAsync(
            new ReplayJobRow
            {
                Id = Guid.CreateVersion7(time.GetUtcNow()),
                Tenant = request.Tenant,
                DeadLetters = deadLetters,
                Spans = spans,
                Rate = request.Rate == 0 ? options.ReplayRate : request.Rate,
                Matched = matched,
                AllowSends = request.AllowSends,
                Reason = request.Reason,
                RequestedBy = request.RequestedBy,
                CreatedAt = time.GetUtcNow(),
            },
            requestKey,
            cancellationToken);
        runner.Wake();
        return new ReplayResponse { Matched = matched, JobId = id.ToString() };
    }

    public async Task<ReplayJob> GetJobAsync(string tenant, string jobId, CancellationToken cancellationToken) =>
        (await FindJobAsync(tenant, jobId, cancellationToken)).ToContract();

    public Task<ReplayJob> PauseJobAsync(string tenant, string jobId, string requestedBy, CancellationToken cancellationToken) =>
        MoveJobAsync(tenant, jobId, [ReplayJobRow.Running], ReplayJobRow.Paused, requestedBy, "pause", cancellationToken);

    public async Task<ReplayJob> ResumeJobAsync(string tenant, string jobId, string requestedBy, CancellationToken cancellationToken)
    {
        var job = await MoveJobAsync(tenant, jobId, [ReplayJobRow.Paused], ReplayJobRow.Running, requestedBy, "resume", cancellationToken);
        runner.Wake();
        return job;
    }

    public Task<ReplayJob> CancelJobAsync(string tenant, string jobId, string requestedBy, CancellationToken cancellationToken) =>
        MoveJobAsync(tenant, jobId, [ReplayJobRow.Running, ReplayJobRow.Paused], ReplayJobRow.Cancelled, requestedBy, "cancel", cancellationToken);

    public async Task<DiscardResponse> DiscardAsync(DiscardRequest request, CancellationToken cancellationToken)
    {
        DeadLetterRules.Reason(request.Reason);
        DeadLetterRules.RequestedBy(request.RequestedBy);
        var ids = DeadLetterRules.Ids(request.Ids);
        var discarded = await discarding.DiscardAsync(request.Tenant, ids, request.Reason, request.RequestedBy, cancellationToken);
        if (discarded == 0)
            await ExplainAsync(request.Tenant, ids, cancellationToken);
        return new DiscardResponse { Discarded = discarded };
    }

    private async Task<(IReadOnlyList<Guid> DeadLetters, IReadOnlyList<LogSpan> Spans, long Matched)> DeadLettersAsync(ReplayRequest request, CancellationToken cancellationToken)
    {
        if (request.Filter is { } filter)
        {
            var mine = filter.Clone();
            mine.Tenant = request.Tenant;
            var matching = await queries.MatchAsync(mine, cancellationToken);
            return (matching, [], matching.Count);
        }

        var ids = DeadLetterRules.Ids(request.Ids);
        var open = (await queries.GetAsync(request.Tenant, ids, cancellationToken)).Where(static found => found.Row.State == State.Open).Select(static found => Guid.Parse(found.Row.Id)).ToList();
        if (open.Count == 0)
            await ExplainAsync(request.Tenant, ids, cancellationToken);
        return (open, [], open.Count);
    }

    /// <summary>Says why none of the ids can be acted on.</summary>
    private async Task ExplainAsync(string tenant, IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        var found = await queries.GetAsync(tenant, ids, cancellationToken);
        if (found.Count == 0)
            throw NotFound("dead letter", ids[0].ToString());

        var (row, _) = found[0];
        throw new RpcException(new Status(StatusCode.FailedPrecondition, $"Dead letter {row.Id} is {DeadLetterRow.NameOf(row.State)}, only open ones can be replayed or discarded."));
    }

    private async Task<ReplayJob> MoveJobAsync(string tenant, string jobId, string[] from, string to, string requestedBy, string action, CancellationToken cancellationToken)
    {
        DeadLetterRules.RequestedBy(requestedBy);
        var job = await FindJobAsync(tenant, jobId, cancellationToken);
        if (!await jobs.MoveAsync(job, from, to, requestedBy, action, cancellationToken))
            throw new RpcException(new Status(StatusCode.FailedPrecondition, $"Job {jobId} is {job.State}; to {action} it, it must be {string.Join(" or ", from)}."));
        return await GetJobAsync(tenant, jobId, cancellationToken);
    }

    private async Task<ReplayJobRow> FindJobAsync(string tenant, string jobId, CancellationToken cancellationToken) =>
        await jobs.GetAsync(tenant, DeadLetterRules.Id("job_id", jobId), cancellationToken) ?? throw NotFound("replay job", jobId);

    private static RpcException NotFound(string what, string key) => new(new Status(StatusCode.NotFound, $"There is no {what} {key}."));
}
