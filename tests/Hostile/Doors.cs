using System.Globalization;
using Npgsql;
using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Hostile;

/// <summary>A real edge before a real ingest, as processes, with a database of their own and their logs in files.</summary>
public sealed class Doors : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-hostile-");
    private readonly TestDatabase _database;
    private readonly MeshProcess[] _processes;

    private Doors(TestDatabase database, Dictionary<string, string> edge, Dictionary<string, string> ingestSettings)
    {
        _database = database;
        var ports = Ports.Free(4);
        Edge = Loopback(ports[0]);
        var ingest = Loopback(ports[1]);
        _processes =
        [
            Service("Ingest", ports[1], ports[2], new(ingestSettings)
            {
                ["ConnectionStrings__Database"] = database.ConnectionString,
                // There is no sidecar here, and nobody to publish to.
                ["Ingest__Publish"] = "false",
            }),
            Service("Edge", ports[0], ports[3], new(Senders.Settings(ingest).Concat(edge))),
        ];
    }

    /// <summary>Where edge takes requests.</summary>
    public Uri Edge { get; }

    /// <summary>Names of processes that do not run.</summary>
    public IReadOnlyList<string> Dead => [.. _processes.Where(p => !p.IsRunning).Select(p => p.Name)];

    /// <summary>All that the processes have logged.</summary>
    public IReadOnlyList<string> LogLines => [.. _processes.SelectMany(p => File.ReadLines(p.Log))];

    /// <summary>Starts both and returns when they take events.</summary>
    /// <param name="edge">More settings of edge.</param>
    /// <param name="ingest">More settings of ingest.</param>
    public static async Task<Doors> StartAsync(Dictionary<string, string>? edge = null, Dictionary<string, string>? ingest = null)
    {
        var doors = new Doors(await TestDatabase.CreateAsync(), edge ?? [], ingest ?? []);
        foreach (var process in doors._processes)
            process.Start();
        using var client = new HttpClient { BaseAddress = doors.Edge };
        // A request that needs ingest and its database, refused for its id alone.
        var ready = await Eventually.AskAsync(
            async () =>
            {
                Assert.Empty(doors.Dead);
                try
                {
                    var probe = Request.V2("""{"type":"ready","payload":{}}""", "no-uuid");
                    using var raw = await RawExchange.SendAsync(doors.Edge, probe.Bytes());
                    return raw.Status == 400;
                }
                catch (System.Net.Sockets.SocketException)
                {
                    return false;
                }
            },
            r => r, Patience);
        Assert.True(ready, $"Not ready: {string.Join(Environment.NewLine, doors.LogLines.TakeLast(20))}");
        return doors;
    }

    /// <summary>Rows of the lake: tenant, type, chat and payload.</summary>
    public async Task<IReadOnlyList<StoredRow>> LakeAsync()
    {
        await using var connection = new NpgsqlConnection(_database.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            "select t.name, e.event_id, e.type, e.chat_jid, e.payload from whatsapp_events e join tenants t on t.id = e.tenant", connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<StoredRow>();
        while (await reader.ReadAsync())
            rows.Add(new StoredRow(reader.GetString(0), reader.GetGuid(1), reader.GetString(2), await reader.IsDBNullAsync(3) ? null : reader.GetString(3), reader.GetString(4)));
        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes.Reverse())
            await process.StopAsync(TimeSpan.FromSeconds(30));
        await _database.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private MeshProcess Service(string name, int httpPort, int appPort, Dictionary<string, string> settings) => new(new ProcessSpec(
        name,
        ["dotnet", "exec", Path.Combine(MeshRepository.Find(), "artifacts", "bin", name, Configuration, $"WhatsAppMesh.{name}.dll")],
        MeshRepository.Find(),
        new Dictionary<string, string>(settings)
        {
            ["DOTNET_ENVIRONMENT"] = "Production",
            ["HTTP_PORT"] = httpPort.ToString(CultureInfo.InvariantCulture),
            ["APP_PORT"] = appPort.ToString(CultureInfo.InvariantCulture),
            ["Mesh__InternalToken"] = Senders.InternalToken,
        },
        Path.Combine(_folder.FullName, name + ".log")));

    private static Uri Loopback(int port) => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));

    private static string Configuration =>
#if DEBUG
        "debug";
#else
        "release";
#endif
}

/// <summary>One row of the lake.</summary>
public sealed record StoredRow(string Tenant, Guid EventId, string Type, string? ChatJid, string Payload);
