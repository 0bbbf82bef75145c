using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>How far an emptied consumer has filled itself again.</summary>
/// <param name="IsComplete">False while it lacks events that were logged before it began: what it would answer means nothing yet.</param>
/// <param name="Done">Events of the target accounted for.</param>
/// <param name="Target">Events that were logged when it began; 0 before the lake has been asked.</param>
public sealed record RebuildProgress(bool IsComplete, long Done, long Target);

/// <summary>
/// Tells whether this consumer has ever caught up with the lake. The target is fixed by the heads first seen with an empty database; once
/// reached, the consumer is complete for good: being late afterwards is lag, not a rebuild.
/// </summary>
public sealed partial class RebuildState
{
    // Reads ask on every call; an answer this old is as good as new.
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    private readonly NpgsqlDataSource _database;
    private readonly AccountStore _accounts;
    private readonly DeliveriesOptions _options;
    private readonly TimeProvider _time;
    private (RebuildProgress Progress, long At)? _known;

    internal RebuildState(NpgsqlDataSource database, AccountStore accounts, DeliveriesOptions options, TimeProvider time)
    {
        _database = database;
        _accounts = accounts;
        _options = options;
        _time = time;
    }

    /// <summary>Where the rebuild stands, at most a second ago.</summary>
    /// <exception cref="NpgsqlException">The database cannot be asked.</exception>
    public async Task<RebuildProgress> GetAsync(CancellationToken cancellationToken)
    {
        if (!_options.Pull)
            return new RebuildProgress(true, 0, 0);
        if (_known is { } known && _time.GetElapsedTime(known.At) < Freshness)
            return known.Progress;

        var (target, isComplete) = await ReadAsync(cancellationToken);
        var progress = new RebuildProgress(isComplete, 0, target?.Values.Sum() ?? 0);
        if (!isComplete && target is not null)
            progress = progress with { Done = Covered(target, await _accounts.ReadAsync(cancellationToken)) };
        else if (isComplete)
            progress = progress with { Done = progress.Target };
        _known = (progress, _time.GetTimestamp());
        return progress;
    }

    /// <summary>Fixes the target when there is none yet, and marks the rebuild complete when it is reached.</summary>
    internal async Task ObserveAsync(IReadOnlyList<LogHead> heads, IReadOnlyDictionary<int, AccountRow> accounts, CancellationToken cancellationToken)
    {
        var (target, isComplete) = await ReadAsync(cancellationToken);
        if (isComplete)
            return;

        if (target is null)
        {
            target = heads.ToDictionary(static head => head.Log, static head => head.Newest);
            await BeginAsync(target, cancellationToken);
        }

        if (Covered(target, accounts) == target.Values.Sum())
            await CompleteAsync(cancellationToken);
    }

    private static long Covered(Dictionary<int, long> target, IReadOnlyDictionary<int, AccountRow> accounts) =>
        target.Sum(log => accounts.TryGetValue(log.Key, out var account) ? PositionSet.Range(1, log.Value).Intersect(account.Done).Count : 0);

    private async Task<(Dictionary<int, long>? Target, bool IsComplete)> ReadAsync(CancellationToken cancellationToken)
    {
        await using var command = _database.CreateCommand("select target::text, completed_at is not null from deliveries.rebuild");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? (JsonSerializer.Deserialize(reader.GetString(0), TargetJson.Default.DictionaryInt32Int64), reader.GetBoolean(1))
            : (null, false);
    }

    private async Task BeginAsync(Dictionary<int, long> target, CancellationToken cancellationToken)
    {
        await using var command = _database.CreateCommand("insert into deliveries.rebuild (target, started_at) values ($1::text::jsonb, $2) on conflict do nothing");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = JsonSerializer.Serialize(target, TargetJson.Default.DictionaryInt32Int64) });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = _time.GetUtcNow().UtcDateTime });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task CompleteAsync(CancellationToken cancellationToken)
    {
        await using var command = _database.CreateCommand("update deliveries.rebuild set completed_at = $1 where completed_at is null");
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = _time.GetUtcNow().UtcDateTime });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    [JsonSerializable(typeof(Dictionary<int, long>))]
    private sealed partial class TargetJson : JsonSerializerContext;
}
