using Npgsql;

namespace WhatsAppMesh.Deliveries;

/// <summary>Compares this consumer's account with the log as sets, not counts.</summary>
internal sealed class AccountAudit(NpgsqlDataSource database, LakeReader lake)
{
    /// <summary>The sets of every log, in ascending order.</summary>
    /// <param name="heads">Newest position by log: what counts as logged. Empty: the lake's heads, taken now.</param>
    /// <exception cref="NpgsqlException">The database cannot be asked.</exception>
    /// <exception cref="LakeException">The lake cannot be asked.</exception>
    public async Task<IReadOnlyList<LogAudit>> AuditAsync(IReadOnlyDictionary<int, long> heads, CancellationToken cancellationToken)
    {
        if (heads.Count == 0)
            heads = (await lake.GetHeadsAsync(cancellationToken)).ToDictionary(static head => head.Log, static head => head.Newest);

        // One statement, one snapshot: a dead letter and its position appear together.
        await using var command = database.CreateCommand(
            """
            select a.log, a.done::text, a.retired::text,
                coalesce((select array_agg(d.position) from deliveries.dead_letters d where d.log = a.log and d.state = 'open'), '{}'),
                coalesce((select array_agg(d.position) from deliveries.discards d where d.log = a.log and d.is_dead), '{}')
            from deliveries.account a order by a.log
            """);
        var audits = new SortedDictionary<int, LogAudit>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var log = reader.GetInt32(0);
            audits[log] = LogAudit.Of(
                log,
                heads.GetValueOrDefault(log),
                PositionSet.Parse(reader.GetString(1)),
                PositionSet.Parse(reader.GetString(2)),
                PositionSet.Of(reader.GetFieldValue<long[]>(3)),
                PositionSet.Of(reader.GetFieldValue<long[]>(4)));
        }

        foreach (var (log, head) in heads)
            audits.TryAdd(log, LogAudit.Of(log, head, PositionSet.Empty, PositionSet.Empty, PositionSet.Empty, PositionSet.Empty));
        return [.. audits.Values];
    }
}
