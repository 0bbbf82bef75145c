using Npgsql;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// A consumer's part in the erasure of a person that has nothing to do with what it makes of events: whether it has had all of them, and
/// the copies in its dead letters.
/// </summary>
/// <param name="database">The consumer's database.</param>
public sealed class DeliveriesErasure(NpgsqlDataSource database)
{
    /// <summary>
    /// True when every event up to the heads is accounted for. Then no delivery, however late, can bring back what was in them: it is known
    /// already, and what is pulled or replayed comes from the lake as it is now.
    /// </summary>
    /// <exception cref="NpgsqlException">The database cannot be asked.</exception>
    public async Task<bool> IsCoveredAsync(IReadOnlyDictionary<int, long> heads, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            select not exists (
                select from unnest($1::int[], $2::bigint[]) h(log, position)
                where h.position > 0 and not exists (
                    select from deliveries.account a where a.log = h.log and a.done @> int8range(1, h.position, '[]')))
            """);
        command.Parameters.Add(new() { Value = heads.Keys.ToArray() });
        command.Parameters.Add(new() { Value = heads.Keys.Select(log => heads[log]).ToArray() });
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>
    /// Takes the payloads out of the tenant's dead letters that name the person: a replay fetches the erased event from the lake. Dead letters
    /// of no tenant are left alone: nobody could read whose they are, so they may be another tenant's, and the lake has nothing to put in
    /// their place. They go when somebody discards them and the retention of envelopes has passed.
    /// </summary>
    /// <returns>Dead letters changed.</returns>
    public static async Task<long> EraseDeadLettersAsync(Erasure erasure, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var envelopes = new List<(Guid Id, string Envelope)>();
        await using (var find = new NpgsqlCommand(
            "select id, envelope from deliveries.dead_letters where tenant = $1 and envelope ~ $2 order by id for update", transaction.Connection, transaction))
        {
            find.Parameters.Add(new() { Value = erasure.Tenant });
            find.Parameters.Add(new() { Value = erasure.Person.SearchPattern });
            await using var reader = await find.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                if (Erase(reader.GetString(1), erasure.Person) is { } erased)
                    envelopes.Add((reader.GetGuid(0), erased));
            }
        }
        await using var update = new NpgsqlCommand(
            "update deliveries.dead_letters d set envelope = v.envelope from unnest($1::uuid[], $2::text[]) v(id, envelope) where d.id = v.id",
            transaction.Connection, transaction);
        update.Parameters.Add(new() { Value = envelopes.ConvertAll(static row => row.Id) });
        update.Parameters.Add(new() { Value = envelopes.ConvertAll(static row => row.Envelope) });
        await update.ExecuteNonQueryAsync(cancellationToken);
        return envelopes.Count;
    }

    /// <summary>Takes the person out of what is still to be told to the lake, and out of the reasons that people gave.</summary>
    /// <returns>Rows changed.</returns>
    public static async Task<long> EraseTextsAsync(Erasure erasure, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var changed = 0L;
        foreach (var (table, key, column, isJson) in new[]
        {
            ("deliveries.outbox", "event_id", "payload", true), ("deliveries.replay_jobs", "id", "reason", false), ("deliveries.audit_trail", "id", "reason", false),
        })
        {
            changed += await EraseColumnAsync(
                transaction, table, key, column, erasure,
                text => isJson ? PayloadErasure.Erase(text, erasure.Person) ?? text : PayloadErasure.EraseText(text, erasure.Person), cancellationToken);
        }
        return changed;
    }

    /// <summary>Rewrites a text column of the tenant's rows that may name the person.</summary>
    /// <param name="transaction">What it is part of.</param>
    /// <param name="table">A table with a column <c>tenant</c>.</param>
    /// <param name="key">Its key: one column.</param>
    /// <param name="column">The column; jsonb or text.</param>
    /// <param name="erasure">Whom.</param>
    /// <param name="erase">What a text becomes; the same text to leave it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Rows changed.</returns>
    public static async Task<long> EraseColumnAsync(
        NpgsqlTransaction transaction, string table, string key, string column, Erasure erasure, Func<string, string> erase, CancellationToken cancellationToken)
    {
        var rows = new List<(string Key, string Text)>();
        await using (var find = new NpgsqlCommand(
            $"select {key}::text, {column}::text from {table} where tenant = $1 and {column}::text ~ $2 order by 1 for update", transaction.Connection, transaction))
        {
            find.Parameters.Add(new() { Value = erasure.Tenant });
            find.Parameters.Add(new() { Value = erasure.Person.SearchPattern });
            await using var reader = await find.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                if (erase(reader.GetString(1)) is var erased && erased != reader.GetString(1))
                    rows.Add((reader.GetString(0), erased));
            }
        }
        await using var update = new NpgsqlCommand(
            $"update {table} t set {column} = v.text::{(await TypeOfAsync(transaction, table, column, cancellationToken))} from unnest($1::text[], $2::text[]) v(key, text) where t.{key}::text = v.key",
            transaction.Connection, transaction);
        update.Parameters.Add(new() { Value = rows.ConvertAll(static row => row.Key) });
        update.Parameters.Add(new() { Value = rows.ConvertAll(static row => row.Text) });
        await update.ExecuteNonQueryAsync(cancellationToken);
        return rows.Count;
    }

    private static async Task<string> TypeOfAsync(NpgsqlTransaction transaction, string table, string column, CancellationToken cancellationToken)
    {
        await using var ask = new NpgsqlCommand(
            "select format_type(atttypid, null) from pg_attribute where attrelid = $1::regclass and attname = $2", transaction.Connection, transaction);
        ask.Parameters.Add(new() { Value = table });
        ask.Parameters.Add(new() { Value = column });
        return (string)(await ask.ExecuteScalarAsync(cancellationToken))!;
    }

    // Null when the pattern stands in it by chance, inside a longer number.
    private static string? Erase(string envelope, Person person)
    {
        if (!PayloadErasure.Names(envelope, person) && !person.IsIn(envelope))
            return null;
        if (CloudEventReader.ReadStored(envelope).Event is not { } value)
            return "{}";
        (value.PayloadJson, value.PayloadInLake) = ("", true);
        (value.ChatJid, value.ParticipantJid, value.ParticipantAlt) =
            (person.Replace(value.ChatJid), person.Replace(value.ParticipantJid), person.Replace(value.ParticipantAlt));
        return CloudEventReader.WriteEnvelope(value);
    }
}
