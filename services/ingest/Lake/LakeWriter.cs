using Npgsql;
using NpgsqlTypes;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Appends batches to the log over one connection of its own, with one round trip each. Not thread-safe: one writer per replica.
/// </summary>
internal sealed partial class LakeWriter(LakeDatabase database, ILogger<LakeWriter> logger) : IAsyncDisposable
{
    /// <summary>
    /// Waits for the append before, of whichever replica. Runs as a statement of its own, so that the next one gets a snapshot that sees
    /// what that append committed. The lock makes positions dense and in commit order, and leaves dedup and revisions without a race.
    /// </summary>
    internal const string LockSql = "select position from head where log = $1 for update";

    /// <summary>
    /// Finds out what is new, numbers it, writes keys and rows, and moves the head, in one statement. Two probes per event, of its key and of
    /// the newest revision under its id, cost the same however many bodies the id has; a third finds the newest copy of an observation, which
    /// is known for as long as it is repeated within <see cref="DedupKey.RepeatWindow"/> (imported ones are told apart by when they were received). Each has a limit: the planner has no way to turn that
    /// into a join that reads the whole table. What is fresh is stored; under an id that takes no second body only the first is, of the lake's
    /// or of the batch's.
    /// </summary>
    internal const string AppendSql =
        $"""
        with looked as (
            select i.*, coalesce(k.known, c.copy) as known, coalesce(k.known_log, c.copy_log) as known_log, coalesce(newest.revision, -1) as newest,
                   k.known is null and c.copy is null and not (i.never_revised and (newest.revision is not null
                       or row_number() over (partition by i.tenant, i.event_id order by i.n) > 1)) as fresh
            from unnest($2::int[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                        $11::timestamptz[], $12::text[], $13::timestamptz[], $14::text[], $15::text[], $16::bool[], $17::uuid[], $18::bool[])
                with ordinality i(tenant, event_id, body_hash, id, source, type, chat_jid, participant_jid, participant_alt,
                                  occurred_at, occurred_at_source, received_at, traceparent, payload, imported, observation, never_revised, n)
            left join lateral (
                select s.position as known, s.log as known_log
                from seen s where s.tenant = i.tenant and s.event_id = i.event_id and s.body_hash = i.body_hash limit 1) k on true
            left join lateral (
                select newest.position as copy, newest.log as copy_log from (
                    select s.position, s.log, s.received_at from seen s
                    where s.tenant = i.tenant and s.event_id = i.event_id and s.observation = i.observation order by s.received_at desc limit 1) newest
                where newest.received_at >= i.received_at - interval '{DedupKey.RepeatWindow}') c on i.observation is not null and not i.imported
            left join lateral (
                select s.revision from seen s where s.tenant = i.tenant and s.event_id = i.event_id order by s.revision desc limit 1) newest on true),
        placed as materialized (
            select l.*,
                (select h.position from head h where h.log = $1)
                    + count(*) filter (where fresh) over (order by n rows unbounded preceding) as position,
                (newest + count(*) filter (where fresh)
                    over (partition by tenant, event_id order by n rows unbounded preceding))::int as revision
            from looked l),
        keys as (
            insert into seen (tenant, event_id, body_hash, log, position, revision, observation, received_at)
            select tenant, event_id, body_hash, $1, position, revision, observation, case when observation is not null then received_at end
            from placed where fresh),
        stored as (
            insert into whatsapp_events (log, position, id, revision, tenant, event_id, source, type, chat_jid, participant_jid, participant_alt,
                                         occurred_at, occurred_at_source, received_at, traceparent, payload, imported)
            select $1, position, id, revision, tenant, event_id, source, type, chat_jid, participant_jid, participant_alt,
                   occurred_at, occurred_at_source, received_at, traceparent, payload, imported
            from placed where fresh),
        moved as (
            update head set position = (select max(position) from placed) where log = $1 and exists (select from placed where fresh))
        select n::int, fresh, coalesce(known, position), revision, coalesce(known_log, $1), known is null and not fresh from placed
        """;

    private readonly Dictionary<string, int> _tenants = [];

    private NpgsqlConnection? _connection;
    private NpgsqlBatch? _append;
    private int _log;

    /// <summary>Rows of the next append. Clear, add, append.</summary>
    public LakeBatch Batch { get; } = new();

    /// <summary>Opens the connection unless it is open, and finds the log to write to.</summary>
    /// <returns>True when it was opened now: whatever is known of the database may be another one's.</returns>
    public async Task<bool> OpenAsync(CancellationToken cancellationToken)
    {
        if (_connection is { State: System.Data.ConnectionState.Open })
            return false;
        await CloseAsync();
        await database.EnsureSchemaAsync(cancellationToken);
        var connection = await database.Hot.OpenConnectionAsync(cancellationToken);
        try
        {
            (_log, var isNew) = await LakeLog.CurrentAsync(connection, cancellationToken);
            Log.Appending(logger, _log, isNew ? "begun now" : "as before");
            var append = Prepare(connection);
            await append.PrepareAsync(cancellationToken);
            // Last: a writer that is open is open whole.
            (_append, _connection) = (append, connection);
            return true;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Id of a tenant; a new tenant gets one.</summary>
    public async ValueTask<int> TenantIdAsync(string tenant, CancellationToken cancellationToken)
    {
        if (_tenants.TryGetValue(tenant, out var known))
            return known;
        await using var command = new NpgsqlCommand(
            """
            with added as (
                insert into tenants (name) select $1 where not exists (select from tenants where name = $1) on conflict (name) do nothing returning id)
            select id from added union all select id from tenants where name = $1
            """,
            _connection)
        { Parameters = { new() { Value = tenant } } };
        // Empty when another replica added it between our snapshot and our insert: it is there the second time.
        var id = await command.ExecuteScalarAsync(cancellationToken) ?? await command.ExecuteScalarAsync(cancellationToken);
        return _tenants[tenant] = (int)id!;
    }

    /// <summary>Appends the batch: commits all of it, or nothing.</summary>
    /// <param name="results">One per row of the batch.</param>
    public async Task AppendAsync(StoredEvent[] results, CancellationToken cancellationToken)
    {
        ((NpgsqlParameter<int>)_append!.BatchCommands[0].Parameters[0]).TypedValue = _log;
        ((NpgsqlParameter<int>)_append.BatchCommands[1].Parameters[0]).TypedValue = _log;
        await using var reader = await _append.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            results[reader.GetInt32(0) - 1] = new StoredEvent(
                reader.GetBoolean(1), reader.GetInt32(4), reader.GetInt64(2), reader.GetInt32(3), reader.GetBoolean(5));
        }
    }

    /// <summary>Gives the connection up, so that the next append opens another one: after a failure that may have broken it.</summary>
    public async ValueTask CloseAsync()
    {
        var (append, connection) = (_append, _connection);
        (_append, _connection) = (null, null);
        // The next connection may lead to a restored database, in which an id is another tenant's.
        _tenants.Clear();
        if (append is not null)
            await append.DisposeAsync();
        if (connection is not null)
            await connection.DisposeAsync();
    }

    /// <summary>Gives up the idle connections beside it too: what broke this one mostly broke them, and each would cost a timeout to find out.</summary>
    public ValueTask AbandonAsync()
    {
        database.Hot.Clear();
        return CloseAsync();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => CloseAsync();

    // The parameters hold the batch's own lists: filling the batch is filling the statement.
    private NpgsqlBatch Prepare(NpgsqlConnection connection)
    {
        const NpgsqlDbType Array = NpgsqlDbType.Array;
        return new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new(LockSql) { Parameters = { new NpgsqlParameter<int> { TypedValue = _log } } },
                new(AppendSql)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<int> { TypedValue = _log },
                        Parameter(Batch.Tenants, Array | NpgsqlDbType.Integer),
                        Parameter(Batch.EventIds, Array | NpgsqlDbType.Uuid),
                        Parameter(Batch.BodyHashes, Array | NpgsqlDbType.Uuid),
                        Parameter(Batch.Ids, Array | NpgsqlDbType.Uuid),
                        Parameter(Batch.Sources, Array | NpgsqlDbType.Text),
                        Parameter(Batch.Types, Array | NpgsqlDbType.Text),
                        Parameter(Batch.ChatJids, Array | NpgsqlDbType.Text),
                        Parameter(Batch.ParticipantJids, Array | NpgsqlDbType.Text),
                        Parameter(Batch.ParticipantAlts, Array | NpgsqlDbType.Text),
                        Parameter(Batch.OccurredAts, Array | NpgsqlDbType.TimestampTz),
                        Parameter(Batch.OccurredAtSources, Array | NpgsqlDbType.Text),
                        Parameter(Batch.ReceivedAts, Array | NpgsqlDbType.TimestampTz),
                        Parameter(Batch.TraceParents, Array | NpgsqlDbType.Text),
                        Parameter(Batch.Payloads, Array | NpgsqlDbType.Text),
                        Parameter(Batch.Imported, Array | NpgsqlDbType.Boolean),
                        Parameter(Batch.Observations, Array | NpgsqlDbType.Uuid),
                        Parameter(Batch.NeverRevised, Array | NpgsqlDbType.Boolean),
                    },
                },
            },
        };
    }

    private static NpgsqlParameter<List<T>> Parameter<T>(List<T> values, NpgsqlDbType type) => new() { TypedValue = values, NpgsqlDbType = type };

    private static partial class Log
    {
        [LoggerMessage(2020, LogLevel.Information, "Appending to log {Log}, {Begun}")]
        public static partial void Appending(ILogger logger, int log, string begun);
    }
}
