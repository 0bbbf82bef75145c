using System.Globalization;
using Npgsql;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// A database transaction that holds the account rows of some logs. Batches of one consumer run one after the other because each
/// locks these rows first, in order; what a batch adds becomes visible together with its effects, or not at all.
/// Disposing without <see cref="CommitAsync"/> rolls back.
/// </summary>
internal sealed class AccountTransaction : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;
    private readonly Dictionary<int, PositionSet> _done;
    private readonly Dictionary<int, List<PositionSpan>> _added = [];
    private readonly Dictionary<int, PositionSet> _retired = [];

    private AccountTransaction(NpgsqlConnection connection, NpgsqlTransaction transaction, Dictionary<int, PositionSet> done)
    {
        _connection = connection;
        Transaction = transaction;
        _done = done;
    }

    public NpgsqlTransaction Transaction { get; }

    /// <summary>True when the server or the network ended the connection: whatever exception says so, no event is to blame.</summary>
    public bool ConnectionLost => _connection.FullState.HasFlag(System.Data.ConnectionState.Broken) || _connection.State != System.Data.ConnectionState.Open;

    /// <summary>Opens a transaction and locks the account rows of <paramref name="logs"/>, making those that are new: until the commit, which keeps those with something in them.</summary>
    public static async Task<AccountTransaction> BeginAsync(NpgsqlDataSource database, IEnumerable<int> logs, TimeSpan lockTimeout, CancellationToken cancellationToken)
    {
        var wanted = logs.Distinct().Order().ToArray();
        var connection = await database.OpenConnectionAsync(cancellationToken);
        NpgsqlTransaction? transaction = null;
        try
        {
            transaction = await connection.BeginTransactionAsync(cancellationToken);
            var done = await LockAsync(transaction, wanted, lockTimeout, cancellationToken);
            if (done.Count < wanted.Length)
            {
                await InsertAsync(transaction, wanted, cancellationToken);
                done = await LockAsync(transaction, wanted, lockTimeout, cancellationToken);
            }

            return new AccountTransaction(connection, transaction, done);
        }
        catch
        {
            if (transaction is not null)
                await transaction.DisposeAsync();
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>True when the position was accounted for when its row was locked.</summary>
    public bool IsDone(int log, long position) => _done[log].Contains(position);

    /// <summary>What the account of <paramref name="log"/> held when it was locked.</summary>
    public PositionSet Done(int log) => _done[log];

    /// <summary>Accounts for a position at the commit.</summary>
    public void Add(int log, long position)
    {
        if (!_added.TryGetValue(log, out var added))
            _added[log] = added = [];
        added.Add(new PositionSpan(position, position));
    }

    /// <summary>Accounts for positions that the lake no longer has.</summary>
    public void AddRetired(int log, PositionSet positions)
    {
        var fresh = positions.Subtract(_done[log]);
        _retired[log] = _retired.TryGetValue(log, out var known) ? known.Union(fresh) : fresh;
    }

    /// <summary>Writes what was added and commits. A log of which nothing is accounted for has no row: it may be somebody's invention.</summary>
    public async Task CommitAsync(CancellationToken cancellationToken)
    {
        var changed = _added.Keys.Union(_retired.Keys).Order().ToList();
        var empty = _done.Where(log => log.Value.IsEmpty).Select(static log => log.Key).Except(changed).ToArray();
        if (changed.Count + empty.Length > 0)
        {
            await using var batch = new NpgsqlBatch(_connection, Transaction);
            foreach (var log in changed)
            {
                var retired = _retired.GetValueOrDefault(log, PositionSet.Empty);
                var added = PositionSet.OfSpans(_added.GetValueOrDefault(log, [])).Union(retired);
                batch.BatchCommands.Add(new NpgsqlBatchCommand(
                    "update deliveries.account set done = done + $2::text::int8multirange, retired = retired + $3::text::int8multirange where log = $1")
                {
                    Parameters =
                    {
                        new NpgsqlParameter<int> { TypedValue = log },
                        new NpgsqlParameter<string> { TypedValue = added.ToString() },
                        new NpgsqlParameter<string> { TypedValue = retired.ToString() },
                    },
                });
            }

            if (empty.Length > 0)
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand("delete from deliveries.account where log = any($1) and isempty(done)")
                {
                    Parameters = { new NpgsqlParameter<int[]> { TypedValue = empty } },
                });
            }

            await batch.ExecuteNonQueryAsync(cancellationToken);
        }

        await Transaction.CommitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await Transaction.DisposeAsync();
        await _connection.DisposeAsync();
    }

    private static async Task<Dictionary<int, PositionSet>> LockAsync(NpgsqlTransaction transaction, int[] logs, TimeSpan lockTimeout, CancellationToken cancellationToken)
    {
        var milliseconds = ((int)lockTimeout.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        await using var batch = new NpgsqlBatch(transaction.Connection, transaction)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand($"set local lock_timeout = {milliseconds}"),
                new NpgsqlBatchCommand("select log, done::text from deliveries.account where log = any($1) order by log for update")
                {
                    Parameters = { new NpgsqlParameter<int[]> { TypedValue = logs } },
                },
            },
        };
        var done = new Dictionary<int, PositionSet>();
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            done[reader.GetInt32(0)] = PositionSet.Parse(reader.GetString(1));
        return done;
    }

    private static async Task InsertAsync(NpgsqlTransaction transaction, int[] logs, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "insert into deliveries.account (log) select unnest($1::int[]) order by 1 on conflict do nothing", transaction.Connection, transaction)
        {
            Parameters = { new NpgsqlParameter<int[]> { TypedValue = logs } },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
