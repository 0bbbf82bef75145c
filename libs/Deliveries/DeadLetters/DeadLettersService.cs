using Grpc.Core;
using WhatsAppMesh.DeadLetters.V1;
using Contract = WhatsAppMesh.DeadLetters.V1.DeadLetters;

namespace WhatsAppMesh.Deliveries;

/// <summary>Dead letters and replay over gRPC. Each request is for one tenant and never sees another's.</summary>
internal sealed class DeadLettersService(DeadLetterDesk desk) : Contract.DeadLettersBase
{
    public override Task<ListResponse> List(ListRequest request, ServerCallContext context)
    {
        RequireTenant(request.Filter?.Tenant, "filter.tenant");
        return desk.ListAsync(request, context.CancellationToken);
    }

    public override Task<GetResponse> Get(GetRequest request, ServerCallContext context)
    {
        RequireTenant(request.Tenant);
        return desk.GetAsync(request, context.CancellationToken);
    }

    public override Task<ReplayResponse> Replay(ReplayRequest request, ServerCallContext context)
    {
        RequireTenant(request.Tenant);
        return desk.ReplayAsync(request, requestKey: null, context.CancellationToken);
    }

    public override async Task<GetJobResponse> GetJob(GetJobRequest request, ServerCallContext context)
    {
        RequireTenant(request.Tenant);
        return new GetJobResponse { Job = await desk.GetJobAsync(request.Tenant, request.JobId, context.CancellationToken) };
    }

    public override async Task<PauseJobResponse> PauseJob(PauseJobRequest request, ServerCallContext context)
    {
        RequireTenant(request.Tenant);
        return new PauseJobResponse { Job = await desk.PauseJobAsync(request.Tenant, request.JobId, request.RequestedBy, context.CancellationToken) };
    }

    public override async Task<ResumeJobResponse> ResumeJob(ResumeJobRequest request, ServerCallContext context)
    {
        RequireTenant(request.Tenant);
        return new ResumeJobResponse { Job = await desk.ResumeJobAsync(request.Tenant, request.JobId, request.RequestedBy, context.CancellationToken) };
    }

    public override async Task<CancelJobResponse> CancelJob(CancelJobRequest request, ServerCallContext context)
    {
        RequireTenant(request.Tenant);
        return new CancelJobResponse { Job = await desk.CancelJobAsync(request.Tenant, request.JobId, request.RequestedBy, context.CancellationToken) };
    }

    public override Task<DiscardResponse> Discard(DiscardRequest request, ServerCallContext context)
    {
        RequireTenant(request.Tenant);
        return desk.DiscardAsync(request, context.CancellationToken);
    }

    private static void RequireTenant(string? tenant, string field = "tenant")
    {
        if (string.IsNullOrEmpty(tenant))
            throw RequestFields.Invalid(field, "must name the tenant");
    }
}
