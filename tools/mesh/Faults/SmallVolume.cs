using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace WhatsAppMesh.Mesh.Faults;

/// <summary>A volume of its own for a database (tmpfs), which can be made full and roomy again while it is in use.</summary>
public sealed class SmallVolume : IAsyncDisposable
{
    // What a full volume still has: a few pages of a table at best, more only where it is written to faster than it can be shrunk.
    private const long FewestCrumbs = 64 * 1024;
    private const long MostCrumbs = 64 * 1024 * 1024;

    private readonly string _path;
    private readonly long _bytes;

    private SmallVolume(string path, long bytes)
    {
        _path = path;
        _bytes = bytes;
    }

    /// <summary>Mounts a volume over a folder, which is made when it is missing.</summary>
    /// <param name="path">The folder; what it holds is hidden until the volume is gone.</param>
    /// <param name="bytes">Its size.</param>
    /// <returns>The volume, or why there is none: only root may mount, and not in every container.</returns>
    public static async Task<(SmallVolume? Volume, string Reason)> TryMountAsync(string path, long bytes)
    {
        if (!OperatingSystem.IsLinux())
            return (null, "only Linux has tmpfs");
        Directory.CreateDirectory(path);
        await UnmountLeftoverAsync(path);
        if (bytes > GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2)
            return (null, string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024 * 1024):N0} MiB of memory would be needed: choose a shorter run"));
        var failure = await RunAsync("mount", "-t", "tmpfs", "-o", Size(bytes) + ",mode=0700", "tmpfs", path);
        return failure is null ? (new SmallVolume(path, bytes), "") : (null, failure);
    }

    /// <summary>Leaves no room beyond what is used now.</summary>
    /// <exception cref="IOException">The volume cannot be changed.</exception>
    public async Task FillAsync()
    {
        // What was written since its use was looked at no longer fits, and then it is not shrunk.
        for (var crumbs = FewestCrumbs; ; crumbs *= 2)
        {
            var drive = new DriveInfo(_path);
            if (await TryRemountAsync(drive.TotalSize - drive.TotalFreeSpace + crumbs) is not { } failure)
                return;
            if (crumbs >= MostCrumbs)
                throw new IOException($"{_path} cannot be filled: {failure}");
        }
    }

    /// <summary>Gives it its size back.</summary>
    /// <exception cref="IOException">The volume cannot be changed.</exception>
    public async Task FreeAsync()
    {
        if (await TryRemountAsync(_bytes) is { } failure)
            throw new IOException($"{_path} cannot be made roomy again: {failure}");
    }

    /// <summary>Takes it away with all it holds; nothing may use it any more.</summary>
    public async ValueTask DisposeAsync() => await UnmountLeftoverAsync(_path);

    // A campaign that was killed could not clean up.
    private static async Task UnmountLeftoverAsync(string path)
    {
        while (File.ReadLines("/proc/mounts").Any(line => line.Split(' ') is [_, var at, ..] && at == Path.GetFullPath(path)))
        {
            if (await RunAsync("umount", path) is { } failure)
                throw new IOException($"{path} cannot be unmounted: {failure}");
        }
    }

    private Task<string?> TryRemountAsync(long bytes) => RunAsync("mount", "-o", "remount," + Size(bytes), _path);

    private static string Size(long bytes) => string.Create(CultureInfo.InvariantCulture, $"size={bytes}");

    /// <summary>Null when it went well, else the last words of the program.</summary>
    private static async Task<string?> RunAsync(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            var error = await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return process.ExitCode == 0 ? null : error.Trim();
        }
        catch (Win32Exception e)
        {
            return e.Message;
        }
    }
}
