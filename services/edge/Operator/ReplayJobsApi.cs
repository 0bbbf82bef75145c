using Microsoft.AspNetCore.Http.HttpResults;
using WhatsAppMesh.DeadLetters.V1;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>Replay jobs: watch, pause, resume, cancel.</summary>
internal static class ReplayJobsApi
{
    private const string Service = "service";
    private const string Job = "replay job";

    /// <summary>The routes.</summary>
    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/replay-jobs/{id}", GetAsync).ForViewers(Service);
        api.MapDelete("/replay-jobs/{id}", CancelAsync).ForOperators(Service);
        api.MapPost("/replay-jobs/{id}/pause", PauseAsync).ForOperators(Service);
        api.MapPost("/replay-jobs/{id}/resume", ResumeAsync).ForOperators(Service);
    }

    private static Task<JsonHttpResult<ReplayJobView>> GetAsync(string id, OperatorCall call, Consumers consumers) =>
        FindAsync(call, consumers, async client =>
            (await client.GetJobAsync(new GetJobRequest { Tenant = call.Tenant, JobId = id }, cancellationToken: call.Aborted)).Job);

    private static Task<JsonHttpResult<ReplayJobView>> CancelAsync(string id, OperatorCall call, Consumers consumers) =>
        FindAsync(call, consumers, async client => (await client.CancelJobAsync(
            new CancelJobRequest { Tenant = call.Tenant, JobId = id, RequestedBy = call.Key }, cancellationToken: call.Aborted)).Job);

    private static Task<JsonHttpResult<ReplayJobView>> PauseAsync(string id, OperatorCall call, Consumers consumers) =>
        FindAsync(call, consumers, async client => (await client.PauseJobAsync(
            new PauseJobRequest { Tenant = call.Tenant, JobId = id, RequestedBy = call.Key }, cancellationToken: call.Aborted)).Job);

    private static Task<JsonHttpResult<ReplayJobView>> ResumeAsync(string id, OperatorCall call, Consumers consumers) =>
        FindAsync(call, consumers, async client => (await client.ResumeJobAsync(
            new ResumeJobRequest { Tenant = call.Tenant, JobId = id, RequestedBy = call.Key }, cancellationToken: call.Aborted)).Job);

    private static async Task<JsonHttpResult<ReplayJobView>> FindAsync(
        OperatorCall call, Consumers consumers, Func<DeadLetters.V1.DeadLetters.DeadLettersClient, Task<ReplayJob>> ask)
    {
        var (service, job) = await consumers.FindAsync(call.Query.Text(Service), Job, candidate => ask(consumers.DeadLettersOf(candidate)));
        return Answer.Json(ReplayJobView.Of(service, job));
    }
}
