using Npgsql;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Deliveries.Tests;

/// <summary>A database with the schema, a lake, and replicas of one consumer on them: everything a test has to itself.</summary>
internal sealed class World : IAsyncDisposable
{
    private readonly TestDatabase _database;
    private readonly List<Replica> _replicas = [];
    private readonly List<TaskCompletionSource> _gates = [];

    private World(TestDatabase database, FakeLake lake)
    {
        _database = database;
        Lake = lake;
        Sql = NpgsqlDataSource.Create(database.ConnectionString);
    }

    public FakeLake Lake { get; }

    public NpgsqlDataSource Sql { get; }

    public string ConnectionString => _database.ConnectionString;

    public string Name => _database.Name;

    public static async Task<World> CreateAsync()
    {
        var world = new World(await TestDatabase.CreateAsync(), await FakeLake.StartAsync());
        await world.ExecuteAsync(DeliveriesSchema.Version1);
        await world.ExecuteAsync(DeliveriesSchema.Version2);
        await world.ExecuteAsync(DeliveriesSchema.Version3);
        await world.ExecuteAsync(DeliveriesSchema.Version4);
        await world.ExecuteAsync("create table effects (log int, position bigint, payload text)");
        return world;
    }

    public async Task<Replica> StartReplicaAsync(TestHandler? handler = null, params (string Key, string Value)[] settings)
    {
        var replica = await Replica.StartAsync(ConnectionString, Lake.Address, handler, settings);
        _replicas.Add(replica);
        return replica;
    }

    /// <summary>Something for a handler to wait for; opens at the latest when the test ends, so that no failure leaves a handler hanging.</summary>
    public TaskCompletionSource Gate()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _gates.Add(gate);
        return gate;
    }

    /// <summary>Ends a replica as a restart does.</summary>
    public async Task StopAsync(Replica replica)
    {
        _replicas.Remove(replica);
        await replica.DisposeAsync();
    }

    public async Task<T> QueryAsync<T>(string sql)
    {
        await using var command = Sql.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Sql.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Every position applied, as "position" or "position x times" when more than once.</summary>
    public Task<string> EffectsAsync(int log = 1) => QueryAsync<string>(
        $"select coalesce(string_agg(p, ' ' order by position), '') from (select position, position || case when count(*) > 1 then 'x' || count(*) else '' end p from effects where log = {log} group by position) t");

    public Task<string> AccountAsync(int log = 1) => QueryAsync<string>($"select coalesce((select done::text from deliveries.account where log = {log}), '')");

    /// <summary>Waits until a question has the expected answer, for at most 30 s.</summary>
    public static async Task UntilAsync<T>(Func<Task<T>> ask, T expected)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var answer = await ask();
            if (EqualityComparer<T>.Default.Equals(answer, expected))
                return;
            if (deadline.IsCancellationRequested)
                Assert.Equal(expected, answer);
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _gates.ForEach(static gate => gate.TrySetResult());
        foreach (var replica in _replicas)
            await replica.DisposeAsync();
        await Lake.DisposeAsync();
        await Sql.DisposeAsync();
        await _database.DisposeAsync();
    }
}
