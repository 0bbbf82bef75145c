using Npgsql;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Tests;

public sealed class DatabaseWatchTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-tests-");
    private MeshDatabases? _databases;

    public async Task InitializeAsync()
    {
        var options = new MeshOptions
        {
            Repository = MeshRepository.Find(),
            Folder = new MeshFolder(_folder.FullName),
            PostgresSettings = new Dictionary<string, string> { ["shared_buffers"] = "'16MB'", ["max_wal_size"] = "'64MB'", ["min_wal_size"] = "'32MB'" },
            RemoveDataAtStop = true,
        };
        _databases = await MeshDatabases.StartAsync(options, ["owner"], _ => { }, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        if (_databases is not null)
            await _databases.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_database_server_that_is_killed_is_noticed_and_brings_back_what_was_committed()
    {
        await ExecuteAsync("create table kept as select 1 as one");
        var exit = _databases!.WaitForServerExitAsync(CancellationToken.None);
        Assert.False(exit.IsCompleted);
        Assert.NotEmpty(_databases.ServerProcess!.Children());

        await _databases.Cluster!.StopAsync("immediate");
        await exit.WaitAsync(Patience);
        await _databases.StartServerAgainAsync();

        await ExecuteAsync("insert into kept values (2)");
        Assert.True(_databases.ServerProcess!.IsAlive);
    }

    [Fact]
    public async Task A_server_that_runs_is_left_alone()
    {
        var before = _databases!.ServerProcess;

        await _databases.StartServerAgainAsync();

        Assert.Equal(before, _databases.ServerProcess);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(_databases!.ConnectionString("owner")) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
