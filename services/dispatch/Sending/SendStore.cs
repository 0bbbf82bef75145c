using Npgsql;
using NpgsqlTypes;
using WhatsAppMesh.Dispatch.Claims;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>
/// Jobs on their way out, in PostgreSQL. Every write after the claim names its fence, so that a worker which lost its claim writes nothing.
/// </summary>
internal sealed class SendStore([FromKeyedServices(SendStore.Sessions)] NpgsqlDataSource database, WorkerIdentity worker, DispatchOptions dispatch)
{
    /// <summary>Key of the data source whose sessions suit these statements.</summary>
    public const string Sessions = "sends";

    /// <summary>Instances that have a job pending, one row each and a null at the end: the body of a recursive <c>instance</c>.</summary>
    public const string PendingInstances = """
            (select instance_id from jobs where status = 'pending' order by instance_id limit 1)
            union all
            select (select j.instance_id from jobs j where j.status = 'pending' and j.instance_id > i.instance_id order by j.instance_id limit 1)
            from instance i where i.instance_id is not null
        """;

    /// <summary>Instances that have a job due, found by skipping through the index: as cheap with a million jobs as with ten.</summary>
    private const string DueInstances = $"""
        with recursive instance as ({PendingInstances})
        select i.instance_id from instance i
        where i.instance_id is not null
          and (select min(j.next_attempt_at) from jobs j where j.status = 'pending' and j.instance_id = i.instance_id) <= now()
        """;

    // A job whose time to start has passed is left to expire. Reserving keeps replicas apart; only the claim decides.
    private const string Ready = "next_attempt_at <= now() and (reserved_until is null or reserved_until < now()) and (attempts > 0 or due_at > now() - $3)";

    private const string Due = $"select id from jobs where status = 'pending' and instance_id = $1 and {Ready}";

    // Where ids are given, the status is asked for in words that no index knows: while nothing waits, the index of what waits is the
    // cheapest of all to read whole, and the plan that says so would be kept.
    private const string IsPending = "status || '' = 'pending'";

    private const string DueOnly = $"select id from jobs where id = any($4) and {IsPending} and instance_id = $1 and {Ready}";

    private const string Freely = """
              and not exists (select from instance_rates r where r.instance_id = $1 and r.next_at > now())
            order by next_attempt_at limit $2 for update skip locked)
        update jobs j set reserved_until = now() + $5 from due where j.id = due.id
        returning j.id, j.send_key, j.fence, 0::float8
        """;

    // The row lock on the instance's rate makes the slots exact over all replicas; slots that were not used are gone.
    private const string Room = """
        with rate as materialized (select greatest(next_at, clock_timestamp()) as next_at from instance_rates where instance_id = $1 for update),
        room as materialized (select next_at, floor(extract(epoch from clock_timestamp() + $7 - next_at) / $6)::int + 1 as slots from rate),
        """;

    private const string InSlots = """
            order by next_attempt_at limit (select least(greatest(slots, 0), $2) from room) for update skip locked),
        numbered as (select id, row_number() over (order by id) - 1 as n from due),
        moved as (update instance_rates r set next_at = room.next_at + (select count(*) from due) * $6 * interval '1 second' from room where r.instance_id = $1)
        update jobs j set reserved_until = now() + $5 from numbered, room where j.id = numbered.id
        returning j.id, j.send_key, j.fence, greatest(0, extract(epoch from room.next_at - clock_timestamp()) + numbered.n * $6)::float8
        """;

    // In the order of ids, as every statement over many jobs: two of them cannot deadlock.
    // A claim that was taken late, or by a worker that then paused, starts nothing: the row has moved on since. earlier: when the first attempt
    // under the send key began that may have sent it. With a broker that remembers no key, only this job's own: a replay is a person's decision.
    private const string Start = $"""
        with claimed as (select * from unnest($1::uuid[], $2::bigint[]) as c (id, fence)),
        mine as (
            select j.id, c.fence from jobs j join claimed c on c.id = j.id
            where j.{IsPending} and j.fence < c.fence and j.next_attempt_at <= now()
            order by j.id for update of j),
        started as (
            update jobs j set status = 'processing', fence = m.fence, attempts = j.attempts + 1, reserved_until = null, updated_at = now()
            from mine m where j.id = m.id returning j.*),
        noted as (
            insert into attempts (job_id, number, fence, worker, started_at, send_began_at)
            select id, attempts, fence, $3, now(), case when $4 then now() end from started on conflict do nothing)
        select s.id, s.tenant, s.kind, s.instance_id, s.send_key, s.message::text, s.subject::text, s.attempts, s.traceparent,
            (select extract(epoch from now() - min(a.send_began_at))::float8 from jobs o join attempts a on a.job_id = o.id
             where o.tenant = s.tenant and o.send_key = s.send_key and ($4 or o.id = s.id)) as earlier
        from started s
        """;

    private const string NoteBegan = """
        with mine as (select id from jobs where id = $1 and fence = $2 and status = 'processing' and not cancel_requested for update)
        update attempts a set send_began_at = now() from mine where a.job_id = mine.id and a.fence = $2 returning true
        """;

    // An attempt that certainly sent nothing no longer says that it began to send: send_began_at means "may have left" from its end on.
    // So does attempts = 0 mean "was never sent": one that may have left leaves at least 1, though it was put off and does not count.
    private const string Finish = """
        with ended as (
            select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::float8[], $6::bool[], $7::text[], $8::text[], $9::bool[], $10::bool[], $11::int[], $12::int[], $13::text[])
                as e (id, fence, status, category, wait, counts, error, external_id, refusal, may_have_left, http, latency, answer)),
        locked as (
            select e.*, e.status = 'pending' and j.cancel_requested as called_off, j.tenant, j.send_key
            from jobs j join ended e on e.id = j.id where j.fence = e.fence and j.status = 'processing'
            order by j.id for update of j),
        mine as (
            select l.*, case when l.refusal or l.called_off then l.may_have_left or exists (
                    select from jobs o join attempts a on a.job_id = o.id
                    where o.tenant = l.tenant and o.send_key = l.send_key and a.send_began_at is not null and (a.job_id, a.fence) <> (l.id, l.fence)) end as unsure
            from locked l),
        done as (
            update jobs j set
                status           = case when not m.called_off then m.status when m.unsure then 'in_doubt' else 'cancelled' end,
                attempts         = case when m.counts then j.attempts else greatest(j.attempts - 1, m.may_have_left::int) end,
                next_attempt_at  = case when m.status = 'pending' then now() + m.wait * interval '1 second' else j.next_attempt_at end,
                last_category    = m.category,
                last_status      = m.http,
                last_error       = m.error,
                external_id      = coalesce(m.external_id, j.external_id),
                definite_refusal = m.refusal and not m.unsure,
                updated_at       = now(),
                finished_at      = case when m.status <> 'pending' or m.called_off then now() end
            from mine m where j.id = m.id returning j.id, j.status),
        noted as (
            update attempts a set finished_at = now(), status = m.http, category = m.category, latency_ms = m.latency, answer = m.answer, error = m.error,
                send_began_at = case when m.may_have_left then a.send_began_at end
            from mine m where a.job_id = m.id and a.fence = m.fence)
        select id, status from done
        """;

    private const string AlreadySent = """
        with mine as (
            select j.id, c.external_id from jobs j join unnest($1::uuid[], $2::text[], $3::bigint[]) as c (id, external_id, fence) on c.id = j.id
            where j.status = 'pending' or (j.status = 'processing' and j.fence <= c.fence)
            order by j.id for update of j)
        update jobs j set status = 'sent', external_id = coalesce(m.external_id, j.external_id), reserved_until = null, updated_at = now(), finished_at = now()
        from mine m where j.id = m.id
        """;

    /// <summary>Instances with a job that is due.</summary>
    public async Task<IReadOnlyList<string>> DueInstancesAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(DueInstances);
        return await ReadAsync(command, static reader => reader.GetString(0), cancellationToken);
    }

    /// <summary>Reserves due jobs of an instance, each with a slot of its rate, the next to come at most <paramref name="horizon"/> away.</summary>
    public async Task<IReadOnlyList<DueJob>> ReserveAsync(
        string instance, int limit, Guid[]? only, double rate, TimeSpan horizon, TimeSpan reservation, CancellationToken cancellationToken)
    {
        var free = rate <= 0;
        if (!free)
            await ExecuteAsync("insert into instance_rates (instance_id, next_at) values ($1, now()) on conflict do nothing", cancellationToken, instance);
        await using var command = database.CreateCommand((free, only) switch
        {
            (true, null) => $"with due as ({Due} {Freely}",
            (true, _) => $"with due as ({DueOnly} {Freely}",
            (false, null) => $"{Room} due as ({Due} {InSlots}",
            (false, _) => $"{Room} due as ({DueOnly} {InSlots}",
        });
        Add(command, instance, limit, dispatch.ExpireAfter);
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)only ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        Add(command, reservation);
        if (!free)
            Add(command, 1 / rate, horizon);
        return await ReadAsync(
            command,
            reader => new DueJob(reader.GetGuid(0), reader.GetString(1), reader.GetInt64(2), instance, TimeSpan.FromSeconds(reader.GetDouble(3))),
            cancellationToken);
    }

    /// <summary>Those of some jobs that are due, by instance.</summary>
    public async Task<IReadOnlyList<(string Instance, Guid[] Jobs)>> StillDueAsync(Guid[] jobs, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            $"select instance_id, array_agg(id) from jobs where id = any($1) and {IsPending} and next_attempt_at <= now() and (attempts > 0 or due_at > now() - $2) group by instance_id");
        Add(command, jobs, dispatch.ExpireAfter);
        return await ReadAsync(command, static reader => (reader.GetString(0), reader.GetFieldValue<Guid[]>(1)), cancellationToken);
    }

    /// <summary>Marks claimed jobs as <c>processing</c> under their fences. A job that is not returned is not to be done.</summary>
    /// <param name="claimed">Jobs and their claims.</param>
    /// <param name="mayLeaveAtOnce">The send is not announced on its own, so from now on it may have left.</param>
    /// <param name="slotAt">Monotonic timestamp of a job's rate slot.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<IReadOnlyList<StartedJob>> StartAsync(
        IReadOnlyDictionary<Guid, HeldClaim> claimed, bool mayLeaveAtOnce, Func<Guid, long> slotAt, CancellationToken cancellationToken)
    {
        var (ids, fences) = (claimed.Keys.ToArray(), claimed.Values.Select(static c => c.Fence).ToArray());
        await using var command = database.CreateCommand(Start);
        Add(command, ids, fences, worker.Name, mayLeaveAtOnce);
        return await ReadAsync(
            command,
            reader => new StartedJob
            {
                Id = reader.GetGuid(0),
                Tenant = reader.GetString(1),
                Kind = reader.GetString(2),
                InstanceId = reader.GetString(3),
                SendKey = reader.GetString(4),
                Message = reader.GetString(5),
                Subject = reader.GetString(6),
                Attempt = reader.GetInt32(7),
                TraceParent = reader.IsDBNull(8) ? null : reader.GetString(8),
                EarlierSend = reader.IsDBNull(9) ? null : TimeSpan.FromSeconds(reader.GetDouble(9)),
                Claim = claimed[reader.GetGuid(0)],
                SlotAt = slotAt(reader.GetGuid(0)),
            },
            cancellationToken);
    }

    /// <summary>Notes that the message is about to leave.</summary>
    /// <returns>False: the claim is lost, or the job was called off; it must not leave.</returns>
    public async Task<bool> NoteSendBeganAsync(StartedJob job, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(NoteBegan);
        Add(command, job.Id, job.Claim.Fence);
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    /// <summary>Writes how attempts ended, in one statement.</summary>
    /// <returns>Per attempt, in their order: the job's status now; null when the claim was lost and nothing was written.</returns>
    public async Task<IReadOnlyList<string?>> FinishAsync(IReadOnlyList<FinishedJob> ended, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Finish);
        Add(
            command,
            ended.Select(static e => e.Job.Id).ToArray(),
            ended.Select(static e => e.Claim.Fence).ToArray(),
            ended.Select(static e => e.Outcome.Status).ToArray(),
            ended.Select(static e => e.Outcome.Category).ToArray(),
            ended.Select(static e => e.Outcome.Wait.TotalSeconds).ToArray(),
            ended.Select(static e => e.Outcome.Counts).ToArray(),
            ended.Select(static e => e.Outcome.Error).ToArray(),
            ended.Select(static e => e.Outcome.ExternalId).ToArray(),
            ended.Select(static e => e.Outcome.DefiniteRefusal).ToArray(),
            ended.Select(static e => e.Outcome.MayHaveLeft).ToArray(),
            ended.Select(static e => e.HttpStatus).ToArray(),
            ended.Select(static e => e.Latency is { } latency ? (int?)latency.TotalMilliseconds : null).ToArray(),
            ended.Select(static e => e.Answer).ToArray());
        var done = (await ReadAsync(command, static reader => (Id: reader.GetGuid(0), Status: reader.GetString(1)), cancellationToken)).ToDictionary(static d => d.Id, static d => d.Status);
        return [.. ended.Select(e => done.GetValueOrDefault(e.Job.Id))];
    }

    /// <summary>Lets jobs say what their claims say: they were sent before.</summary>
    public Task AlreadySentAsync(IReadOnlyList<(Guid Id, string? ExternalId, long Fence)> sent, CancellationToken cancellationToken) => ExecuteAsync(
        AlreadySent,
        cancellationToken,
        sent.Select(static s => s.Id).ToArray(),
        sent.Select(static s => s.ExternalId).ToArray(),
        sent.Select(static s => s.Fence).ToArray());

    /// <summary>No send of an instance before this time has passed, on any replica.</summary>
    public Task DelayInstanceAsync(string instance, TimeSpan wait, CancellationToken cancellationToken) => ExecuteAsync(
        "insert into instance_rates as r (instance_id, next_at) values ($1, now() + $2) on conflict (instance_id) do update set next_at = greatest(r.next_at, excluded.next_at)",
        cancellationToken,
        instance,
        wait);

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken, params object[] parameters)
    {
        await using var command = database.CreateCommand(sql);
        Add(command, parameters);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static void Add(NpgsqlCommand command, params object[] values)
    {
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
    }

    private static async Task<List<T>> ReadAsync<T>(NpgsqlCommand command, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        var rows = new List<T>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(read(reader));
        return rows;
    }
}
