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
    // The leads as they were before their facts are gone; their jobs locked, in the order of ids as everywhere, so that none begins to be sent meanwhile.
    private const string Theirs =
        """
        with theirs as materialized (select lead_id from leads where tenant = $1 and facts::text ~ $2),
        named as materialized (
            select id, status from jobs
            where tenant = $1 and (subject::text ~ $2 or message::text ~ $2 or (trigger_kind = 'stage_changed' and entity in (select lead_id from theirs)))
            order by id for update)
        """;

    /// <inheritdoc/>
    /// <exception cref="RpcException">UNAVAILABLE: something is being sent to them at this moment.</exception>
    public async Task<IReadOnlyDictionary<string, long>> EraseAsync(Erasure erasure, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await RunAsync(transaction, $"{Theirs} select count(*) from named where status = 'processing'", erasure, cancellationToken) > 0)
            throw new RpcException(new Status(StatusCode.Unavailable, "A message to the person is being sent at this moment: call again."));
        var jobs = await RunAsync(
            transaction,
            $$"""
            {{Theirs}}, emptied as (
                update jobs j set message = '{}', subject = '{}', updated_at = $3, finished_at = coalesce(j.finished_at, $3),
                    status = case when j.status = 'pending' then 'cancelled' else j.status end
                from named n where j.id = n.id and n.status <> 'processing' and (j.message <> '{}' or j.subject <> '{}' or j.status = 'pending')
                returning 1),
            answers as (
                update attempts a set answer = null from named n where a.job_id = n.id and n.status <> 'processing' and a.answer is not null)
            select count(*) from emptied
            """,
            erasure, cancellationToken);
        var leads = await RunAsync(
            transaction,
            """
            with emptied as (update leads set facts = '{}', updated_at = $3 where tenant = $1 and facts::text ~ $2 returning 1)
            select count(*) from emptied
            """,
            erasure, cancellationToken);
        var letters = await DeliveriesErasure.EraseDeadLettersAsync(erasure, transaction, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return new Dictionary<string, long> { ["jobs"] = jobs, ["leads"] = leads, ["deliveries.dead_letters"] = letters };
    }

    private async Task<long> RunAsync(NpgsqlTransaction transaction, string sql, Erasure erasure, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction) { CommandTimeout = 300 };
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = erasure.Tenant });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = erasure.Person.Pattern });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = time.GetUtcNow().UtcDateTime });
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
