namespace WhatsAppMesh.Mesh.Running;

/// <summary>How one process of a mesh fares.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="Status">
/// <c>ready</c>; <c>degraded</c> (ready, but something that it needs fails); <c>runs</c>, of one that cannot be asked; <c>gone</c>; else what
/// is wrong.
/// </param>
/// <param name="Reason">Why it is degraded; else null.</param>
/// <param name="Address">Its HTTP address; null when it has none.</param>
/// <param name="Log">Its log.</param>
public sealed record ProcessStatus(string Name, int Pid, string Status, string? Reason, Uri? Address, string Log)
{
    /// <summary>Status of a process that is as it should be.</summary>
    public const string Ready = "ready";

    /// <summary>Status of one that is ready, though something that it needs fails.</summary>
    public const string Degraded = "degraded";

    /// <summary>Status of one that nobody can ask.</summary>
    public const string Runs = "runs";

    /// <summary>Status of one that is not there any more.</summary>
    public const string Gone = "gone";

    /// <summary>True when nothing is wrong with it.</summary>
    public bool IsWell => Status is Ready or Runs;
}

/// <summary>Asks every process of a mesh how it fares.</summary>
public static class MeshStatus
{
    /// <summary>Asks all of them at once; one that says nothing within 3 s is told as such.</summary>
    /// <returns>An answer per process, in the order of the state.</returns>
    public static async Task<IReadOnlyList<ProcessStatus>> AskAsync(MeshState state, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(state);
        var questions = Questions(state);
        return await Task.WhenAll(state.Processes.Select(process => AskAsync(process, questions.GetValueOrDefault(process.Name), cancellationToken)));
    }

    // What each service and sidecar is asked is known by its name; what else runs says itself where it is to be asked.
    private static Dictionary<string, Question> Questions(MeshState state)
    {
        var questions = new Dictionary<string, Question>();
        foreach (var service in state.Services)
        {
            questions[service.Name] = new(service.Http, Readiness.OfService(service.Http));
            questions[service.Name + RunPlan.SidecarSuffix] = new(service.DaprHttp, Readiness.OfSidecar(service.DaprHttp));
        }
        foreach (var process in state.Processes)
        {
            if (process.Health is { } health)
                questions.TryAdd(process.Name, new(new Uri(health, "/"), health));
        }
        return questions;
    }

    private static async Task<ProcessStatus> AskAsync(ProcessEntry process, Question? question, CancellationToken cancellationToken)
    {
        var (status, reason) = !process.Identity.IsAlive ? (ProcessStatus.Gone, null)
            : question is null ? (ProcessStatus.Runs, null)
            : StatusOf(await Readiness.AskAsync(question.Health, cancellationToken));
        return new ProcessStatus(process.Name, process.Identity.Pid, status, reason, question?.Address, process.Log);
    }

    private static (string Status, string? Reason) StatusOf(Health health) =>
        health.NotReady is { } wrong ? (wrong, null) : health.Degraded is { } reason ? (ProcessStatus.Degraded, reason) : (ProcessStatus.Ready, null);

    private sealed record Question(Uri Address, Uri Health);
}
