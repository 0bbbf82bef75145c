using Npgsql;

namespace WhatsAppMesh.Deliveries;

/// <summary>What one consumer has had of one log.</summary>
/// <param name="Log">The log's number.</param>
/// <param name="Done">Every position applied, dead-lettered, discarded or retired.</param>
/// <param name="Retired">Of these, what the lake had already removed.</param>
internal sealed record AccountRow(int Log, PositionSet Done, PositionSet Retired);

/// <summary>Reads the account without locking it, and notes retired positions.</summary>
internal sealed class AccountStore(NpgsqlDataSource database, DeliveriesOptions options)
{
    /// <summary>The account of every log known so far, by log.</summary>
    public async Task<IReadOnlyDictionary<int, AccountRow>> ReadAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("select log, done::text, retired::text from deliveries.account");
        var rows = new Dictionary<int, AccountRow>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var row = new AccountRow(reader.GetInt32(0), PositionSet.Parse(reader.GetString(1)), PositionSet.Parse(reader.GetString(2)));
            rows[row.Log] = row;
        }

        return rows;
    }

    /// <summary>Of some positions of a log, those whose open dead letter has no payload of its own: without the lake it cannot be replayed.</summary>
    public async Task<PositionSet> NeedingLakeAsync(int log, PositionSet positions, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            $"""
            select distinct position from deliveries.dead_letters
            where log = $1 and position between $2 and $3 and {DeliveriesSchema.NeedsLake}
            """);
        command.Parameters.Add(new() { Value = log });
        command.Parameters.Add(new() { Value = positions.Spans[0].From });
        command.Parameters.Add(new() { Value = positions.Spans[^1].To });
        var needing = new List<long>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            needing.Add(reader.GetInt64(0));
        return PositionSet.Of(needing).Intersect(positions);
    }

    /// <summary>Accounts for positions that the lake no longer has; those that were had before stay what they were.</summary>
    public async Task RetireAsync(int log, PositionSet positions, CancellationToken cancellationToken)
    {
        await using var account = await AccountTransaction.BeginAsync(database, [log], options.LockTimeout, cancellationToken);
        account.AddRetired(log, positions);
        await account.CommitAsync(cancellationToken);
    }
}
