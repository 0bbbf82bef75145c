using Npgsql;

namespace WhatsAppMesh.Ingest;

/// <summary>Keeps the figures of what waits to be published fresh, on every replica: an alert must not depend on who publishes.</summary>
internal sealed class BacklogWatch(LakeDatabase database, IngestMetrics metrics, TimeProvider clock) : BackgroundService
{
    private const string Sql =
        """
        select coalesce(sum(h.position - p.position), 0)::bigint,
            extract(epoch from $1 - min((
                select e.received_at from whatsapp_events e
                where e.log = p.log and e.position > p.position order by e.position limit 1)))::float8
        from head h join published p on p.log = h.log
        where p.position < h.position
        """;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>Looks now.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public static async Task<PublishBacklog> LookAsync(NpgsqlDataSource queries, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = queries.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = now.UtcDateTime });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new PublishBacklog(reader.GetInt64(0), reader.IsDBNull(1) ? 0 : Math.Max(0, reader.GetDouble(1)));
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await database.EnsureSchemaAsync(stoppingToken);
                metrics.Backlog = await LookAsync(database.Queries, clock.GetUtcNow(), stoppingToken);
                await timer.WaitForNextTickAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception)
            {
                // Whatever it was, the next look may succeed. The readiness probe reports a database that is away; the last figures stay.
                await Task.Delay(Interval, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
