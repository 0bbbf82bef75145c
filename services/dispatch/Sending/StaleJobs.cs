using Npgsql;
using NpgsqlTypes;
using WhatsAppMesh.Dispatch.Claims;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>Jobs whose worker is gone, in PostgreSQL.</summary>
internal sealed class StaleJobs(NpgsqlDataSource database)
{
    private const string Stale = """
        select id, send_key, fence, instance_id from jobs where status = 'processing' and updated_at < now() - $1 order by updated_at limit $2
        """;

    // On its own, before the rest: from here on the old worker can no longer note that its send begins, and what it noted before is seen.
    private const string Fence = """
        with mine as (
            select j.id, c.fence from jobs j join unnest($1::uuid[], $2::bigint[]) as c (id, fence) on c.id = j.id
            where j.status = 'processing' and j.fence < c.fence
            order by j.id for update of j)
        update jobs j set fence = m.fence, updated_at = now() from mine m where j.id = m.id
        """;

    private const string GiveBack = """
        with claimed as (select * from unnest($1::uuid[], $2::bigint[]) as c (id, fence)),
        gone as (
            update attempts a set finished_at = now(), category = 'unknown', error = 'the worker was gone'
            from claimed c where a.job_id = c.id and a.fence < c.fence and a.finished_at is null),
        mine as (
            select j.id, case
                when (j.cancel_requested or not $3) and exists (select from attempts a where a.job_id = j.id and a.send_began_at is not null) then 'in_doubt'
                when j.cancel_requested then 'cancelled'
                else 'pending' end as status
            from jobs j join claimed c on c.id = j.id and c.fence = j.fence where j.status = 'processing')
        update jobs j set
            status           = m.status,
            next_attempt_at  = case when m.status = 'pending' then now() else j.next_attempt_at end,
            reserved_until   = null,
            last_category    = 'unknown',
            last_status      = null,
            last_error       = 'the worker was gone',
            definite_refusal = false,
            updated_at       = now(),
            finished_at      = case when m.status <> 'pending' then now() end
        from mine m where j.id = m.id returning j.status
        """;

    /// <summary>Jobs that have been <c>processing</c> for longer than a lease: their worker is gone, or slow.</summary>
    public async Task<IReadOnlyList<DueJob>> FindAsync(TimeSpan lease, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Stale);
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = lease });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        var jobs = new List<DueJob>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            jobs.Add(new DueJob(reader.GetGuid(0), reader.GetString(1), reader.GetInt64(2), reader.GetString(3), TimeSpan.Zero));
        return jobs;
    }

    /// <summary>
    /// Takes jobs away from the workers that had them. They are due again, like any other; what may have been sent is in doubt instead when
    /// the broker would not recognise it, or when the job was called off.
    /// </summary>
    /// <param name="claimed">Jobs and their claims.</param>
    /// <param name="keyed">The broker would recognise a second send.</param>
    /// <returns>Their statuses. A job that is not among them was no longer its old worker's.</returns>
    public async Task<IReadOnlyList<string>> GiveBackAsync(IReadOnlyDictionary<Guid, HeldClaim> claimed, bool keyed)
    {
        var (ids, fences) = (claimed.Keys.ToArray(), claimed.Values.Select(static claim => claim.Fence).ToArray());
        // One transaction, and a snapshot for each statement.
        await using var connection = await database.OpenConnectionAsync();
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands = { Command(Fence, ids, fences), Command(GiveBack, ids, fences) },
        };
        batch.BatchCommands[1].Parameters.Add(new NpgsqlParameter<bool> { TypedValue = keyed });
        var statuses = new List<string>();
        await using var reader = await batch.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            statuses.Add(reader.GetString(0));
        return statuses;
    }

    private static NpgsqlBatchCommand Command(string sql, Guid[] ids, long[] fences) => new(sql)
    {
        Parameters =
        {
            new NpgsqlParameter<Guid[]> { TypedValue = ids, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid },
            new NpgsqlParameter<long[]> { TypedValue = fences, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint },
        },
    };
}
