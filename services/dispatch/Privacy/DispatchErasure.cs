using Grpc.Core;
using Npgsql;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Dispatch.Privacy;

/// <summary>
/// Forgets what is known of a person's leads, calls off what was still to be sent to them, and empties what was sent. Keys, outcomes and
/// timelines name nobody and stay: they keep a send from being made twice.
/// </summary>
/// <param name="database">Dispatch's database.</param>
/// <param name="time">Clock.</param>
public sealed class DispatchErasure(NpgsqlDataSource database, TimeProvider time) : IPersonErasure
{
    // Their jobs locked, in the order of ids as everywhere, so that none begins to be sent meanwhile.
    private const string LockSql =
        """
        select id, subject::text, message::text, trigger_kind = 'stage_changed' and entity = any($2), status from jobs
        where tenant = $1 and (subject::text ~ $3 or message::text ~ $3 or (trigger_kind = 'stage_changed' and entity = any($2)))
        order by id for update
        """;

    /// <inheritdoc/>
    /// <exception cref="RpcException">UNAVAILABLE: something is being sent to them at this moment.</exception>
    public async Task<IReadOnlyDictionary<string, long>> EraseAsync(Erasure erasure, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // The leads as they were before their facts are gone.
        var theirs = (await NamedAsync(transaction, "select lead_id, facts::text from leads where tenant = $1 and (facts::text ~ $2 or lead_id ~ $2) order by 1 for update", erasure, cancellationToken)).ToArray();
        var named = await JobsAsync(transaction, erasure, theirs, cancellationToken);
        if (named.Any(static job => job.IsBeingSent))
            throw new RpcException(new Status(StatusCode.Unavailable, "A message to the person is being sent at this moment: call again."));
        var ids = named.ConvertAll(static job => job.Id);
        var jobs = await RunAsync(
            transaction,
            """
            update jobs set message = '{}', subject = '{}', updated_at = $2, finished_at = coalesce(finished_at, $2),
                status = case when status = 'pending' then 'cancelled' else status end
            where id = any($1) and (message <> '{}' or subject <> '{}' or status = 'pending')
            """,
            [ids, time.GetUtcNow().UtcDateTime], cancellationToken);
        await RunAsync(transaction, "update attempts set answer = null where job_id = any($1) and answer is not null", [ids], cancellationToken);
        var texts = await EraseTextsAsync(erasure, transaction, cancellationToken);
        var leads = await EraseLeadsAsync(erasure, theirs, transaction, cancellationToken);
        var letters = await DeliveriesErasure.EraseDeadLettersAsync(erasure, transaction, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return new Dictionary<string, long> { ["jobs"] = jobs, ["leads"] = leads, ["deliveries.dead_letters"] = letters, ["texts"] = texts };
    }

    // A CRM whose ids are phone numbers gets others.
    private async Task<long> EraseLeadsAsync(Erasure erasure, string[] theirs, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var (tenant, person, changed) = (erasure.Tenant, erasure.Person, 0L);
        foreach (var lead in theirs)
        {
            var name = PayloadErasure.EraseText(lead, person);
            changed += await RunAsync(
                transaction, "update leads set facts = '{}', updated_at = $3 where tenant = $1 and lead_id = $2 and facts <> '{}'", [tenant, lead, time.GetUtcNow().UtcDateTime], cancellationToken);
            if (name == lead)
                continue;
            changed += await RunAsync(
                transaction,
                """
                with old as (delete from leads where tenant = $1 and lead_id = $2 returning *)
                insert into leads (tenant, lead_id, stage_id, facts, updated_at) select tenant, $3, stage_id, facts, updated_at from old on conflict (tenant, lead_id) do nothing
                """,
                [tenant, lead, name], cancellationToken);
            await RunAsync(
                transaction,
                """
                with old as (delete from stage_events where tenant = $1 and lead_id = $2 returning *)
                insert into stage_events (tenant, lead_id, event_id, revision, order_at, log, position, stage_id, occurrence, received_at, imported, used)
                select tenant, $3, event_id, revision, order_at, log, position, stage_id, occurrence, received_at, imported, used from old on conflict do nothing
                """,
                [tenant, lead, name], cancellationToken);
            await RunAsync(transaction, "update jobs set entity = $3 where tenant = $1 and entity = $2", [tenant, lead, name], cancellationToken);
        }
        return changed;
    }

    // Keys that senders and CRMs made of a number, ids that the broker made of one, and what people wrote about a job.
    private static async Task<long> EraseTextsAsync(Erasure erasure, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var changed = await DeliveriesErasure.EraseTextsAsync(erasure, transaction, cancellationToken);
        foreach (var (table, column) in new[]
        {
            ("jobs", "key"), ("jobs", "external_id"), ("jobs", "last_error"), ("job_decisions", "reason"), ("bulk_replays", "reason"),
        })
        {
            changed += await DeliveriesErasure.EraseColumnAsync(
                transaction, table, "id", column, erasure, text => PayloadErasure.EraseText(text, erasure.Person), cancellationToken);
        }
        return changed;
    }

    private static async Task<List<(Guid Id, bool IsBeingSent)>> JobsAsync(NpgsqlTransaction transaction, Erasure erasure, string[] theirs, CancellationToken cancellationToken)
    {
        await using var command = Command(transaction, LockSql, [erasure.Tenant, theirs, erasure.Person.SearchPattern]);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var jobs = new List<(Guid, bool)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            if (reader.GetFieldValue<bool?>(3) == true || PayloadErasure.Names(reader.GetString(1), erasure.Person) || PayloadErasure.Names(reader.GetString(2), erasure.Person))
                jobs.Add((reader.GetGuid(0), reader.GetString(4) == "processing"));
        }
        return jobs;
    }

    // The pattern also stands inside longer numbers, which are somebody else's.
    private static async Task<List<string>> NamedAsync(NpgsqlTransaction transaction, string sql, Erasure erasure, CancellationToken cancellationToken)
    {
        await using var command = Command(transaction, sql, [erasure.Tenant, erasure.Person.SearchPattern]);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var named = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            if (erasure.Person.IsIn(reader.GetString(0)) || PayloadErasure.Names(reader.GetString(1), erasure.Person))
                named.Add(reader.GetString(0));
        }
        return named;
    }

    private static async Task<long> RunAsync(NpgsqlTransaction transaction, string sql, object[] parameters, CancellationToken cancellationToken)
    {
        await using var command = Command(transaction, sql, parameters);
        return Math.Max(0, await command.ExecuteNonQueryAsync(cancellationToken));
    }

    private static NpgsqlCommand Command(NpgsqlTransaction transaction, string sql, object[] parameters)
    {
        var command = new NpgsqlCommand(sql, transaction.Connection, transaction) { CommandTimeout = 300 };
        foreach (var parameter in parameters)
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        return command;
    }
}
