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

    /// <summary>Why a query of this store is refused, if its type knows queries at all; null when it does not.</summary>
    public string? QueryRefusal => semantics.QueryRefusal;

    /// <summary>The values of the keys, in the order in which the store's type lists them; null for a key that is not there.</summary>
    public async Task<IReadOnlyList<KeyValuePair<string, StateValue?>>> GetManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var found = await ReadManyAsync(keys, cancellationToken);
        var listed = keys.Select(key => KeyValuePair.Create(key, found.GetValueOrDefault(key)));
        return semantics.ListsFoundFirst
            ? [.. listed.Where(pair => pair.Value is not null).DistinctBy(pair => pair.Key), .. listed.Where(pair => pair.Value is null)]
            : [.. listed];
    }

    private async Task<Dictionary<string, StateValue?>> ReadManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var physical = new Dictionary<string, string>();
        foreach (var key in keys)
            physical[prefix.Apply(key)] = key;

        await using var command = database.CreateCommand($"{_select} ANY($2) AND {StateRules.Live}");
        command.Parameters.Add(new NpgsqlParameter { Value = Name });
        command.Parameters.Add(new NpgsqlParameter { Value = physical.Keys.ToArray() });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new Dictionary<string, StateValue?>();
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

    /// <summary>Deletes keys; an absent key is fine unless an ETag was given and the store's type minds. Not atomic either.</summary>
    /// <exception cref="StateException">The store refused.</exception>
    public Task DeleteAsync(IReadOnlyList<StateItem> items, CancellationToken cancellationToken) =>
        WriteAsync([.. items.Select(item => new StateOperation(Delete: true, item))], inTransaction: false, cancellationToken);

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
            throw refusals[0].Refusal;
        await transaction.CommitAsync(cancellationToken);
    }

    private async Task WriteAsync(IReadOnlyList<StateOperation> operations, bool inTransaction, CancellationToken cancellationToken)
    {
        var refusals = new List<StateException>();
        var planned = new List<(string Key, StateStatement Statement, int Place)>();
        foreach (var operation in inTransaction ? operations : AsScheduled(operations))
        {
            try
            {
                var key = prefix.Apply(operation.Item.Key);
                planned.Add((key, semantics.Plan(Name, key, operation, inTransaction), planned.Count));
            }
            catch (StateException refusal) when (!inTransaction)
            {
                refusals.Add(refusal);
            }
        }

        if (planned.Count > 0)
        {
            // Rows are locked until the batch ends: in key order, so that two requests over the same keys cannot deadlock.
            var ordered = planned.OrderBy(p => p.Key, StringComparer.Ordinal).ToList();
            await using var batch = database.CreateBatch();
            var refused = await ExecuteAsync(batch, [.. ordered.Select(p => p.Statement)], cancellationToken);
            refusals.AddRange(refused.OrderBy(r => ordered[r.At].Place).Select(r => r.Refusal));
        }

        if (refusals.Count > 0)
            throw operations.Count == 1 || inTransaction ? refusals[0] : StateException.Combine(refusals);
    }

    /// <summary>
    /// daprd starts one goroutine an item, of which the one started last runs first: of two items with one key, the first one stays.
    /// </summary>
    private static IEnumerable<StateOperation> AsScheduled(IReadOnlyList<StateOperation> operations) =>
        operations.Count < 2 ? operations : [operations[^1], .. operations.Take(operations.Count - 1)];

    /// <returns>The refusals, and which statements they are of.</returns>
    private static async Task<List<(int At, StateException Refusal)>> ExecuteAsync(
        NpgsqlBatch batch, List<StateStatement> statements, CancellationToken cancellationToken)
    {
        foreach (var statement in statements)
            batch.BatchCommands.Add(statement.ToCommand());

        var refusals = new List<(int At, StateException Refusal)>();
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        foreach (var (at, statement) in statements.Index())
        {
            var done = await reader.ReadAsync(cancellationToken) && reader.GetBoolean(0);
            if (!done && statement.Refusal is { } refusal)
                refusals.Add((at, refusal));
            await reader.NextResultAsync(cancellationToken);
        }

        return refusals;
    }

    private StateValue ReadValue(NpgsqlDataReader reader, string key) => new(
        key, reader.GetFieldValue<byte[]>(1), reader.GetString(2),
        semantics.TellsExpiry && !reader.IsDBNull(3) ? reader.GetFieldValue<DateTimeOffset>(3) : null);
}
