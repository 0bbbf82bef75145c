using Npgsql;
using WhatsAppMesh.DevSidecar.Access;
using WhatsAppMesh.DevSidecar.Storage;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>
/// The rows by which sidecars find each other. A row is a lease: it is renewed every second and means nothing once it has run out,
/// so a killed sidecar is gone within seconds. The table need not survive a crash of the database.
/// </summary>
internal sealed class PeerTable(SidecarDatabase sidecarDatabase)
{
    private readonly NpgsqlDataSource _database = sidecarDatabase.Relaxed;

    /// <summary>How long a row lives without being renewed.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(4);

    /// <summary>How often a sidecar renews its row and reads the others'.</summary>
    public static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(1);

    private const string RenewSql =
        """
        insert into sidecar.peers (instance, app_id, trust_domain, namespace, address, key, lease_until) values ($1, $2, $3, $4, $5, $6, now() + $7)
        on conflict (instance) do update set lease_until = excluded.lease_until
        """;

    // A row that ran out long ago belongs to a sidecar that was killed: whoever renews next sweeps it away.
    private const string SweepSql = "delete from sidecar.peers where lease_until < now() - interval '1 minute'";

    private const string ReadSql = "select app_id, trust_domain, namespace, instance, address, key from sidecar.peers where lease_until > now() order by instance";

    /// <summary>Renews one's own row and reads every live one: one round trip.</summary>
    public async Task<IReadOnlyList<Peer>> RenewAsync(Peer self, CancellationToken cancellationToken)
    {
        await using var batch = _database.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(RenewSql)
        {
            Parameters =
            {
                Value(self.Instance), Value(self.AppId), Value(self.Identity.TrustDomain), Value(self.Identity.Namespace),
                Value(self.Address), Value(self.Key), Value(Lease),
            },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(SweepSql));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(ReadSql));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        return await ReadPeersAsync(reader, cancellationToken);
    }

    /// <summary>Reads every live row.</summary>
    public async Task<IReadOnlyList<Peer>> ReadAsync(CancellationToken cancellationToken)
    {
        await using var command = _database.CreateCommand(ReadSql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await ReadPeersAsync(reader, cancellationToken);
    }

    /// <summary>Takes one's own row away, so that nobody calls a sidecar that is stopping.</summary>
    public async Task RemoveAsync(Peer self, CancellationToken cancellationToken)
    {
        await using var command = _database.CreateCommand("delete from sidecar.peers where instance = $1");
        command.Parameters.Add(Value(self.Instance));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static NpgsqlParameter Value(object value) => new() { Value = value };

    private static async Task<IReadOnlyList<Peer>> ReadPeersAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var peers = new List<Peer>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var identity = new CallerIdentity(reader.GetString(1), reader.GetString(2), reader.GetString(0));
            peers.Add(new Peer(identity, reader.GetGuid(3), reader.GetString(4), reader.GetString(5)));
        }

        return peers;
    }
}
