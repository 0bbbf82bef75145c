using Grpc.Core;
using WhatsAppMesh.DeadLetters.V1;
using Contract = WhatsAppMesh.DeadLetters.V1.DeadLetters;

namespace WhatsAppMesh.Deliveries;

/// <summary>Dead letters and replay over gRPC. Each request is for one tenant and never sees another's.</summary>
internal sealed class DeadLettersService(DeadLetterDesk desk) : Contract.DeadLettersBase
{
    public override Task<ListResponse> List(ListRequest request, ServerCallContext context) =>
        AnswerAsync(request.Filter?.Tenant, "filter.tenant", () => desk.ListAsync(request, context.CancellationToken));

    public override Task<GetResponse> Get(GetRequest request, ServerCallContext context) =>
        AnswerAsync(request.Tenant, "tenant", () => desk.GetAsync(request, context.CancellationToken));

    public override Task<ReplayResponse> Replay(ReplayRequest request, ServerCallContext context) =>
        AnswerAsync(request.Tenant, "tenant", () => desk.ReplayAsync(request, requestKey: null, context.CancellationToken));

    public override Task<GetJobResponse> GetJob(GetJobRequest request, ServerCallContext context) =>
        AnswerAsync(request.Tenant, "tenant", async () => new GetJobResponse { Job = await desk.GetJobAsync(request.Tenant, request.JobId, context.CancellationToken) });

    public override Task<PauseJobResponse> PauseJob(PauseJobRequest request, ServerCallContext context) =>
        AnswerAsync(request.Tenant, "tenant", async () => new PauseJobResponse { Job = await desk.PauseJobAsync(request.Tenant, request.JobId, request.RequestedBy, context.CancellationToken) });

    public override Task<ResumeJobResponse> ResumeJob(ResumeJobRequest request, ServerCallContext context) =>
        AnswerAsync(request.Tenant, "tenant", async () => new ResumeJobResponse { Job = await desk.ResumeJobAsync(request.Tenant, request.JobId, request.RequestedBy, context.CancellationToken) });

    public override Task<CancelJobResponse> CancelJob(CancelJobRequest request, ServerCallContext context) =>
        AnswerAsync(request.Tenant, "tenant", async () => new CancelJobResponse { Job = await desk.CancelJobAsync(request.Tenant, request.JobId, request.RequestedBy, context.CancellationToken) });

    public override Task<DiscardResponse> Discard(DiscardRequest request, ServerCallContext context) =>
        AnswerAsync(request.Tenant, "tenant", () => desk.DiscardAsync(request, context.CancellationToken));

    private static async Task<T> AnswerAsync<T>(string? tenant, string tenantField, Func<Task<T>> answer)
    {
        if (string.IsNullOrEmpty(tenant))
            throw DeadLetterDesk.Invalid(tenantField, "must name the tenant");

        try
        {
            return await answer();
        }
        catch (Exception exception) when (exception is not RpcException && FailureClassifier.Classify(exception) == FailureClass.Transient)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "The database cannot answer now; try again."));
        }
    }
}
