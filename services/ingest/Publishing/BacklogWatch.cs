using System.Buffers.Binary;
using Npgsql;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Ingest;

/// <summary>Keeps the figures of what waits to be published fresh, on every replica: an alert must not depend on who publishes.</summary>
internal sealed class BacklogWatch(LakeDatabase database, IngestMetrics metrics, DependencyStates dependencies, TimeProvider clock) : BackgroundService
{
    private const string Sql =
        """
        select h.position - p.position, (
            select e.id from whatsapp_events e where e.log = p.log and e.position > p.position order by e.position limit 1)
        from head h join published p on p.log = h.log
        where p.position < h.position
        """;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly DependencyState _state = dependencies.Of("backlog", "What waits to be published cannot be counted; the figures are old");

    /// <summary>Looks now.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public static async Task<PublishBacklog> LookAsync(NpgsqlDataSource queries, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = queries.CreateCommand(Sql);
        var (events, oldest) = (0L, now);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            events += reader.GetInt64(0);
            if (!reader.IsDBNull(1) && AppendedAt(reader.GetGuid(1)) is var at && at < oldest)
                oldest = at;
        }
        return new PublishBacklog(events, (now - oldest).TotalSeconds);
    }

    // A row's id is a version 7 UUID: its first 48 bits are the milliseconds of when it came in. What was imported was received years ago,
    // but waits since then.
    private static DateTimeOffset AppendedAt(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes) >>> 16);
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
                _state.Works();
                await timer.WaitForNextTickAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // Whatever it was, the next look may succeed; the last figures stay.
                _state.Fails(exception);
                await Task.Delay(Interval, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
