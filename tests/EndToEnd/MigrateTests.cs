using System.Diagnostics;
using Npgsql;
using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.EndToEnd;

/// <summary>What the chart's jobs run before the services: the service's own program, with one argument.</summary>
public sealed class MigrateTests
{
    [Theory]
    [InlineData("Ingest", "head")]
    [InlineData("Membership", "whatsapp_groups")]
    [InlineData("Dispatch", "automations")]
    public async Task The_argument_migrate_makes_the_schema_and_ends_however_often_it_runs(string service, string table)
    {
        await using var database = await TestDatabase.CreateAsync();

        for (var run = 1; run <= 2; run++)
        {
            var (exitCode, said) = await MigrateAsync(service, database.ConnectionString);
            Assert.True(exitCode == 0, said);
        }

        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync();
        await using var exists = new NpgsqlCommand($"select to_regclass('{table}') is not null", connection);
        Assert.True((bool)(await exists.ExecuteScalarAsync())!);
    }

    [Theory]
    [InlineData("Ingest")]
    [InlineData("Membership")]
    [InlineData("Dispatch")]
    public async Task A_migration_that_cannot_run_ends_with_1_and_says_why(string service)
    {
        var (exitCode, said) = await MigrateAsync(service, "Host=127.0.0.1;Port=1;Username=nobody;Database=nothing;Timeout=2");

        Assert.Equal(1, exitCode);
        Assert.Contains("could not be brought up to date", said, StringComparison.Ordinal);
    }

    private static async Task<(int ExitCode, string Said)> MigrateAsync(string service, string connectionString)
    {
        var program = Path.Combine(MeshRepository.Find(), "artifacts", "bin", service, MeshUnderTest.Configuration, $"WhatsAppMesh.{service}.dll");
        var start = new ProcessStartInfo("dotnet", ["exec", program, "migrate"])
        {
            RedirectStandardOutput = true,
            Environment = { ["ConnectionStrings__Database"] = connectionString, ["Mesh__InternalToken"] = "internal", ["APP_PORT"] = "0", ["HTTP_PORT"] = "0" },
        };
        using var process = Process.Start(start)!;
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, said);
    }
}
