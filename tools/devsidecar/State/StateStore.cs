using Npgsql;

namespace WhatsAppMesh.DevSidecar.State;

/// <summary>
/// One state component: its keys in PostgreSQL under the rules of its type. A read, a save of any number of items and a delete are
/// one round trip each, a transaction two.
/// </summary>
internal sealed class StateStore(string name, NpgsqlDataSource database, IStateSemantics semantics, StateKeyPrefix prefix)
{
    public string Name { get; } = name;

    private readonly string _select = $"select key, value, {semantics.ETagColumn}, expires_at from sidecar.state s where store = $1 and key = ";

    public async Task<StateValue?> GetAsync(string key, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"{_select} $2 AND {StateRules.Live}");
        command.Parameters.Add(new NpgsqlParameter { Value = Name });
        command.Parameters.Add(new NpgsqlParameter { Value = prefix.Apply(key) });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? ReadValue(reader, key) : null;
    }

    /// <summary>The values of the keys that exist, by key.</summary>
    public async Task<IReadOnlyDictionary<string, StateValue>> GetManyAsync(IReadOnlyCollection<string> keys, CancellationToken cancellationToken)
    {
        var physical = new Dictionary<string, string>();
        foreach (var key in keys)
            physical[prefix.Apply(key)] = key;

        await using var command = database.CreateCommand($"{_select} ANY($2) AND {StateRules.Live}");
        command.Parameters.Add(new NpgsqlParameter { Value = Name });
        command.Parameters.Add(new NpgsqlParameter { Value = physical.Keys.ToArray() });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new Dictionary<string, StateValue>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var key = physical[reader.GetString(0)];
            found[key] = ReadValue(reader, key);
        }

        return found;
    }

    /// <summary>Saves the items. Not atomic: items that pass are saved beside items that are refused.</summary>
    /// <exception cref="StateException">At least one item was refused.</exception>
    public Task SaveAsync(IReadOnlyList<StateItem> items, CancellationToken cancellationToken) =>
        WriteAsync([.. items.Select(item => new StateOperation(Delete: false, item))], inTransaction: false, cancellationToken);

    /// <summary>Deletes a key; an absent key is fine unless an ETag was given and the store's type minds.</summary>
    /// <exception cref="StateException">The store refused.</exception>
    public Task DeleteAsync(StateItem item, CancellationToken cancellationToken) =>
        WriteAsync([new StateOperation(Delete: true, item)], inTransaction: false, cancellationToken);

    /// <summary>Runs the operations as one transaction, in so far as the store's type has such a thing.</summary>
    /// <exception cref="StateException">At least one operation was refused.</exception>
    public async Task TransactAsync(IReadOnlyList<StateOperation> operations, CancellationToken cancellationToken)
    {
        if (!semantics.AtomicTransactions)
        {
            await WriteAsync(operations, inTransaction: true, cancellationToken);
            return;
        }

        var statements = operations.Select(o => semantics.Plan(Name, prefix.Apply(o.Item.Key), o, inTransaction: true)).ToList();
        if (statements.Count == 0)
            return;

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection, transaction);
        var refusals = await ExecuteAsync(batch, statements, cancellationToken);
        if (refusals.Count > 0)
            throw refusals[0];
        await transaction.CommitAsync(cancellationToken);
    }

    private async Task WriteAsync(IReadOnlyList<StateOperation> operations, bool inTransaction, CancellationToken cancellationToken)
    {
        var refusals = new List<StateException>();
        var planned = new List<(string Key, StateStatement Statement)>();
        foreach (var operation in operations)
        {
            try
            {
                var key = prefix.Apply(operation.Item.Key);
                planned.Add((key, semantics.Plan(Name, key, operation, inTransaction)));
            }
            catch (StateException refusal)
            {
                refusals.Add(refusal);
            }
        }

        if (planned.Count > 0)
        {
            // Rows are locked until the batch ends: in key order, so that two requests over the same keys cannot deadlock.
            var ordered = planned.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => p.Statement).ToList();
            await using var batch = database.CreateBatch();
            refusals.AddRange(await ExecuteAsync(batch, ordered, cancellationToken));
        }

        if (refusals.Count > 0)
            throw operations.Count == 1 ? refusals[0] : StateException.Combine(refusals);
    }

    private static async Task<List<StateException>> ExecuteAsync(NpgsqlBatch batch, List<StateStatement> statements, CancellationToken cancellationToken)
    {
        foreach (var statement in statements)
            batch.BatchCommands.Add(statement.ToCommand());

        var refusals = new List<StateException>();
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        foreach (var statement in statements)
        {
            var done = await reader.ReadAsync(cancellationToken) && reader.GetBoolean(0);
            if (!done && statement.Refusal is { } refusal)
                refusals.Add(refusal);
            await reader.NextResultAsync(cancellationToken);
        }

        return refusals;
    }

    private StateValue ReadValue(NpgsqlDataReader reader, string key) => new(
        key, reader.GetFieldValue<byte[]>(1), reader.GetString(2),
        semantics.TellsExpiry && !reader.IsDBNull(3) ? reader.GetFieldValue<DateTimeOffset>(3) : null);
}
