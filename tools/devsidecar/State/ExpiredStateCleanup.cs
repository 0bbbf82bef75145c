using Npgsql;
using WhatsAppMesh.DevSidecar.Storage;

namespace WhatsAppMesh.DevSidecar.State;

/// <summary>Removes expired keys now and then; until then they are invisible already.</summary>
internal sealed partial class ExpiredStateCleanup(
    StateStores stores, SidecarDatabase database, TimeProvider time, ILogger<ExpiredStateCleanup> logger) : BackgroundService
{
    private const int BatchSize = 5000;

    // Rows that another sidecar is removing or writing are left to it.
    private const string DeleteSql =
        """
        delete from sidecar.state where ctid = any(array(
            select ctid from sidecar.state where store = $1 and expires_at <= now() limit $2 for update skip locked))
        """;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(stores.Cleanups.Select(cleanup => RunAsync(cleanup.Store, cleanup.Interval, stoppingToken)));

    private async Task RunAsync(string store, TimeSpan interval, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(interval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                await RemoveAsync(store, cancellationToken);
            }
            catch (NpgsqlException e)
            {
                Log.Failed(logger, store, e.Message);
            }
        }
    }

    private async Task RemoveAsync(string store, CancellationToken cancellationToken)
    {
        int removed;
        do
        {
            await using var command = database.Relaxed.CreateCommand(DeleteSql);
            command.Parameters.Add(new NpgsqlParameter { Value = store });
            command.Parameters.Add(new NpgsqlParameter { Value = BatchSize });
            removed = await command.ExecuteNonQueryAsync(cancellationToken);
        }
        while (removed == BatchSize);
    }

    private static partial class Log
    {
        [LoggerMessage(9380, LogLevel.Warning, "Expired keys of state store {Store} could not be removed: {Reason}. Trying again at the next interval.")]
        public static partial void Failed(ILogger logger, string store, string reason);
    }
}
