using Npgsql;

namespace WhatsAppMesh.Deliveries;

/// <summary>Counts the open dead letters for the metric, and forgets old failure records.</summary>
internal sealed partial class DeliveriesUpkeep(
    NpgsqlDataSource database, FailureStore failures, DeliveriesOptions options, DeliveriesMetrics metrics, TimeProvider time, ILogger<DeliveriesUpkeep> logger) : BackgroundService
{
    private static readonly TimeSpan CountInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan ForgetInterval = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(CountInterval, time);
        var forgotten = time.GetUtcNow();
        do
        {
            try
            {
                await CountAsync(stoppingToken);
                if (time.GetUtcNow() - forgotten < ForgetInterval)
                    continue;

                await failures.ForgetAsync(time.GetUtcNow() - options.FailureRetention, stoppingToken);
                forgotten = time.GetUtcNow();
            }
            catch (NpgsqlException exception)
            {
                var failure = Failure.Of(exception, "upkeep");
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
