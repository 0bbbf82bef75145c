using Google.Protobuf.WellKnownTypes;
using Npgsql;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>Something this library has to tell through the lake.</summary>
internal sealed record OutgoingEvent(Guid EventId, string Tenant, string Type, DateTimeOffset OccurredAt, string PayloadJson);

/// <summary>
/// Sends what waits in the outbox to the lake. Ids are deterministic, so replicas need not take turns: what two of them send is one event.
/// </summary>
internal sealed partial class LakeOutbox(
    NpgsqlDataSource database, LakeSender lake, DependencyStates dependencies, TimeProvider time, ILogger<LakeOutbox> logger) : BackgroundService
{
    private const int EventsAtOnce = 500;

    // How long an event left behind by a crash, or by a lake that was away, waits for the next try.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly DependencyState _state = dependencies.Of("outbox", "What was to be told through the lake waits");
    private readonly SemaphoreSlim _wake = new(0);

    /// <summary>Adds events in the transaction of what they tell.</summary>
    public static async Task AddAsync(NpgsqlTransaction transaction, IReadOnlyList<OutgoingEvent> events, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            insert into deliveries.outbox (event_id, tenant, type, occurred_at, payload)
            select * from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[]) t(event_id, tenant, type, occurred_at, payload) order by 1
            on conflict do nothing
            """, transaction.Connection, transaction);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. events.Select(static one => one.EventId)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. events.Select(static one => one.Tenant)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. events.Select(static one => one.Type)] });
        command.Parameters.Add(new NpgsqlParameter<DateTime[]> { TypedValue = [.. events.Select(static one => one.OccurredAt.UtcDateTime)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. events.Select(static one => one.PayloadJson)] });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Something was added here: look at once.</summary>
    public void Wake() => _wake.Release();

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var isMore = await SendAsync(stoppingToken);
                _state.Works();
                if (!isMore)
                    await _wake.WaitAsync(Interval, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                var failure = Failure.Of(exception, "outbox");
                if (!_state.IsFailing)
                    Log.NotSent(logger, failure.Error, failure.Message);
                _state.Fails(exception);
                await Task.Delay(Interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <returns>False when there was nothing to send.</returns>
    private async Task<bool> SendAsync(CancellationToken cancellationToken)
    {
        var events = new List<DerivedEvent>();
        await using (var command = database.CreateCommand($"select event_id, tenant, type, occurred_at, payload from deliveries.outbox order by occurred_at, event_id limit {EventsAtOnce}"))
        await using (var row = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await row.ReadAsync(cancellationToken))
            {
                events.Add(new DerivedEvent
                {
                    EventId = row.GetGuid(0).ToString(),
                    Tenant = row.GetString(1),
                    Type = row.GetString(2),
                    OccurredAt = Timestamp.FromDateTimeOffset(row.Time(3)),
                    PayloadJson = row.GetString(4),
                });
            }
        }

        if (events.Count == 0)
            return false;

        await lake.AppendAsync(events, cancellationToken);
        await using var sent = database.CreateCommand("delete from deliveries.outbox where event_id = any($1)");
        sent.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. events.Select(static one => Guid.Parse(one.EventId))] });
        await sent.ExecuteNonQueryAsync(cancellationToken);
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(3570, LogLevel.Warning, "What was to be told through the lake waits ({Error}): {Message}")]
        public static partial void NotSent(ILogger logger, string error, string message);
    }
}
