using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>Signals that the launcher sends.</summary>
public enum Signal
{
    /// <summary>Ends a process at once.</summary>
    Kill = 9,

    /// <summary>Asks a process to end.</summary>
    Terminate = 15,

    /// <summary>Lets a stopped process go on.</summary>
    Continue = 18,

    /// <summary>Stops a process where it is.</summary>
    Stop = 19,
}

/// <summary>
/// A process that cannot be mistaken for another: process ids are used again, so an id counts only together with the time at which that
/// process started, and only within one boot of the machine.
/// </summary>
/// <param name="Pid">Process id.</param>
/// <param name="Started">Start of the process in clock ticks since boot (field 22 of /proc/PID/stat).</param>
/// <param name="Boot">Id of the boot.</param>
public sealed partial record ProcessIdentity(int Pid, long Started, string Boot)
{
    private static readonly string ThisBoot =
        File.Exists("/proc/sys/kernel/random/boot_id") ? File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim() : "";

    /// <summary>This process.</summary>
    public static ProcessIdentity Own => Of(Environment.ProcessId)!;

    /// <summary>True while the process exists (a zombie does not).</summary>
    public bool IsAlive => Boot == ThisBoot && StartOf(Pid) == Started;

    /// <summary>Identity of the process that has this id now; null when there is none.</summary>
    public static ProcessIdentity? Of(int pid) => StartOf(pid) is { } started ? new ProcessIdentity(pid, started, ThisBoot) : null;

    /// <summary>The processes that it started and that still run; none where there is no /proc.</summary>
    public IReadOnlyList<ProcessIdentity> Children() => !OperatingSystem.IsLinux() || !IsAlive
        ? []
        : [.. Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var pid) ? pid : 0)
            .Where(pid => pid > 0 && FieldOf(pid, 4) == Pid)
            .Select(Of)
            .OfType<ProcessIdentity>()];

    /// <summary>Sends a signal, unless the process is gone. False: it is gone, and nothing was sent to whoever has its id now.</summary>
    public bool Send(Signal signal) => IsAlive && SendSignal(Pid, (int)signal) == 0;

    /// <summary>Waits until the process is gone.</summary>
    /// <returns>False: it is still there after <paramref name="timeout"/>.</returns>
    public async Task<bool> WaitUntilGoneAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        var clock = Stopwatch.StartNew();
        while (IsAlive)
        {
            if (clock.Elapsed > timeout)
                return false;
            await Task.Delay(50, cancellationToken);
        }
        return true;
    }

    private static long? StartOf(int pid)
    {
        if (!OperatingSystem.IsLinux())
            return StartElsewhere(pid);
        return FieldOf(pid, 22);
    }

    /// <summary>A number of /proc/PID/stat (proc(5) counts its fields from 1); null when the process is gone or a zombie.</summary>
    private static long? FieldOf(int pid, int field)
    {
        try
        {
            // The second field is the name in parentheses and may hold anything, so count from its end: the state is field 3.
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : long.Parse(fields[field - 3], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static long? StartElsewhere(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return process.HasExited ? null : process.StartTime.Ticks;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int pid, int signal);
}
