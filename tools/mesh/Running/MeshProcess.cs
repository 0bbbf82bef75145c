using System.Diagnostics;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>How a process is started.</summary>
/// <param name="Name">Name of the process in this mesh.</param>
/// <param name="Command">Program and arguments.</param>
/// <param name="WorkingDirectory">Where it starts.</param>
/// <param name="Environment">Added to this process's own environment.</param>
/// <param name="Log">File that gets what it writes.</param>
public sealed record ProcessSpec(
    string Name, IReadOnlyList<string> Command, string WorkingDirectory, IReadOnlyDictionary<string, string> Environment, string Log);

/// <summary>One process of a mesh, which may be ended and started again.</summary>
public sealed class MeshProcess(ProcessSpec spec)
{
    // The process writes to its log itself (no pipe that would break when the launcher ends) and has a session of its own, so that Ctrl-C
    // in the terminal reaches the launcher alone, which then ends the processes in order. Every exec keeps the process id.
    private const string Exec = "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1 </dev/null";

    private static readonly string? SetSid = new[] { "/usr/bin/setsid", "/bin/setsid" }.FirstOrDefault(File.Exists);

    private Process? _process;

    /// <summary>Name of the process in this mesh.</summary>
    public string Name => spec.Name;

    /// <summary>File that gets what it writes.</summary>
    public string Log => spec.Log;

    /// <summary>Who it is; null before the first start.</summary>
    public ProcessIdentity? Identity { get; private set; }

    /// <summary>True while it runs.</summary>
    public bool IsRunning => Identity?.IsAlive ?? false;

    /// <summary>True from <see cref="StopAsync"/> or <see cref="KillAsync"/> to the next start: its end is no accident.</summary>
    public bool IsMeantToEnd { get; private set; }

    /// <summary>How it ended, for a person; "is running" while it does.</summary>
    public string Ending => _process switch
    {
        null => "was never started",
        { HasExited: false } => "is running",
        { ExitCode: > 128 } ended => $"was ended by signal {ended.ExitCode - 128}",
        { } ended => $"ended with exit code {ended.ExitCode}",
    };

    /// <summary>True when somebody ended it with SIGKILL or SIGTERM.</summary>
    public bool WasKilled => ExitCode is 128 + (int)Signal.Kill or 128 + (int)Signal.Terminate;

    /// <summary>Its exit code (128 + the signal that ended it); -1 while it runs.</summary>
    public int ExitCode => _process is { HasExited: true } ? _process.ExitCode : -1;

    /// <summary>Starts it, or starts it again after it ended.</summary>
    /// <exception cref="MeshException">Its program is missing.</exception>
    public void Start()
    {
        if (IsRunning)
            return;
        if (spec.Command[0].Contains('/', StringComparison.Ordinal) && !File.Exists(spec.Command[0]))
            throw new MeshException($"{Name} cannot start: {spec.Command[0]} does not exist. Build it first.");
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = spec.WorkingDirectory };
        IEnumerable<string> session = SetSid is null ? [] : [SetSid];
        foreach (var argument in (string[])["-c", Exec, "sh", spec.Log, .. session, .. spec.Command])
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in spec.Environment)
            start.Environment[name] = value;
        _process?.Dispose();
        _process = Process.Start(start)!;
        Identity = ProcessIdentity.Of(_process.Id);
        IsMeantToEnd = false;
    }

    /// <summary>Completes when it has ended.</summary>
    public Task WaitForExitAsync(CancellationToken cancellationToken = default) => _process?.WaitForExitAsync(cancellationToken) ?? Task.CompletedTask;

    /// <summary>Asks it to end, and ends it when it does not within <paramref name="patience"/>.</summary>
    /// <returns>False: it had to be ended.</returns>
    public async Task<bool> StopAsync(TimeSpan patience)
    {
        IsMeantToEnd = true;
        if (Identity is not { } identity || !identity.Send(Signal.Terminate))
            return true;
        // A stopped process does not see the request.
        identity.Send(Signal.Continue);
        if (await identity.WaitUntilGoneAsync(patience))
            return true;
        identity.Send(Signal.Kill);
        await identity.WaitUntilGoneAsync(patience);
        return false;
    }

    /// <summary>Ends it without warning, and returns when it is gone.</summary>
    public async Task KillAsync()
    {
        IsMeantToEnd = true;
        Identity?.Send(Signal.Kill);
        await WaitForExitAsync();
    }

    /// <summary>Holds it where it is (SIGSTOP) until <see cref="Resume"/>.</summary>
    public void Pause() => Identity?.Send(Signal.Stop);

    /// <summary>Lets it go on.</summary>
    public void Resume() => Identity?.Send(Signal.Continue);

    /// <summary>The last lines of its log.</summary>
    public IReadOnlyList<string> LastLines(int count) => File.Exists(Log) ? [.. File.ReadLines(Log).TakeLast(count)] : [];
}
