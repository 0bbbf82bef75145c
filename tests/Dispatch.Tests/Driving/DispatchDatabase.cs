using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Dispatch.Schema;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Migrations;

namespace WhatsAppMesh.Dispatch.Tests.Driving;

/// <summary>A dispatch database of a test's own, and the handler that fills it.</summary>
public sealed class DispatchDatabase : IAsyncDisposable
{
    private readonly TestDatabase _database;
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    private DispatchDatabase(TestDatabase database)
    {
        _database = database;
        Source = NpgsqlDataSource.Create(database.ConnectionString);
        Metrics = new DispatchMetrics(_services.GetRequiredService<IMeterFactory>());
        Handler = new DispatchHandler(Metrics, new DispatchOptions(), TimeProvider.System);
    }

    public TestDatabase Database => _database;

    public NpgsqlDataSource Source { get; }

    public DispatchMetrics Metrics { get; }

    public DispatchHandler Handler { get; }

    public static async Task<DispatchDatabase> CreateAsync()
    {
        var database = new DispatchDatabase(await TestDatabase.CreateAsync());
        await SchemaMigration.RunAsync(database._database.ConnectionString, static connection => new DispatchContext(connection), default);
        // Tests tell of a day of their own: dispatch began before it.
        await database.ExecuteAsync($"update dispatch_epoch set started_at = '{Lake.Midnight:O}'");
        return database;
    }

    /// <summary>Applies events as one batch, as deliveries would: sorted, in one transaction.</summary>
    public Task ApplyAsync(params IEnumerable<CollectedEvent> events) => ApplyAsync(events, DeliveryContext.First);

    /// <summary>Applies events as one batch that reached the handler in this way.</summary>
    public async Task ApplyAsync(IEnumerable<CollectedEvent> events, DeliveryContext context)
    {
        await using var connection = await Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await Handler.ApplyAsync([.. events.Where(((IBatchHandler)Handler).Concerns).OrderBy(static e => e.Log).ThenBy(static e => e.Position)], context, transaction, default);
        await transaction.CommitAsync();
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        command.CommandTimeout = 120;
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Rows of a query, columns joined by <c>|</c>, null as <c>-</c>.</summary>
    public async Task<List<string>> RowsAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(column => reader.IsDBNull(column) ? "-" : reader.GetValue(column).ToString())));
        return rows;
    }

    /// <summary>Jobs as <c>entity|step|status</c>.</summary>
    public Task<List<string>> JobsAsync() => RowsAsync("select entity, step_id, status from jobs order by created_at, entity, step_id, status");

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        Metrics.Dispose();
        await _services.DisposeAsync();
        await _database.DisposeAsync();
    }
}
