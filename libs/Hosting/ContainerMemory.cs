using System.Globalization;

namespace WhatsAppMesh.Hosting;

/// <summary>
/// What the kernel lets this process's container have, and what it has of that: control groups of version 2 and 1, as they are mounted in a
/// container and on a host. See the kernel's documentation, cgroup-v2 "Memory" and cgroup-v1 "memory".
/// </summary>
/// <param name="mount">Where control groups are mounted, <c>/sys/fs/cgroup</c>.</param>
/// <param name="membership">Which of them this process is in, <c>/proc/self/cgroup</c>.</param>
internal sealed class ContainerMemory(string mount = "/sys/fs/cgroup", string membership = "/proc/self/cgroup")
{
    // Version 1 says "no limit" by the largest number of whole pages.
    private const long NoLimit = long.MaxValue / 2;

    private static readonly Files Version2 = new("memory.max", "memory.current", "inactive_file");
    private static readonly Files Version1 = new("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file");

    /// <summary>
    /// Bytes in use and bytes allowed, of the group nearest to its limit among this process's and those around it. In use is what the kubelet
    /// counts too: all but the files that the kernel can drop at once. Null where nothing limits this process, and where nothing can be read.
    /// </summary>
    public (long Used, long Limit)? Read()
    {
        try
        {
            var isVersion2 = File.Exists(Path.Combine(mount, "cgroup.controllers"));
            var (root, files) = isVersion2 ? (mount, Version2) : (Path.Combine(mount, "memory"), Version1);
            (long Used, long Limit)? nearest = null;
            foreach (var folder in Upwards(root, OwnPath(isVersion2)))
            {
                if (ReadFrom(folder, files) is { } found && (nearest is not { } other || Share(found) > Share(other)))
                    nearest = found;
            }
            return nearest;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }

    private static double Share((long Used, long Limit) found) => (double)found.Used / found.Limit;

    // A line is "hierarchy:controllers:path"; version 2 has one, without a controller.
    private string OwnPath(bool isVersion2)
    {
        if (!File.Exists(membership))
            return "";
        var line = File.ReadLines(membership).Select(static line => line.Split(':', 3)).FirstOrDefault(
            parts => parts.Length == 3 && (isVersion2 ? parts[1].Length == 0 : parts[1].Split(',').Contains("memory")));
        return line?[2].Trim('/') ?? "";
    }

    // Within a container the path may be the host's, which does not exist there: the mount itself is then the container's group.
    private static IEnumerable<string> Upwards(string root, string path)
    {
        for (var rest = path; rest.Length > 0; rest = rest[..Math.Max(0, rest.LastIndexOf('/'))])
            yield return Path.Combine(root, rest);
        yield return root;
    }

    private static (long Used, long Limit)? ReadFrom(string folder, Files files)
    {
        var limitFile = Path.Combine(folder, files.Limit);
        if (!File.Exists(limitFile) || !long.TryParse(File.ReadAllText(limitFile), CultureInfo.InvariantCulture, out var limit))
            return null;
        if (limit is <= 0 or >= NoLimit)
            return null;
        var used = long.Parse(File.ReadAllText(Path.Combine(folder, files.Usage)), CultureInfo.InvariantCulture);
        var droppable = File.ReadLines(Path.Combine(folder, "memory.stat")).Select(static line => line.Split(' '))
            .Where(parts => parts.Length == 2 && parts[0] == files.Droppable).Sum(static parts => long.Parse(parts[1], CultureInfo.InvariantCulture));
        return (Math.Max(0, used - droppable), limit);
    }

    private sealed record Files(string Limit, string Usage, string Droppable);
}
