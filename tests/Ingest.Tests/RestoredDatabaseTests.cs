using Npgsql;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>Nothing that was learnt over one connection holds for the next: the database may have been restored in between.</summary>
public class RestoredDatabaseTests
{
    private const string Body = """{"type":"t","payload":{}}""";

    [Fact]
    public async Task A_new_connection_asks_for_tenants_and_partitions_again()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var ingest = await IngestUnderTest.StartAsync(database.ConnectionString);
        Assert.Equal(201, (await ingest.PostV2Async(Guid.NewGuid().ToString(), Body)).Status);
        // As a restore leaves it: the id means another tenant, the month's partition is not there yet.
        await database.ConnectionString.ExecuteAsync("update tenants set name = 'globex' where name = 'acme'");
        await database.ConnectionString.ExecuteAsync($"drop table {await database.ConnectionString.ScalarAsync<string>("select tableoid::regclass::text from whatsapp_events")}");
        await database.ConnectionString.ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");

        await Eventually.TrueAsync(async () => (await ingest.PostV2Async(Guid.NewGuid().ToString(), Body)).Status == 201, "events are stored again");
        Assert.Equal(["acme"], await database.ConnectionString.ListAsync<string>("select tenant from lake_events"));
    }

    [Fact]
    public async Task A_tenant_that_nobody_knows_is_an_error_and_no_endless_search()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var ingest = await IngestUnderTest.StartAsync(database.ConnectionString);
        await ingest.PostV2Async(Guid.NewGuid().ToString(), Body);
        await database.ConnectionString.ExecuteAsync("update whatsapp_events set tenant = 999");
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync();
        using var request = new PublishRequest(1024 * 1024);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => new LakeCursor(connection, new IngestOptions()).FillAsync(request, 1, 0, 10, true, deadline.Token));
        Assert.Contains("999", failure.Message, StringComparison.Ordinal);
    }
}
