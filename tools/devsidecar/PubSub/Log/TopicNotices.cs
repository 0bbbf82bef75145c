using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using Npgsql;
using WhatsAppMesh.DevSidecar.Storage;

namespace WhatsAppMesh.DevSidecar.PubSub.Log;

/// <summary>Hears of new messages of any topic, from any sidecar. A hint only: subscriptions look for themselves once a second as well.</summary>
internal sealed partial class TopicNotices(SidecarDatabase database, TimeProvider time, ILogger<TopicNotices> logger) : BackgroundService
{
    /// <summary>Told in place of the newest id when a sidecar let go of messages.</summary>
    public const long Released = -1;

    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<int, ImmutableList<Action<long>>> _listeners = new();

    /// <summary>Calls back with the newest id of a topic, or <see cref="Released"/>, after each commit to it; dispose what comes back to hear no more.</summary>
    public IDisposable Listen(int topic, Action<long> listener)
    {
        _listeners.AddOrUpdate(topic, [listener], (_, listeners) => listeners.Add(listener));
        return new Listening(() => _listeners.AddOrUpdate(topic, [], (_, listeners) => listeners.Remove(listener)));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(stoppingToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                Log.ConnectionLost(logger, exception);
                await Task.Delay(TimeSpan.FromSeconds(1), time, stoppingToken);
            }
        }
    }

    private async Task ListenAsync(CancellationToken stoppingToken)
    {
        await using var connection = await database.Relaxed.OpenConnectionAsync(stoppingToken);
        connection.Notification += (_, notice) => Tell(notice.Payload);
        await using (var listen = new NpgsqlCommand($"listen {TopicLog.NoticeChannel}", connection))
            await listen.ExecuteNonQueryAsync(stoppingToken);
        while (true)
        {
            if (await connection.WaitAsync(CheckInterval, stoppingToken))
                continue;

            // Nothing for a while: make sure that there is still someone at the other end.
            await using var check = new NpgsqlCommand("select", connection);
            await check.ExecuteNonQueryAsync(stoppingToken);
        }
    }

    private void Tell(string payload)
    {
        foreach (var notice in payload.Split(','))
        {
            var parts = notice.Split(':');
            if (parts.Length == 2
                && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var topic)
                && long.TryParse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var last)
                && _listeners.TryGetValue(topic, out var listeners))
            {
                foreach (var listener in listeners)
                    listener(last);
            }
        }
    }

    private sealed class Listening(Action end) : IDisposable
    {
        public void Dispose() => end();
    }

    private static partial class Log
    {
        [LoggerMessage(9335, LogLevel.Warning, "The connection that hears of new messages is lost; it is opened anew")]
        public static partial void ConnectionLost(ILogger logger, Exception exception);
    }
}
