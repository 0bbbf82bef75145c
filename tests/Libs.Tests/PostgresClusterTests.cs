using Npgsql;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Libs.Tests;

public sealed class PostgresClusterTests
{
    [Fact]
    public async Task A_test_database_is_empty_and_gone_afterwards()
    {
        string name, server;
        await using (var database = await TestDatabase.CreateAsync())
        {
            (name, server) = (database.Name, database.ServerConnectionString);
            Assert.Equal(0L, await ScalarAsync(database.ConnectionString, "select count(*) from information_schema.tables where table_schema = 'public'"));
        }

        Assert.Equal(0L, await ScalarAsync(server, $"select count(*) from pg_database where datname = '{name}'"));
    }

    [Fact]
    public async Task A_cluster_keeps_its_data_over_a_crash_and_a_restart()
    {
        var folder = Directory.CreateTempSubdirectory("mesh-cluster-test-");
        if (!OperatingSystem.IsWindows())
            folder.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        var binaries = await PostgresBinaries.FindOrInstallAsync(Console.Error.WriteLine);
        await using (var cluster = await PostgresCluster.StartAsync(binaries, Path.Combine(folder.FullName, "data")))
        {
            await cluster.CreateDatabaseAsync("kept");
            await cluster.CreateDatabaseAsync("kept");
            await ScalarAsync(cluster.ConnectionString("kept"), "create table t as select 7 as n; select n from t");
            await cluster.StopAsync("immediate");
            NpgsqlConnection.ClearAllPools();
            await cluster.StartServerAsync();
            Assert.Equal(7, await ScalarAsync(cluster.ConnectionString("kept"), "select n from t"));
            Assert.Equal("off", await ScalarAsync(cluster.ConnectionString("kept"), "show jit"));
        }

        folder.Delete(recursive: true);
    }

    private static async Task<object?> ScalarAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
