using Npgsql;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Storage;

namespace WhatsAppMesh.DevSidecar.PubSub.Log;

/// <summary>Deletes messages that every known group has settled, after a while; never one that a group has still to settle.</summary>
internal sealed partial class TopicRetention(SidecarDatabase database, SidecarSettings settings, TimeProvider time, ILogger<TopicRetention> logger) : BackgroundService
{
    private const int PerRound = 10_000;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    /// <summary>
    /// One sidecar at a time. What a group has not settled begins at its cursor or, if that is lower, at its first lease. A topic without a
    /// group keeps its messages for a first one to come, for the longer time.
    /// </summary>
    private const string Delete = """
        with alone as (select pg_try_advisory_xact_lock(hashtext('sidecar.retention')) as locked),
        floors as materialized (
            select t.id as topic,
                   coalesce((select min(least(c.next, (select min(l.first) from sidecar.leases l where l.topic = c.topic and l.consumer = c.consumer)))
                             from sidecar.cursors c where c.topic = t.id), t.last + 1) as floor,
                   case when exists (select from sidecar.cursors c where c.topic = t.id) then $1 else $2 end as life
            from sidecar.topics t where (select locked from alone)),
        old as materialized (
            select f.topic, m.id
            from floors f cross join lateral (
                select x.id, x.published_at from sidecar.messages x
                where x.topic = f.topic and x.id < f.floor
                order by x.id limit $3) m
            where m.published_at < now() - f.life)
        delete from sidecar.messages d using old o where d.topic = o.topic and d.id = o.id
        """;

    /// <summary>Deletes one round.</summary>
    /// <returns>Number of messages deleted.</returns>
    internal async Task<int> DeleteOnceAsync(CancellationToken cancellationToken)
    {
        await using var command = database.Relaxed.CreateCommand(Delete);
        command.Parameters.Add(new() { Value = settings.Retention });
        command.Parameters.Add(new() { Value = settings.UnreadRetention });
        command.Parameters.Add(new() { Value = (long)PerRound });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            // Sidecars that started together do not stay in step.
            await Task.Delay(Interval * (0.5 + Random.Shared.NextDouble()), time, stoppingToken);
            try
            {
                while (await DeleteOnceAsync(stoppingToken) >= PerRound)
                    Log.MoreToDelete(logger);
            }
            catch (NpgsqlException exception)
            {
                Log.Failed(logger, exception);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(9336, LogLevel.Debug, "There are more settled messages to delete")]
        public static partial void MoreToDelete(ILogger logger);

        [LoggerMessage(9337, LogLevel.Warning, "Settled messages could not be deleted; it is tried again")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
