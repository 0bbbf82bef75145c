using Npgsql;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>How many sends stand where, over all tenants and replicas.</summary>
/// <param name="Waiting">
/// Due and not sent: to be sent now if nothing held them up. Counted to <see cref="SendBacklogStore.Most"/> an instance.
/// </param>
/// <param name="OldestAgeSeconds">How long the first of those has been due; 0 when there is none.</param>
/// <param name="Failed">Failed for good and neither replayed nor discarded, by error category.</param>
/// <param name="Expired">Never sent because their time was over, and neither replayed nor discarded.</param>
/// <param name="InDoubt">Perhaps sent, and nobody has said so yet.</param>
internal sealed record SendBacklog(long Waiting, double OldestAgeSeconds, IReadOnlyDictionary<string, long> Failed, long Expired, long InDoubt);

/// <summary>Counts the sends.</summary>
internal sealed class SendBacklogStore([FromKeyedServices(SendStore.Sessions)] NpgsqlDataSource database)
{
    /// <summary>Waiting jobs of one instance that are counted: a look must stay cheap when it matters most.</summary>
    public const int Most = 100_000;

    private const string Waiting = $"""
        with recursive instance as ({SendStore.PendingInstances})
        select coalesce(sum(due.jobs), 0)::bigint, coalesce(extract(epoch from now() - min(due.first)), 0)::float8
        from instance i cross join lateral (
            select count(*) as jobs, min(j.next_attempt_at) as first from (
                select next_attempt_at from jobs where status = 'pending' and instance_id = i.instance_id and next_attempt_at <= now()
                order by next_attempt_at limit $1) j) due
        where i.instance_id is not null
        """;

    // As the index has it, condition by condition.
    private const string Undecided = """
        select status, coalesce(last_category, 'unknown'), count(*) from jobs
        where status in ('failed', 'failed_retryable', 'expired', 'in_doubt') and discarded_at is null
        group by status, last_category
        """;

    /// <summary>Counts now.</summary>
    /// <exception cref="NpgsqlException">The database does not answer.</exception>
    public async Task<SendBacklog> CountAsync(CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Waiting) { Parameters = { new NpgsqlParameter<int> { TypedValue = Most } } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Undecided));
        await using var row = await batch.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        var (waiting, oldest) = (row.GetInt64(0), row.GetDouble(1));
        await row.NextResultAsync(cancellationToken);
        var (failed, expired, inDoubt) = (new Dictionary<string, long>(), 0L, 0L);
        while (await row.ReadAsync(cancellationToken))
        {
            var count = row.GetInt64(2);
            switch (row.GetString(0))
            {
                case "expired":
                    expired += count;
                    break;
                case "in_doubt":
                    inDoubt += count;
                    break;
                default:
                    failed[row.GetString(1)] = failed.GetValueOrDefault(row.GetString(1)) + count;
                    break;
            }
        }
        return new SendBacklog(waiting, oldest, failed, expired, inDoubt);
    }
}
