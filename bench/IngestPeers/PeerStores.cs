using Npgsql;
using NpgsqlTypes;
using WhatsAppMesh.GroupCommit;

namespace WhatsAppMesh.IngestPeers;

/// <summary>What a peer keeps of a request.</summary>
internal sealed record PeerEvent(Guid Id, DateTime ReceivedAt, string Body);

/// <summary>Stores an event durably before it returns.</summary>
internal interface IPeerStore
{
    Task StoreAsync(PeerEvent peerEvent);
}

/// <summary>Commits what waits as one statement, by the same rule as ingest.</summary>
internal sealed class GroupCommitStore : IPeerStore
{
    private readonly NpgsqlDataSource _database;
    private readonly GroupCommit<PeerEvent, bool> _commit;

    public GroupCommitStore(NpgsqlDataSource database)
    {
        _database = database;
        _commit = new GroupCommit<PeerEvent, bool>(CommitAsync, static _ => true);
    }

    public Task StoreAsync(PeerEvent peerEvent) => _commit.SubmitAsync(peerEvent);

    private async Task<IReadOnlyList<bool>> CommitAsync(IReadOnlyList<PeerEvent> batch, CancellationToken cancellationToken)
    {
        await using var command = _database.CreateCommand(
            "insert into peer_events select * from unnest($1, $2, $3) on conflict do nothing");
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. batch.Select(e => e.Id)] });
        command.Parameters.Add(new NpgsqlParameter<DateTime[]> { TypedValue = [.. batch.Select(e => e.ReceivedAt)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. batch.Select(e => e.Body)] });
        await command.ExecuteNonQueryAsync(cancellationToken);
        return new bool[batch.Count];
    }
}

/// <summary>One statement and one commit per request, over a pool of connections.</summary>
internal sealed class InsertPerRequestStore(NpgsqlDataSource database) : IPeerStore
{
    public async Task StoreAsync(PeerEvent peerEvent)
    {
        await using var command = database.CreateCommand("insert into peer_events values ($1, $2, $3) on conflict do nothing");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = peerEvent.Id });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = peerEvent.ReceivedAt, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = peerEvent.Body });
        await command.ExecuteNonQueryAsync();
    }
}
