using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>Finds free ports, and says who holds a taken one.</summary>
public static class Ports
{
    // Below the range from which Linux takes ports for outgoing connections, or one of those could take a port before its owner starts.
    private const int First = 20_000;
    private const int Last = 32_000;

    /// <summary>Ports that nobody listens on now, each a different one.</summary>
    public static IReadOnlyList<int> Free(int count)
    {
        var found = new HashSet<int>();
        while (found.Count < count)
        {
            var port = Random.Shared.Next(First, Last);
            if (!IsTaken(port))
                found.Add(port);
        }
        return [.. found];
    }

    /// <summary>True while somebody listens on the loopback address at this port.</summary>
    public static bool IsTaken(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    /// <summary>Checks that ports can be used.</summary>
    /// <param name="wanted">Ports, and what each is for.</param>
    /// <exception cref="MeshException">Some are taken; the message names each port, what it is for and, where known, who has it.</exception>
    public static void Require(IEnumerable<(int Port, string Purpose)> wanted)
    {
        var taken = wanted.Where(w => IsTaken(w.Port)).Select(w => $"port {w.Port} ({w.Purpose}) is in use{HolderText(w.Port)}").ToArray();
        if (taken.Length > 0)
            throw new MeshException($"The mesh cannot start: {string.Join("; ", taken)}. End that program, or change the port in dapr.yaml.");
    }

    /// <summary>Process that listens at a port; null when it cannot be known (not Linux, or another user's process).</summary>
    public static (int Pid, string Name)? Holder(int port)
    {
        if (ListeningInode(port) is not { } inode)
            return null;
        var link = $"socket:[{inode}]";
        foreach (var process in Process.GetProcesses())
        {
            using (process)
            {
                if (HasOpen(process.Id, link))
                    return (process.Id, process.ProcessName);
            }
        }
        return null;
    }

    private static string HolderText(int port) => Holder(port) is { } holder ? $" by {holder.Name} (pid {holder.Pid})" : "";

    // A line of /proc/net/tcp: "sl local_address rem_address st ... inode"; state 0A is LISTEN, addresses are HEX:PORT.
    private static string? ListeningInode(int port)
    {
        var suffix = port.ToString("X4", CultureInfo.InvariantCulture);
        return new[] { "/proc/net/tcp", "/proc/net/tcp6" }
            .Where(File.Exists)
            .SelectMany(File.ReadLines)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .FirstOrDefault(fields => fields.Length > 9 && fields[3] == "0A" && fields[1].EndsWith(':' + suffix, StringComparison.Ordinal))?[9];
    }

    private static bool HasOpen(int pid, string link)
    {
        try
        {
            return Directory.EnumerateFiles(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fd"))
                .Any(file => new FileInfo(file).LinkTarget == link);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
