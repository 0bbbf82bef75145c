using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Grpc;

/// <summary>
/// The building blocks that this sidecar does not have: each answers as a daprd without such components, without placement and without a
/// scheduler does.
/// </summary>
internal sealed class AbsentCalls(SidecarFlags flags)
{
    /// <summary>Unary methods that answer the same whatever they are asked.</summary>
    public static readonly IReadOnlyDictionary<string, Func<AbsentCalls, DaprError>> Constant = Table();

    public Task<TryLockResponse> TryLockAsync(TryLockRequest request) => throw new DaprErrorException(
        request.ExpiryInSeconds <= 0 ? ApiErrors.LockExpiryNotPositive(request.StoreName) : ApiErrors.LockStoresMissing);

    public Task<UnsubscribeConfigurationResponse> UnsubscribeAsync(UnsubscribeConfigurationRequest request) => Task.FromResult(new UnsubscribeConfigurationResponse
    {
        Ok = false,
        Message = $"failed to unsubscribe to configuration request {request.Id}: subscription does not exist",
    });

    public Task<InvokeBindingResponse> InvokeBindingAsync(InvokeBindingRequest request) => throw new DaprErrorException(ApiErrors.BindingNotFound(request.Name));

    public Task<ConversationResponseAlpha2> ConverseAsync(ConversationRequestAlpha2 request) =>
        throw new DaprErrorException(ApiErrors.ConversationNotFound(request.Name));

    public Task<ScheduleJobResponse> ScheduleAsync(ScheduleJobRequest request) => throw new DaprErrorException(request.Job switch
    {
        null => ApiErrors.JobFieldEmpty("Job", "DAPR_SCHEDULER_EMPTY", flags.AppId),
        { Name.Length: 0 } => ApiErrors.JobFieldEmpty("Name", "DAPR_SCHEDULER_JOB_NAME_EMPTY", flags.AppId),
        { HasSchedule: false, HasDueTime: false } => ApiErrors.JobFieldEmpty("Schedule", "DAPR_SCHEDULER_SCHEDULE_EMPTY", flags.AppId),
        _ => ApiErrors.NoScheduler("schedule job", "DAPR_SCHEDULER_SCHEDULE_JOB", flags.AppId),
    });

    public Task<GetJobResponse> GetJobAsync(GetJobRequest request) =>
        throw new DaprErrorException(NamedJob(request.Name, "get job", "DAPR_SCHEDULER_GET_JOB"));

    public Task<DeleteJobResponse> DeleteJobAsync(DeleteJobRequest request) =>
        throw new DaprErrorException(NamedJob(request.Name, "delete job", "DAPR_SCHEDULER_DELETE_JOB"));

    public Task SubscribeAsync(SubscribeConfigurationRequest request, IServerStreamWriter<SubscribeConfigurationResponse> answers) =>
        throw new DaprErrorException(ApiErrors.ConfigurationStoresMissing);

    public async Task EncryptAsync(IAsyncStreamReader<EncryptRequest> requests, CancellationToken cancellationToken)
    {
        var options = await requests.MoveNext(cancellationToken) ? requests.Current.Options : throw new DaprErrorException(ApiErrors.NoFirstChunk);
        throw new DaprErrorException(options switch
        {
            null => ApiErrors.BadRequest("first message does not contain the required options"),
            { KeyName.Length: 0 } => ApiErrors.BadRequest("missing property 'keyName' in the options message"),
            { KeyWrapAlgorithm.Length: 0 } => ApiErrors.BadRequest("missing property 'keyWrapAlgorithm' in the options message"),
            _ => ApiErrors.CryptoProvidersMissing,
        });
    }

    public async Task DecryptAsync(IAsyncStreamReader<DecryptRequest> requests, CancellationToken cancellationToken)
    {
        var options = await requests.MoveNext(cancellationToken) ? requests.Current.Options : throw new DaprErrorException(ApiErrors.NoFirstChunk);
        throw new DaprErrorException(options is null
            ? ApiErrors.BadRequest("first message does not contain the required options")
            : ApiErrors.CryptoProvidersMissing);
    }

    private DaprError NamedJob(string name, string action, string reason) => name.Length == 0
        ? ApiErrors.JobFieldEmpty("Name", "DAPR_SCHEDULER_JOB_NAME_EMPTY", flags.AppId)
        : ApiErrors.NoScheduler(action, reason, flags.AppId);

    private static Dictionary<string, Func<AbsentCalls, DaprError>> Table()
    {
        var table = new Dictionary<string, Func<AbsentCalls, DaprError>>();
        string[] actors =
        [
            "RegisterActorTimer", "UnregisterActorTimer", "RegisterActorReminder", "UnregisterActorReminder", "UnregisterActorRemindersByType",
            "ListActorReminders", "GetActorReminder", "GetActorState", "ExecuteActorStateTransaction", "InvokeActor",
        ];
        foreach (var method in actors)
            table[method] = _ => ApiErrors.NoPlacement;
        foreach (var action in new[] { "Start", "Get", "Purge", "Terminate", "Pause", "Resume" })
            (table[$"{action}WorkflowAlpha1"], table[$"{action}WorkflowBeta1"]) = (_ => ApiErrors.NoPlacement, _ => ApiErrors.NoPlacement);
        (table["RaiseEventWorkflowAlpha1"], table["RaiseEventWorkflowBeta1"]) = (_ => ApiErrors.NoPlacement, _ => ApiErrors.NoPlacement);
        foreach (var operation in new[] { "GetKey", "Encrypt", "Decrypt", "WrapKey", "UnwrapKey", "Sign", "Verify" })
            table[$"Subtle{operation}Alpha1"] = _ => ApiErrors.NotImplemented;
        (table["GetConfiguration"], table["GetConfigurationAlpha1"]) = (_ => ApiErrors.ConfigurationStoresMissing, _ => ApiErrors.ConfigurationStoresMissing);
        table["UnlockAlpha1"] = _ => ApiErrors.LockStoresMissing;
        foreach (var method in new[] { "ListJobs", "ListJobsAlpha1" })
            table[method] = calls => ApiErrors.NoScheduler("list jobs", "DAPR_SCHEDULER_LIST_JOBS", calls.AppId);
        foreach (var method in new[] { "DeleteJobsByPrefix", "DeleteJobsByPrefixAlpha1" })
            table[method] = calls => ApiErrors.NoScheduler("delete job", "DAPR_SCHEDULER_DELETE_JOB", calls.AppId);
        return table;
    }

    private string AppId => flags.AppId;
}
