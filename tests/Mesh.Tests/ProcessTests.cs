using System.Net;
using System.Net.Sockets;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Tests;

public sealed class ProcessTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-tests-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_process_writes_its_log_and_says_how_it_ended()
    {
        var process = Shell("out", "echo first; echo last >&2; exit 7");

        process.Start();
        await process.WaitForExitAsync();

        Assert.Equal(["first", "last"], process.LastLines(10));
        Assert.Equal("ended with exit code 7", process.Ending);
        Assert.Equal($"out ended with exit code 7 (\"last\"). Its log: {process.Log}", MeshInstance.EndedSentence(process));
    }

    [Fact]
    public async Task A_killed_process_is_told_from_one_that_failed()
    {
        var process = Shell("sleeper", "exec sleep 600");
        process.Start();

        await process.KillAsync();

        Assert.False(process.IsRunning);
        Assert.Equal("was ended by signal 9", process.Ending);
    }

    [Fact]
    public async Task A_stopped_process_can_be_asked_to_end()
    {
        var process = Shell("sleeper", "exec sleep 600");
        process.Start();
        process.Pause();

        Assert.True(await process.StopAsync(TimeSpan.FromSeconds(10)));
        Assert.False(process.IsRunning);
    }

    [Fact]
    public async Task A_process_that_will_not_end_is_ended()
    {
        var process = Shell("stubborn", "trap '' TERM; echo ready; while :; do sleep 0.05; done");
        process.Start();
        await Eventually(() => process.LastLines(1) is ["ready"]);

        Assert.False(await process.StopAsync(TimeSpan.FromMilliseconds(200)));
        Assert.False(process.IsRunning);
    }

    [Fact]
    public async Task Nothing_is_sent_to_a_process_that_only_has_the_same_id()
    {
        var process = Shell("bystander", "exec sleep 600");
        process.Start();
        var bystander = process.Identity! with { Started = process.Identity!.Started - 1 };

        Assert.False(bystander.IsAlive);
        Assert.False(bystander.Send(Signal.Kill));
        Assert.False((process.Identity! with { Boot = "another boot" }).Send(Signal.Kill));

        Assert.True(process.IsRunning);
        await process.KillAsync();
    }

    [Fact]
    public void A_missing_program_is_named()
    {
        var process = new MeshProcess(new ProcessSpec("gone", ["/nowhere/daprd"], _folder.FullName, new Dictionary<string, string>(), LogOf("gone")));

        Assert.Contains("/nowhere/daprd does not exist", Assert.Throws<MeshException>(process.Start).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_taken_port_is_named_together_with_its_purpose_and_its_holder()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;

        var refused = Assert.Throws<MeshException>(() => Ports.Require([(port, "HTTP port of edge")]));

        Assert.Contains($"port {port} (HTTP port of edge) is in use by ", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"(pid {Environment.ProcessId})", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Free_ports_can_be_listened_at()
    {
        foreach (var port in Ports.Free(20))
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
        }
        Ports.Require(Ports.Free(3).Select(port => (port, "anything")));
    }

    [Fact]
    public void The_state_file_comes_back_as_it_was_and_knows_whether_anything_still_runs()
    {
        var folder = new MeshFolder(_folder.FullName);
        var gone = ProcessIdentity.Own with { Started = 1 };
        var state = new MeshState { Launcher = gone, Processes = [new ProcessEntry("ingest", ProcessIdentity.Own, "x.log")], Services = [] };

        state.Save(folder);
        var loaded = MeshState.Load(folder)!;

        Assert.Equal(state.Processes, loaded.Processes);
        Assert.True(loaded.IsAlive());
        Assert.False((loaded with { Processes = [] }).IsAlive());
    }

    [Fact]
    public void A_second_mesh_is_refused_while_one_runs()
    {
        var folder = new MeshFolder(_folder.FullName);
        new MeshState { Launcher = ProcessIdentity.Own, Processes = [], Services = [] }.Save(folder);

        var refused = Assert.Throws<MeshException>(() => MeshInstance.RefuseSecond(folder));

        Assert.Contains($"up already (started by pid {Environment.ProcessId})", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Secrets_are_made_once_and_only_their_owner_may_read_them()
    {
        var folder = new MeshFolder(_folder.FullName);

        var made = MeshSecrets.LoadOrCreate(folder);

        Assert.Equal(made.DaprApiToken, MeshSecrets.LoadOrCreate(folder).DaprApiToken);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, new FileInfo(folder.Secrets).UnixFileMode);
        Assert.StartsWith("whsec_", made.StandardSecret, StringComparison.Ordinal);
    }

    private MeshProcess Shell(string name, string script) =>
        new(new ProcessSpec(name, ["/bin/sh", "-c", script], _folder.FullName, new Dictionary<string, string>(), LogOf(name)));

    private string LogOf(string name) => Path.Combine(_folder.FullName, name + ".log");

    private static async Task Eventually(Func<bool> condition)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition())
            await Task.Delay(20, deadline.Token);
    }
}
