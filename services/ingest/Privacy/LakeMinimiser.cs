using Npgsql;
using WhatsAppMesh.Events;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Makes the copies that readers of minimised tenants see, behind the log and not in it: an append does nothing for them. One replica at a time;
/// what was logged before a tenant was minimised is copied first.
/// </summary>
internal sealed partial class LakeMinimiser(
    LakeDatabase database, Minimisation minimisation, DependencyStates dependencies, TimeProvider clock, ILogger<LakeMinimiser> logger) : BackgroundService
{
    private const int RowsPerStep = 500;
    private const long BytesPerStep = 8 * 1024 * 1024;

    // Locked against an erasure, which would otherwise write its copy before this one, and lose it.
    private const string NextSql =
        """
        with next as materialized (
            select log, position, received_at, sum(bytes) over (order by log, position) - bytes as bytes_before from (
                select log, position, received_at, octet_length(payload) as bytes from whatsapp_events
                where tenant = $1 and (log, position) > ($2, $3) order by log, position limit $4) n)
        select e.log, e.position, e.received_at, e.event_id, e.chat_jid, e.participant_jid, e.participant_alt, e.payload
        from next n join whatsapp_events e on e.log = n.log and e.position = n.position and e.received_at = n.received_at
        where n.bytes_before < $5
        order by e.log, e.position for key share of e
        """;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly DependencyState _state = dependencies.Of("minimiser", "Minimised copies cannot be made; readers of minimised tenants see less");

    private sealed record Place(int Tenant, int Log, long Position);

    /// <summary>Copies everything that has no copy yet.</summary>
    /// <returns>How many events were copied.</returns>
    public async Task<long> RunAsync(CancellationToken cancellationToken)
    {
        var copied = 0L;
        foreach (var tenant in minimisation.Tenants)
        {
            for (var step = -1; step != 0;)
            {
                step = await StepAsync(tenant, minimisation.Of(tenant)!, cancellationToken);
                copied += step;
            }
        }
        return copied;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (minimisation.Tenants.Count > 0 && !stoppingToken.IsCancellationRequested)
        {
            try
            {
                await database.EnsureSchemaAsync(stoppingToken);
                if (await RunAsync(stoppingToken) is > 0 and var copied)
                    Log.Copied(logger, copied);
                _state.Works();
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // Readers see less until the next round, and never more.
                if (!_state.IsFailing)
                    Log.Interrupted(logger, exception.GetType().Name);
                _state.Fails(exception);
            }
            await Task.Delay(Interval, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<int> StepAsync(string tenant, Minimiser minimiser, CancellationToken cancellationToken)
    {
        await using var connection = await database.Queries.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await BeginAsync(connection, tenant, minimiser.Version, cancellationToken) is not { } place)
            return 0;
        var events = await NextAsync(connection, place, cancellationToken);
        if (events.Count == 0)
            return 0;
        await MinimisedEvents.WriteAsync(connection, place.Tenant, minimiser, events, cancellationToken);
        await using var move = new NpgsqlCommand("update minimised set log = $2, position = $3 where tenant = $1", connection);
        move.Parameters.Add(new() { Value = place.Tenant });
        move.Parameters.Add(new() { Value = events[^1].Log });
        move.Parameters.Add(new() { Value = events[^1].Position });
        await move.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return events.Count;
    }

    // Null while another replica is at it, or works with another key.
    private static async Task<Place?> BeginAsync(NpgsqlConnection connection, string tenant, string version, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            select m.tenant, m.log, m.position from minimised m join tenants t on t.id = m.tenant
            where t.name = $1 and m.version = $2 for update of m skip locked
            """, connection);
        command.Parameters.Add(new() { Value = tenant });
        command.Parameters.Add(new() { Value = version });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? new Place(reader.GetInt32(0), reader.GetInt32(1), reader.GetInt64(2)) : null;
    }

    private static async Task<List<PlainEvent>> NextAsync(NpgsqlConnection connection, Place place, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(NextSql, connection)
        {
            CommandTimeout = 60,
            Parameters =
            {
                new() { Value = place.Tenant }, new() { Value = place.Log }, new() { Value = place.Position }, new() { Value = RowsPerStep }, new() { Value = BytesPerStep },
            },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var events = new List<PlainEvent>();
        while (await reader.ReadAsync(cancellationToken))
        {
            events.Add(new PlainEvent(
                reader.GetInt32(0), reader.GetInt64(1), reader.GetDateTime(2), reader.GetGuid(3), Text(reader, 4), Text(reader, 5), Text(reader, 6), reader.GetString(7)));
        }
        return events;
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static partial class Log
    {
        [LoggerMessage(2080, LogLevel.Debug, "Copied {Events} events for readers of minimised tenants")]
        public static partial void Copied(ILogger logger, long events);

        [LoggerMessage(2081, LogLevel.Warning, "The copies for readers of minimised tenants wait ({Type}): the next round goes on")]
        public static partial void Interrupted(ILogger logger, string type);
    }
}
