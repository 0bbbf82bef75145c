using Npgsql;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Deliveries;

/// <summary>Counts the open dead letters for the metric, and lets retention do its work now and then.</summary>
internal sealed partial class DeliveriesUpkeep(
    NpgsqlDataSource database, DeliveriesRetention retention, DeliveriesMetrics metrics, DependencyStates dependencies, TimeProvider time,
    ILogger<DeliveriesUpkeep> logger) : BackgroundService
{
    private static readonly TimeSpan CountInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan RetentionInterval = TimeSpan.FromHours(1);

    private readonly DependencyState _state = dependencies.Of("upkeep", "Dead letters cannot be counted, nor old rows removed; the figures are old");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(CountInterval, time);
        var retained = DateTimeOffset.MinValue;
        do
        {
            try
            {
                await CountAsync(stoppingToken);
                if (time.GetUtcNow() - retained >= RetentionInterval)
                {
                    await retention.ApplyAsync(stoppingToken);
                    retained = time.GetUtcNow();
                }

                _state.Works();
            }
            catch (NpgsqlException exception)
            {
                var failure = Failure.Of(exception, "upkeep");
                _state.Fails(exception);
                Log.Failed(logger, failure.Error, failure.Message);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    private async Task CountAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            "select count(*) filter (where category = 'poison'), count(*) filter (where category = 'transient') from deliveries.dead_letters where state = 'open'");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        metrics.DeadLetters(reader.GetInt64(0), reader.GetInt64(1));
    }

    private static partial class Log
    {
        [LoggerMessage(3560, LogLevel.Debug, "Upkeep could not be done now ({Error}): {Message}")]
        public static partial void Failed(ILogger logger, string error, string message);
    }
}
