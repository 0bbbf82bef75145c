using Npgsql;

namespace WhatsAppMesh.Deliveries;

/// <summary>Statements that travel to PostgreSQL together and run in the order added, inside one transaction.</summary>
public sealed class RoundTrip(NpgsqlTransaction transaction)
{
    private readonly NpgsqlBatch _batch = new(transaction.Connection!, transaction);
    private readonly List<Action<NpgsqlDataReader>> _rows = [];

    /// <summary>Adds a statement without rows. Parameters are $1, $2 ...</summary>
    public void Run(string sql, params ReadOnlySpan<object> parameters) => _batch.BatchCommands.Add(Command(sql, parameters));

    /// <summary>Adds a query; <paramref name="row"/> is called for each of its rows.</summary>
    public void Read(string sql, Action<NpgsqlDataReader> row, params ReadOnlySpan<object> parameters)
    {
        _batch.BatchCommands.Add(Command(sql, parameters));
        _rows.Add(row);
    }

    /// <summary>Sends what was added, if anything was.</summary>
    public async Task SendAsync(CancellationToken cancellationToken)
    {
        await using (_batch)
        {
            if (_batch.BatchCommands.Count == 0)
                return;
            await using var reader = await _batch.ExecuteReaderAsync(cancellationToken);
            for (var i = 0; i < _rows.Count; i++)
            {
                while (await reader.ReadAsync(cancellationToken))
                    _rows[i](reader);
                await reader.NextResultAsync(cancellationToken);
            }
        }
    }

    private static NpgsqlBatchCommand Command(string sql, ReadOnlySpan<object> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        return command;
    }
}

/// <summary>Reads of columns that may be null.</summary>
public static class Columns
{
    /// <summary>A text, or null.</summary>
    public static string? Text(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    /// <summary>A time.</summary>
    public static DateTimeOffset Time(this NpgsqlDataReader row, int column) => row.GetFieldValue<DateTimeOffset>(column);

    /// <summary>A time, or null.</summary>
    public static DateTimeOffset? TimeOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.Time(column);
}
