using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;

namespace WhatsAppMesh.Deliveries;

/// <summary>Keeps replay jobs: made, moved on, paused, resumed, cancelled.</summary>
internal sealed partial class ReplayJobStore(NpgsqlDataSource database, TimeProvider time)
{
    private const string Columns =
        "id, tenant, dead_letters, spans::text, state, rate, matched, cursor, replayed, failed, reason, requested_by, created_at, finished_at, allow_sends";

    /// <summary>Stores a job, together with its line in the audit trail.</summary>
    /// <param name="requestKey">Names the request: a second one under the same key is the same job. Null: always a new job.</param>
    /// <returns>Id of the job: the new one, or the one made before under this key.</returns>
    public async Task<Guid> CreateAsync(ReplayJobRow job, string? requestKey, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var insert = new NpgsqlCommand(
            """
            insert into deliveries.replay_jobs (id, request_key, tenant, dead_letters, spans, state, rate, matched, reason, requested_by, created_at, allow_sends)
            values ($1, $2, $3, $4, $5::text::jsonb, 'running', $6, $7, $8, $9, $10, $11)
            on conflict (request_key) do nothing
            """, connection, transaction))
        {
            Add(insert, job.Id);
            insert.Parameters.Add(new NpgsqlParameter { Value = requestKey ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
            Add(insert, job.Tenant);
            Add(insert, job.DeadLetters.ToArray());
            Add(insert, JsonSerializer.Serialize(job.Spans, SpanJson.Default.IReadOnlyListLogSpan));
            Add(insert, job.Rate);
            Add(insert, job.Matched);
            Add(insert, job.Reason);
            Add(insert, job.RequestedBy);
            Add(insert, job.CreatedAt.UtcDateTime);
            Add(insert, job.AllowSends);
            if (await insert.ExecuteNonQueryAsync(cancellationToken) == 0)
                return await FindAsync(connection, transaction, requestKey!, cancellationToken);
        }

        await AuditTrail.WriteAsync(transaction, job.CreatedAt, job.Tenant, job.RequestedBy, "replay", job.Reason, job.Id, job.Matched, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return job.Id;
    }

    /// <summary>A job; null when there is none of this tenant. An empty tenant sees all.</summary>
    public async Task<ReplayJobRow?> GetAsync(string tenant, Guid id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"select {Columns} from deliveries.replay_jobs where id = $2 and ($1 = '' or tenant = $1)");
        Add(command, tenant);
        Add(command, id);
        return (await ReadAsync(command, cancellationToken)).FirstOrDefault();
    }

    /// <summary>The job that was made under a request's key; null when there is none.</summary>
    public async Task<ReplayJobRow?> RequestedAsync(string requestKey, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"select {Columns} from deliveries.replay_jobs where request_key = $1");
        Add(command, requestKey);
        return (await ReadAsync(command, cancellationToken)).FirstOrDefault();
    }

    /// <summary>Ids of the running jobs, oldest first.</summary>
    public async Task<IReadOnlyList<Guid>> RunningAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("select id from deliveries.replay_jobs where state = 'running' order by created_at, id");
        var ids = new List<Guid>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            ids.Add(reader.GetGuid(0));
        return ids;
    }

    /// <summary>Some jobs that still run.</summary>
    public async Task<IReadOnlyList<ReplayJobRow>> GetAsync(IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        if (ids.Count == 0)
            return [];
        await using var command = database.CreateCommand($"select {Columns} from deliveries.replay_jobs where id = any($1) and state = 'running'");
        Add(command, ids.ToArray());
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>Moves a job from one of the states <paramref name="from"/> to another, with a line in the audit trail.</summary>
    /// <returns>False when it was in none of them.</returns>
    public async Task<bool> MoveAsync(ReplayJobRow job, string[] from, string to, string who, string action, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var update = new NpgsqlCommand(
            """
            update deliveries.replay_jobs
            set state = $2, finished_at = case when $2 in ('done', 'cancelled') then $4 end
            where id = $1 and state = any($3)
            """, connection, transaction);
        Add(update, job.Id);
        Add(update, to);
        Add(update, from);
        Add(update, time.GetUtcNow().UtcDateTime);
        if (await update.ExecuteNonQueryAsync(cancellationToken) == 0)
            return false;

        await AuditTrail.WriteAsync(transaction, time.GetUtcNow(), job.Tenant, who, action, job.Reason, job.Id, job.Matched, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    /// <summary>Moves the cursor on inside the transaction of the replayed event, so that a restart neither repeats nor skips it.</summary>
    /// <returns>False when the job no longer runs, or another replica has been here: roll back.</returns>
    public static async Task<bool> AdvanceAsync(NpgsqlTransaction transaction, Guid id, long cursor, int replayed, int failed, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            update deliveries.replay_jobs set cursor = $2, replayed = replayed + $3, failed = failed + $4
            where id = $1 and state = 'running' and cursor < $2
            """, transaction.Connection, transaction);
        Add(command, id);
        Add(command, cursor);
        Add(command, replayed);
        Add(command, failed);
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    /// <summary>Moves the cursor over what had nothing to replay.</summary>
    public async Task<bool> PassAsync(Guid id, long cursor, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (!await AdvanceAsync(transaction, id, cursor, 0, 0, cancellationToken))
            return false;

        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    private static async Task<Guid> FindAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, string requestKey, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("select id from deliveries.replay_jobs where request_key = $1", connection, transaction);
        Add(command, requestKey);
        return (Guid)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task<IReadOnlyList<ReplayJobRow>> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var jobs = new List<ReplayJobRow>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            jobs.Add(new ReplayJobRow
            {
                Id = reader.GetGuid(0),
                Tenant = reader.GetString(1),
                DeadLetters = reader.GetFieldValue<Guid[]>(2),
                Spans = JsonSerializer.Deserialize(reader.GetString(3), SpanJson.Default.IReadOnlyListLogSpan)!,
                State = reader.GetString(4),
                Rate = reader.GetInt32(5),
                Matched = reader.GetInt64(6),
                Cursor = reader.GetInt64(7),
                Replayed = reader.GetInt64(8),
                Failed = reader.GetInt64(9),
                Reason = reader.GetString(10),
                RequestedBy = reader.GetString(11),
                CreatedAt = reader.GetDateTime(12),
                FinishedAt = reader.IsDBNull(13) ? null : reader.GetDateTime(13),
                AllowSends = reader.GetBoolean(14),
            });
        }

        return jobs;
    }

    private static void Add<T>(NpgsqlCommand command, T value) => command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });

    [JsonSerializable(typeof(IReadOnlyList<LogSpan>))]
    private sealed partial class SpanJson : JsonSerializerContext;
}
