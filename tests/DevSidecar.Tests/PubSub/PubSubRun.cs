using Npgsql;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.PubSub;

/// <summary>An app with its sidecar on a database of its own.</summary>
internal sealed class PubSubRun : IAsyncDisposable
{
    private readonly NpgsqlDataSource _data;

    private PubSubRun(TestDatabase database, DeliveryApp app, RunningSidecar sidecar)
    {
        Database = database;
        App = app;
        Sidecar = sidecar;
        _data = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database.ConnectionString) { MaxPoolSize = 2 });
    }

    public TestDatabase Database { get; }

    public DeliveryApp App { get; }

    public RunningSidecar Sidecar { get; }

    public static async Task<PubSubRun> StartAsync(string[] resources, Func<Delivery, Task<IResult>>? answer = null, string? subscriptions = null, string? appToken = null)
    {
        var database = await TestDatabase.CreateAsync();
        var app = await DeliveryApp.StartAsync(answer, subscriptions: subscriptions);
        return new PubSubRun(database, app, await RunningSidecar.StartAsync(database.ConnectionString, "app", app.Port, resources, appToken: appToken));
    }

    /// <summary>Messages a topic keeps.</summary>
    public Task<long> MessagesAsync(string topic) =>
        CountAsync("select count(*) from sidecar.messages m join sidecar.topics t on t.id = m.topic where t.name = $1", topic);

    /// <summary>Batches in flight.</summary>
    public Task<long> LeasesAsync() => CountAsync("select count(*) from sidecar.leases");

    public async Task<long> CountAsync(string sql, params object[] values)
    {
        await using var command = _data.CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new() { Value = value });
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>A number out of any database.</summary>
    public static async Task<long> CountAsync(TestDatabase database, string sql)
    {
        await using var data = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database.ConnectionString) { MaxPoolSize = 1 });
        await using var command = data.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        await Sidecar.DisposeAsync();
        await App.DisposeAsync();
        await _data.DisposeAsync();
        await Database.DisposeAsync();
    }
}
