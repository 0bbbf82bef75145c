using WhatsAppMesh.Mesh.Faults;
using Xunit.Abstractions;

namespace WhatsAppMesh.Mesh.Tests;

public sealed class SmallVolumeTests(ITestOutputHelper output) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-tests-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_volume_is_filled_while_somebody_writes_to_it_and_takes_files_again_when_freed()
    {
        var path = Path.Combine(_folder.FullName, "volume");
        var (volume, reason) = await SmallVolume.TryMountAsync(path, 256 * 1024 * 1024);
        if (volume is null)
        {
            Assert.NotEmpty(reason);
            output.WriteLine($"Not run, because nothing may be mounted here: {reason}");
            return;
        }

        await using (volume)
        {
            var writing = Task.Run(() => WriteUntilFull(Path.Combine(path, "grows")));
            await volume.FillAsync();
            await writing.WaitAsync(TimeSpan.FromSeconds(60));
            await volume.FreeAsync();
            await File.WriteAllBytesAsync(Path.Combine(path, "fits again"), new byte[1024 * 1024]);
        }
        Assert.Empty(Directory.GetFiles(path));
    }

    private static void WriteUntilFull(string path)
    {
        // Less than the volume can hold: once it is roomy again, there is room.
        const int Most = 64 * 1024 * 1024;
        using var file = File.Create(path, bufferSize: 0);
        try
        {
            while (file.Length < Most)
                file.Write(new byte[16 * 1024]);
        }
        catch (IOException)
        {
            // No room left.
        }
    }
}
