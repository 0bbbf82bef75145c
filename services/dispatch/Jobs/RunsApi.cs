using WhatsAppMesh.Dispatch.Operator;

namespace WhatsAppMesh.Dispatch.Jobs;

/// <summary><c>POST /api/dispatch/run</c> and <c>/api/dispatch/runs</c>.</summary>
internal static class RunsApi
{
    private const string What = "run";

    /// <summary>The routes.</summary>
    public static void Map(IEndpointRouteBuilder api)
    {
        api.Act(HttpMethods.Post, "/api/dispatch/run", async (context, caller) =>
        {
            var run = await Runs(context).CreateAsync(caller.Tenant, caller.Key, context.RequestAborted);
            context.Response.Headers.Location = $"/api/dispatch/runs/{run.RunId}";
            await context.AnswerAsync(run, DispatchJson.Default.RunView, StatusCodes.Status202Accepted);
        });
        api.Look("/api/dispatch/runs/{id}", async (context, caller) =>
            await AnswerAsync(context, await Runs(context).FindAsync(caller.Tenant, context.Id(What), context.RequestAborted)));
        api.Act(HttpMethods.Delete, "/api/dispatch/runs/{id}", async (context, caller) =>
            await AnswerAsync(context, await Runs(context).CancelAsync(caller.Tenant, context.Id(What), context.RequestAborted)));
    }

    private static Task AnswerAsync(HttpContext context, RunView? run) =>
        context.AnswerAsync(run ?? throw ApiRefusal.NotFound(What), DispatchJson.Default.RunView);

    private static Runs Runs(HttpContext context) => context.RequestServices.GetRequiredService<Runs>();
}
