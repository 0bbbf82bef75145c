using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using Google.Protobuf;
using Npgsql;
using NpgsqlTypes;
using WhatsAppMesh.DeadLetters.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>Reads dead letters. An empty tenant, which only an operator of the whole mesh may ask with, sees all.</summary>
internal sealed class DeadLetterQueries(NpgsqlDataSource database)
{
    private const string Matches =
        """
        ($1 = '' or tenant = $1) and state = $2 and (cardinality($3) = 0 or type = any($3)) and ($4 = '' or category = $4)
        and ($5 = '' or error = $5) and ($6 is null or dead_at >= $6) and ($7 is null or dead_at < $7)
        """;

    /// <summary>One page, newest first.</summary>
    /// <param name="after">Token of the previous page; empty for the first.</param>
    /// <returns>The page and the token of the next one, empty on the last page.</returns>
    /// <exception cref="FormatException">The token was not made for this filter.</exception>
    public async Task<(IReadOnlyList<DeadLetter> Page, string Next)> ListAsync(DeadLetterFilter filter, int pageSize, string after, CancellationToken cancellationToken)
    {
        var start = after.Length == 0 ? ((DateTime, Guid)?)null : ReadToken(after, filter);
        await using var command = database.CreateCommand(
            $"""
            select {DeadLetterRow.Columns} from deliveries.dead_letters
            where {Matches} and ($8 is null or (dead_at, id) < ($8, $9))
            order by dead_at desc, id desc limit $10
            """);
        AddFilter(command, filter);
        AddOptional(command, start?.Item1, NpgsqlDbType.TimestampTz);
        AddOptional(command, start?.Item2, NpgsqlDbType.Uuid);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = pageSize + 1 });
        var page = new List<DeadLetter>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            page.Add(DeadLetterRow.Read(reader));
        if (page.Count <= pageSize)
            return (page, "");

        page.RemoveAt(pageSize);
        return (page, WriteToken(page[^1], filter));
    }

    /// <summary>All that match, grouped by what went wrong, most frequent first.</summary>
    public async Task<IReadOnlyList<Cause>> CausesAsync(DeadLetterFilter filter, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            $"select category, error, step, type, count(*) from deliveries.dead_letters where {Matches} group by 1, 2, 3, 4 order by 5 desc, 1, 2, 3, 4 limit 100");
        AddFilter(command, filter);
        var causes = new List<Cause>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            causes.Add(new Cause
            {
                Category = reader.GetString(0),
                Error = reader.GetString(1),
                Step = reader.GetString(2),
                Type = reader.GetString(3),
                Count = reader.GetInt64(4),
            });
        }

        return causes;
    }

    /// <summary>Ids of all that match, oldest first: the order in which a job replays them.</summary>
    public async Task<IReadOnlyList<Guid>> MatchAsync(DeadLetterFilter filter, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"select id from deliveries.dead_letters where {Matches} order by dead_at, id");
        AddFilter(command, filter);
        var ids = new List<Guid>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            ids.Add(reader.GetGuid(0));
        return ids;
    }

    /// <summary>The dead letters of some ids with their envelopes, in the order of the ids; those of other tenants and unknown ones are left out.</summary>
    public async Task<IReadOnlyList<(DeadLetter Row, string Envelope)>> GetAsync(string tenant, IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            $"""
            select {DeadLetterRow.Columns}, envelope from deliveries.dead_letters
            where id = any($2) and ($1 = '' or tenant = $1) order by array_position($2, id)
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. ids] });
        var rows = new List<(DeadLetter, string)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            rows.Add((DeadLetterRow.Read(reader), reader.GetString(reader.FieldCount - 1)));
        return rows;
    }

    private static void AddFilter(NpgsqlCommand command, DeadLetterFilter filter)
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = filter.Tenant });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = DeadLetterRow.NameOf(filter.State) });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. filter.Types_] });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = filter.Category });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = filter.Error });
        AddOptional(command, filter.DeadFrom?.ToDateTime(), NpgsqlDbType.TimestampTz);
        AddOptional(command, filter.DeadTo?.ToDateTime(), NpgsqlDbType.TimestampTz);
    }

    private static void AddOptional(NpgsqlCommand command, object? value, NpgsqlDbType type) =>
        command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value, NpgsqlDbType = type });

    // A token is the place of the last row, bound to the filter (and so to the tenant) it was made for.
    private static string WriteToken(DeadLetter last, DeadLetterFilter filter)
    {
        Span<byte> token = stackalloc byte[32];
        BinaryPrimitives.WriteInt64BigEndian(token, last.DeadAt.ToDateTime().Ticks);
        Guid.Parse(last.Id).TryWriteBytes(token[8..]);
        SHA256.HashData(filter.ToByteArray()).AsSpan(0, 8).CopyTo(token[24..]);
        return Base64Url.EncodeToString(token);
    }

    private static (DateTime DeadAt, Guid Id) ReadToken(string text, DeadLetterFilter filter)
    {
        var token = Base64Url.DecodeFromChars(text);
        if (token.Length != 32 || !SHA256.HashData(filter.ToByteArray()).AsSpan(0, 8).SequenceEqual(token.AsSpan(24)))
            throw new FormatException("The page token belongs to another filter.");
        var ticks = BinaryPrimitives.ReadInt64BigEndian(token);
        return ticks >= 0 && ticks <= DateTime.MaxValue.Ticks
            ? (new DateTime(ticks, DateTimeKind.Utc), new Guid(token.AsSpan(8, 16)))
            : throw new FormatException("The page token names no time.");
    }
}
