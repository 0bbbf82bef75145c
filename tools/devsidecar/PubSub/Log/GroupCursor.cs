using Npgsql;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;
using WhatsAppMesh.DevSidecar.Storage;

namespace WhatsAppMesh.DevSidecar.PubSub.Log;

/// <summary>
/// A consumer group's way through a topic, shared by every sidecar of the group: one cursor for what nobody has had yet, and the leases that
/// a sidecar left behind.
/// </summary>
internal sealed class GroupCursor(SidecarDatabase database, LeaseBook book, int topic, string consumer)
{
    /// <summary>A group that is new begins with the oldest message kept: what was published before it existed is not lost on it.</summary>
    private const string Create = """
        insert into sidecar.cursors (topic, consumer, next)
        select t.id, $2, coalesce((select min(m.id) from sidecar.messages m where m.topic = t.id), t.last + 1)
        from sidecar.topics t where t.id = $1
        on conflict do nothing
        """;

    /// <summary>First the lock, then, on a snapshot that sees what its last holder did, the next messages.</summary>
    private const string LockCursor = "select from sidecar.cursors where topic = $1 and consumer = $2 for update";

    private const string Claim = """
        with here as materialized (
            select c.next as first, least(c.next + $3 - 1, t.last) as last
            from sidecar.cursors c join sidecar.topics t on t.id = c.topic
            where c.topic = $1 and c.consumer = $2 and c.next <= t.last),
        moved as (
            update sidecar.cursors c set next = here.last + 1 from here where c.topic = $1 and c.consumer = $2),
        leased as (
            insert into sidecar.leases (topic, consumer, first, last, owner, until)
            select $1, $2, first, last, $4, clock_timestamp() + $5 from here)
        select h.first, h.last, m.id, m.traits, m.metadata, m.envelope
        from here h left join sidecar.messages m on m.topic = $1 and m.id between h.first and h.last
        order by m.id
        """;

    /// <summary>A row of this process that its book does not know was written by a claim whose answer got lost: it counts as left behind.</summary>
    private const string TakeOver = """
        with taken as (
            update sidecar.leases l set owner = $3, until = clock_timestamp() + $4
            where l.topic = $1 and l.consumer = $2 and l.first = (
                select o.first from sidecar.leases o
                where o.topic = $1 and o.consumer = $2 and o.until < clock_timestamp() and o.first <> all($5)
                order by o.first limit 1 for update skip locked)
            returning l.first, l.last)
        select h.first, h.last, m.id, m.traits, m.metadata, m.envelope
        from taken h left join sidecar.messages m on m.topic = $1 and m.id between h.first and h.last
        order by m.id
        """;

    private const string Drop = "delete from sidecar.leases where topic = $1 and consumer = $2 and first = $3 and owner = $4";

    /// <summary>Creates the group if it is new.</summary>
    public async Task CreateAsync(CancellationToken cancellationToken)
    {
        await using var command = database.Durable.CreateCommand(Create);
        command.Parameters.Add(new() { Value = topic });
        command.Parameters.Add(new() { Value = consumer });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Leases the next messages nobody of the group has had.</summary>
    /// <returns>The lease, or null when there are none.</returns>
    public Task<Lease?> ClaimAsync(int most, CancellationToken cancellationToken) => SkipEmptyAsync(token => TryClaimAsync(most, token), cancellationToken);

    /// <summary>Takes over one lease that another sidecar of the group let go or let run out.</summary>
    /// <returns>The lease, or null when there is none.</returns>
    public Task<Lease?> TakeOverAsync(CancellationToken cancellationToken) => SkipEmptyAsync(TryTakeOverAsync, cancellationToken);

    /// <summary>A lease whose messages are all gone would keep every later message from being deleted: it goes, and the next one is tried.</summary>
    private async Task<Lease?> SkipEmptyAsync(Func<CancellationToken, Task<Leased?>> lease, CancellationToken cancellationToken)
    {
        while (await lease(cancellationToken) is { } leased)
        {
            if (leased.Messages.Count > 0)
            {
                var kept = new Lease(topic, consumer, leased.Range, leased.Messages);
                book.Add(kept);
                return kept;
            }

            await using var drop = database.Relaxed.CreateCommand(Drop);
            drop.Parameters.Add(new() { Value = topic });
            drop.Parameters.Add(new() { Value = consumer });
            drop.Parameters.Add(new() { Value = leased.Range.First });
            drop.Parameters.Add(new() { Value = book.Owner });
            await drop.ExecuteNonQueryAsync(cancellationToken);
        }

        return null;
    }

    private async Task<Leased?> TryClaimAsync(int most, CancellationToken cancellationToken)
    {
        await using var batch = database.Relaxed.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(LockCursor) { Parameters = { new() { Value = topic }, new() { Value = consumer } } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Claim)
        {
            Parameters =
            {
                new() { Value = topic },
                new() { Value = consumer },
                new() { Value = (long)most },
                new() { Value = book.Owner },
                new() { Value = LeaseBook.Duration },
            },
        });
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        return await ReadLeasedAsync(reader, cancellationToken);
    }

    private async Task<Leased?> TryTakeOverAsync(CancellationToken cancellationToken)
    {
        await using var command = database.Relaxed.CreateCommand(TakeOver);
        command.Parameters.Add(new() { Value = topic });
        command.Parameters.Add(new() { Value = consumer });
        command.Parameters.Add(new() { Value = book.Owner });
        command.Parameters.Add(new() { Value = LeaseBook.Duration });
        command.Parameters.Add(new() { Value = book.FirstIds(topic, consumer) });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await ReadLeasedAsync(reader, cancellationToken);
    }

    private static async Task<Leased?> ReadLeasedAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var messages = new List<LeasedMessage>();
        IdRange? range = null;
        while (await reader.ReadAsync(cancellationToken))
        {
            range ??= new IdRange(reader.GetInt64(0), reader.GetInt64(1));
            if (await reader.IsDBNullAsync(2, cancellationToken))
                continue;

            messages.Add(new LeasedMessage(reader.GetInt64(2), new TopicMessage(
                reader.GetFieldValue<byte[]>(5),
                await reader.IsDBNullAsync(4, cancellationToken) ? null : reader.GetString(4),
                (EnvelopeTraits)reader.GetInt16(3))));
        }

        return range is { } stored ? new Leased(stored, messages) : null;
    }

    /// <summary>A row just written, and what is left of its messages.</summary>
    private sealed record Leased(IdRange Range, IReadOnlyList<LeasedMessage> Messages);
}
