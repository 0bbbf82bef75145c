using Npgsql;
using WhatsAppMesh.Dispatch;
using WhatsAppMesh.Dispatch.Claims;
using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Dispatch.Schema;
using WhatsAppMesh.Dispatch.Sending;
using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Migrations;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>Jobs in a database of a test's own, and the statements that work on them; nobody else does.</summary>
internal sealed class JobsDatabase : IAsyncDisposable
{
    private readonly TestDatabase _database;

    private JobsDatabase(TestDatabase database)
    {
        _database = database;
        Source = NpgsqlDataSource.Create(database.ConnectionString);
        // One session, so that a plan once made is the plan.
        Hot = ServiceDatabase.OpenHot(database.ConnectionString + ";Maximum Pool Size=1", "sends");
        Store = new SendStore(Hot, new WorkerIdentity("w"), new DispatchOptions());
        Stale = new StaleJobs(Source);
    }

    public NpgsqlDataSource Source { get; }

    /// <summary>The session that <see cref="Store"/> works in.</summary>
    public NpgsqlDataSource Hot { get; }

    public SendStore Store { get; }

    public StaleJobs Stale { get; }

    public static async Task<JobsDatabase> CreateAsync()
    {
        var database = new JobsDatabase(await TestDatabase.CreateAsync());
        await SchemaMigration.RunAsync(database._database.ConnectionString, static connection => new DispatchContext(connection), default);
        return database;
    }

    /// <summary>Adds a job that is due.</summary>
    /// <param name="replayOf">The job whose send key it shares; null = one of its own.</param>
    public async Task<Guid> AddAsync(Guid? replayOf = null)
    {
        var id = Guid.CreateVersion7();
        await ExecuteAsync("""
            insert into jobs (id, tenant, key, send_key, kind, entity, occurrence, instance_id, message, subject, status, due_at, next_attempt_at, replay_of, created_at, updated_at)
            values ($1, 'acme', $2, $3, 'direct', 'direct', 'x', 'instance-0', '{"type":"text","to":"12025550103","content":"Oi"}', '{}', 'pending', now(), now(), $4, now(), now())
            """, id, $"acme:{id}", JobKey.Hash($"acme:{replayOf ?? id}"), (object?)replayOf ?? DBNull.Value);
        return id;
    }

    /// <summary>Starts a job under a fence; null when it may not be started.</summary>
    public async Task<StartedJob?> StartAsync(Guid job, long fence, bool keyed = true) =>
        (await Store.StartAsync(Held(job, fence), keyed, static _ => 0, default)).SingleOrDefault();

    /// <summary>Writes the end of an attempt.</summary>
    /// <returns>The job's status; null when nothing was written.</returns>
    public async Task<string?> FinishAsync(StartedJob job, SendOutcome outcome) => (await Store.FinishAsync([new FinishedJob(job, job.Claim, outcome)], default))[0];

    /// <summary>Takes a job away from its worker.</summary>
    /// <returns>Its status; null when it was no longer that worker's.</returns>
    public async Task<string?> GiveBackAsync(Guid job, long fence, bool keyed = true) => (await Stale.GiveBackAsync(Held(job, fence), keyed)).SingleOrDefault();

    public async Task<T> ScalarAsync<T>(string sql, params object[] values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteScalarAsync() is T found ? found : default!;
    }

    public async Task ExecuteAsync(string sql, params object[] values)
    {
        await using var command = Command(sql, values);
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Hot.DisposeAsync();
        await Source.DisposeAsync();
        await _database.DisposeAsync();
    }

    private static Dictionary<Guid, HeldClaim> Held(Guid job, long fence) => new() { [job] = new HeldClaim("key", "w", fence, "1", 0) };

    private NpgsqlCommand Command(string sql, object[] values)
    {
        var command = Source.CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command;
    }
}
