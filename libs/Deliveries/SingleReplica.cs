using Npgsql;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// Runs work on one replica of a service at a time: whoever holds an advisory lock of the database. When that replica dies, the server
/// drops its session and with it the lock, and another replica goes on.
/// </summary>
public sealed partial class SingleReplica(NpgsqlDataSource database, DependencyStates dependencies, TimeProvider time, ILogger<SingleReplica> logger)
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(2);

    /// <summary>Repeats <paramref name="step"/> for as long as this replica holds the lock, until cancelled.</summary>
    /// <param name="name">What the work is called in logs.</param>
    /// <param name="key">Key of the advisory lock.</param>
    /// <param name="step">One piece of work, including its wait for more; an exception is logged and the lock is sought anew.</param>
    /// <param name="stoppingToken">Ends it.</param>
    /// <param name="elsewhere">Told each time that another replica is found to hold the lock.</param>
    public async Task RunAsync(string name, long key, Func<CancellationToken, Task> step, CancellationToken stoppingToken, Action? elsewhere = null)
    {
        var state = dependencies.Of(name, $"The {name} of this replica stopped and is tried again");
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RunLockedAsync(key, step, state, elsewhere, stoppingToken);
                await Task.Delay(Retry, time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                var failure = Failure.Of(exception, name);
                if (!state.IsFailing)
                    Log.StepFailed(logger, name, failure.Error, failure.Message);
                state.Fails(exception);
                await Task.Delay(Retry, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task RunLockedAsync(
        long key, Func<CancellationToken, Task> step, DependencyState state, Action? elsewhere, CancellationToken stoppingToken)
    {
        await using var session = await database.OpenConnectionAsync(stoppingToken);
        if (!await AskAsync(session, "select pg_try_advisory_lock($1)", key, stoppingToken))
        {
            // The database answers, and another replica is at it.
            state.Works();
            elsewhere?.Invoke();
            return;
        }

        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                await step(stoppingToken);
                state.Works();

                // Fails when the session, and so the lock, is gone.
                await AskAsync(session, "select $1::bigint is not null", key, stoppingToken);
            }
        }
        finally
        {
            // The connection goes back to a pool and would take the lock with it.
            if (session.State == System.Data.ConnectionState.Open)
                await AskAsync(session, "select pg_advisory_unlock($1)", key, CancellationToken.None);
        }
    }

    private static async Task<bool> AskAsync(NpgsqlConnection session, string sql, long key, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, session) { Parameters = { new NpgsqlParameter<long> { TypedValue = key } } };
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static partial class Log
    {
        [LoggerMessage(3520, LogLevel.Warning, "The {Name} of this replica stopped ({Error}) and starts again: {Message}")]
        public static partial void StepFailed(ILogger logger, string name, string error, string message);
    }
}
