using Npgsql;
using WhatsAppMesh.Deliveries;

namespace WhatsAppMesh.Dispatch.Jobs;

/// <summary>Ends jobs that could not start in time, forgets personal data and old jobs, and tells when an instance sends much; on one replica at a time.</summary>
internal sealed partial class JobUpkeep(
    SingleReplica replica, NpgsqlDataSource database, DispatchOptions options, DispatchMetrics metrics, TimeProvider time, ILogger<JobUpkeep> logger) : BackgroundService
{
    // Key of the advisory lock, the same on every replica.
    private const long LockKey = 0x6D65_7368_0020;

    private const int Chunk = 1000;

    /// <summary>One round of everything.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        metrics.Expired(await RepeatAsync("""
            update jobs set status = 'expired', finished_at = $1, updated_at = $1 where id = any(array(
                select id from jobs where status = 'pending' and attempts = 0 and due_at < $2 order by due_at limit 1000 for update skip locked))
            """, now, now - options.ExpireAfter, cancellationToken));
        await RepeatAsync("""
            with old as materialized (
                select id from jobs where finished_at < $2 and message <> '{}' order by finished_at limit 1000 for update skip locked),
            answers as (update attempts set answer = null where job_id in (select id from old) and answer is not null)
            update jobs set message = '{}', subject = '{}', updated_at = $1 where id = any(array(select id from old))
            """, now, now - options.SubjectRetention, cancellationToken);
        await RepeatAsync("""
            delete from jobs where $1::timestamptz is not null and id = any(array(
                select id from jobs where finished_at < $2 order by finished_at limit 1000 for update skip locked))
            """, now, now - options.JobRetention, cancellationToken);
        foreach (var (table, ended) in new[] { ("runs", "finished_at < $2"), ("bulk_replays", "finished_at < $2"), ("send_watermarks", "day < ($2 at time zone 'utc')::date") })
        {
            await RepeatAsync($"""
                delete from {table} where $1::timestamptz is not null and ctid = any(array(select ctid from {table} where {ended} limit 1000 for update skip locked))
                """, now, now - options.JobRetention, cancellationToken);
        }

        await RepeatAsync("""
            update leads set facts = '{}', updated_at = $1 where (tenant, lead_id) in (
                select tenant, lead_id from leads where updated_at < $2 and facts <> '{}' order by updated_at limit 1000 for update skip locked)
            """, now, now - options.LeadRetention, cancellationToken);
        await WatchSendsAsync(now, cancellationToken);
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => replica.RunAsync("upkeep of jobs", LockKey, async cancellationToken =>
    {
        await RunAsync(cancellationToken);
        await Task.Delay(options.UpkeepInterval, time, cancellationToken);
    }, stoppingToken);

    // In chunks, so that no transaction holds many rows.
    private async Task<long> RepeatAsync(string sql, DateTimeOffset now, DateTimeOffset before, CancellationToken cancellationToken)
    {
        for (var total = 0L; ;)
        {
            await using var command = database.CreateCommand(sql);
            command.Parameters.AddWithValue(now);
            command.Parameters.AddWithValue(before);
            var count = await command.ExecuteNonQueryAsync(cancellationToken);
            total += count;
            if (count < Chunk)
                return total;
        }
    }

    /// <summary>Says it once for each instance and day.</summary>
    private async Task WatchSendsAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            insert into send_watermarks (tenant, instance_id, day)
            select tenant, instance_id, ($1::timestamptz at time zone 'utc')::date from (
                select tenant, instance_id, count(*) as sends from jobs where status = 'sent' and finished_at >= $1 group by tenant, instance_id) today
            where sends > $2
            on conflict do nothing
            returning instance_id, tenant
            """);
        command.Parameters.AddWithValue(new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero));
        command.Parameters.AddWithValue(options.SendWatermark);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            metrics.WatermarkHit(row.GetString(0));
            Log.WatermarkHit(logger, row.GetString(0), row.GetString(1), options.SendWatermark);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(4010, LogLevel.Warning, "Instance {Instance} has sent more than {Watermark} messages of tenant {Tenant} today")]
        public static partial void WatermarkHit(ILogger logger, string instance, string tenant, int watermark);
    }
}
