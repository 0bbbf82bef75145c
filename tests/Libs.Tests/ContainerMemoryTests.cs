using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Libs.Tests;

/// <summary>Files as the kernel shows them in a container and on a host.</summary>
public sealed class ContainerMemoryTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mesh-cgroup-");

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public void A_container_of_version_2_has_what_is_not_droppable_of_its_limit()
    {
        Write("cgroup.controllers", "cpu memory\n");
        Group("", "536870912\n", "400000000\n", "anon 300000000\ninactive_file 50000000\nactive_file 1\n");

        Assert.Equal((350_000_000, 536_870_912), Read("0::/\n"));
    }

    [Fact]
    public void The_path_of_the_host_may_not_be_there_within_a_container()
    {
        Write("cgroup.controllers", "memory\n");
        Group("", "1000\n", "300\n", "inactive_file 100\n");

        Assert.Equal((200, 1000), Read("0::/kubepods/burstable/pod1/c1\n"));
    }

    [Fact]
    public void Of_groups_within_each_other_the_one_counts_that_is_nearest_to_its_limit()
    {
        Write("cgroup.controllers", "memory\n");
        Group("pods", "1000\n", "900\n", "inactive_file 0\n");
        Group("pods/own", "500\n", "100\n", "inactive_file 0\n");
        Group("pods/other", "10\n", "10\n", "inactive_file 0\n");

        Assert.Equal((900, 1000), Read("0::/pods/own\n"));
    }

    [Fact]
    public void Version_1_says_it_in_files_of_its_own()
    {
        Write("memory/memory.limit_in_bytes", "2000\n");
        Write("memory/memory.usage_in_bytes", "1500\n");
        Write("memory/memory.stat", "inactive_file 1\ntotal_inactive_file 500\n");

        Assert.Equal((1000, 2000), Read("12:cpu,cpuacct:/x\n4:memory:/docker/abc\n"));
    }

    [Theory]
    [InlineData("max\n")]
    [InlineData("")]
    [InlineData("9223372036854771712\n")]
    public void Without_a_limit_there_is_nothing_to_tell(string limit)
    {
        Write("cgroup.controllers", "memory\n");
        Group("", limit, "400\n", "inactive_file 0\n");

        Assert.Null(Read("0::/\n"));
    }

    [Fact]
    public void What_cannot_be_read_is_no_limit()
    {
        Assert.Null(new ContainerMemory(Path.Combine(_root.FullName, "none"), Path.Combine(_root.FullName, "none")).Read());
        Write("cgroup.controllers", "memory\n");
        Write("memory.max", "1000\n");
        Assert.Null(Read("0::/\n"));
    }

    private (long Used, long Limit)? Read(string membership)
    {
        Write("self", membership);
        return new ContainerMemory(_root.FullName, Path.Combine(_root.FullName, "self")).Read();
    }

    private void Group(string path, string limit, string usage, string stat)
    {
        Write(Path.Combine(path, "memory.max"), limit);
        Write(Path.Combine(path, "memory.current"), usage);
        Write(Path.Combine(path, "memory.stat"), stat);
    }

    private void Write(string file, string text)
    {
        var path = Path.Combine(_root.FullName, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
