using System.Globalization;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Bench;

/// <summary>One of the peers of bench/IngestPeers, as a process of its own with a database of its own.</summary>
internal sealed class BenchPeer : IAsyncDisposable
{
    private readonly MeshDatabases _databases;
    private readonly MeshProcess _process;

    private BenchPeer(MeshDatabases databases, MeshProcess process, Uri address)
    {
        _databases = databases;
        _process = process;
        Address = address;
    }

    public Uri Address { get; }

    public static async Task<BenchPeer> StartAsync(BenchPlace place, string kind, CancellationToken cancellationToken)
    {
        var folder = place.Of(kind);
        folder.Prepare();
        var options = place.Options(folder) with { RemoveDataAtStop = true, DatabasePrefix = "mesh_bench_" };
        await MeshLeftovers.StopPostgresAsync(folder, static _ => { }, cancellationToken);
        folder.RemoveData();
        var databases = await MeshDatabases.StartAsync(options, ["peer"], static _ => { }, cancellationToken);
        var port = Ports.Free(1)[0];
        var process = new MeshProcess(new ProcessSpec(
            kind,
            ["dotnet", "exec", Path.Combine(place.Repository, "artifacts", "bin", "IngestPeers", options.Configuration, "WhatsAppMesh.IngestPeers.dll")],
            place.Repository,
            new Dictionary<string, string>
            {
                ["PEER_KIND"] = kind,
                ["HTTP_PORT"] = port.ToString(CultureInfo.InvariantCulture),
                ["ConnectionStrings__Database"] = databases.ConnectionString("peer"),
            },
            folder.LogOf(kind)));
        var peer = new BenchPeer(databases, process, new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}")));
        try
        {
            await peer.StartAsync(cancellationToken);
            return peer;
        }
        catch
        {
            await peer.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.StopAsync(TimeSpan.FromSeconds(10));
        await _databases.DisposeAsync();
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        using var client = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(2) };
        _process.Start();
        var ready = await Eventually.AskAsync(
            async () =>
            {
                if (!_process.IsRunning)
                    throw new MeshException(MeshInstance.EndedSentence(_process));
                try
                {
                    using var answer = await client.GetAsync("/healthz", cancellationToken);
                    return answer.IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            r => r, TimeSpan.FromSeconds(30), cancellationToken);
        if (!ready)
            throw new MeshException($"{_process.Name} does not listen. Its log: {_process.Log}");
    }
}
