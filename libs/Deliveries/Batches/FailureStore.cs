using Npgsql;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// Remembers why events failed, because the sidecar's dead letter does not say. Written before the sidecar is answered, in a
/// transaction of its own: the event's was rolled back.
/// </summary>
internal sealed partial class FailureStore(
    NpgsqlDataSource database, DeliveriesOptions options, DependencyStates dependencies, TimeProvider time, ILogger<FailureStore> logger)
{
    private readonly DependencyState _state = dependencies.Of("failure records", "Why events fail cannot be recorded; their dead letters will not say");

    /// <summary>Records the failures among the verdicts. Never throws: a record that cannot be written must not hide the failure itself.</summary>
    public async Task RecordAsync(IReadOnlyList<Delivery> deliveries, IReadOnlyList<Verdict> verdicts, CancellationToken cancellationToken)
    {
        // One row per key, in key order: rows are locked in the same order by everyone.
        var failed = new SortedDictionary<(int Log, long Position, string Key), (Delivery Delivery, Failure Failure)>();
        for (var i = 0; i < deliveries.Count; i++)
        {
            if (verdicts[i].Failure is { } failure)
                failed[(deliveries[i].Log, deliveries[i].Position, deliveries[i].EnvelopeKey)] = (deliveries[i], failure);
        }

        if (failed.Count == 0)
            return;

        try
        {
            await WriteAsync([.. failed.Values], cancellationToken);
            _state.Works();
        }
        catch (Exception exception)
        {
            var failure = Failure.Of(exception, "record");
            if (!_state.IsFailing)
                Log.NotRecorded(logger, failed.Count, failure.Error, failure.Message);
            _state.Fails(exception);
        }
    }

    /// <summary>Of <paramref name="positions"/>, those that failed after <paramref name="since"/>.</summary>
    public async Task<PositionSet> FailedSinceAsync(int log, PositionSet positions, DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            "select position from deliveries.failures where log = $1 and last_at > $2 and position <@ $3::text::int8multirange");
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = log });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = since.UtcDateTime });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = positions.ToString() });
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>Of <paramref name="positions"/>, those that have failed so often, and for so long, that trying on is pointless.</summary>
    public async Task<PositionSet> ExhaustedAsync(int log, PositionSet positions, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            "select position from deliveries.failures where log = $1 and position <@ $2::text::int8multirange and attempts >= $3 and first_at <= $4");
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = log });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = positions.ToString() });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = options.GiveUpAttempts });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = (time.GetUtcNow() - options.GiveUpAfter).UtcDateTime });
        return await ReadAsync(command, cancellationToken);
    }

    private static async Task<PositionSet> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var positions = new List<long>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            positions.Add(reader.GetInt64(0));
        return PositionSet.Of(positions);
    }

    private async Task WriteAsync(List<(Delivery Delivery, Failure Failure)> failed, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            insert into deliveries.failures as f (log, position, envelope_key, category, error, message, step, attempts, trace_id, first_at, last_at)
            select log, position, envelope_key, category, error, message, step, 1, trace_id, $9, $9
            from unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
                t(log, position, envelope_key, category, error, message, step, trace_id)
            on conflict (log, position, envelope_key) do update
            set category = excluded.category, error = excluded.error, message = excluded.message, step = excluded.step,
                attempts = f.attempts + 1, trace_id = excluded.trace_id, last_at = excluded.last_at
            """);
        AddArray(command, failed.ConvertAll(static row => row.Delivery.Log));
        AddArray(command, failed.ConvertAll(static row => row.Delivery.Position));
        AddArray(command, failed.ConvertAll(static row => row.Delivery.EnvelopeKey));
        AddArray(command, failed.ConvertAll(static row => row.Failure.Category));
        AddArray(command, failed.ConvertAll(static row => row.Failure.Error));
        AddArray(command, failed.ConvertAll(static row => row.Failure.Message));
        AddArray(command, failed.ConvertAll(static row => row.Failure.Step));
        AddArray(command, failed.ConvertAll(static row => row.Delivery.TraceId));
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = time.GetUtcNow().UtcDateTime });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static void AddArray<T>(NpgsqlCommand command, List<T> values) => command.Parameters.Add(new NpgsqlParameter<List<T>> { TypedValue = values });

    private static partial class Log
    {
        [LoggerMessage(3510, LogLevel.Error, "The reasons why {Count} events failed could not be recorded ({Error}): {Message}")]
        public static partial void NotRecorded(ILogger logger, int count, string error, string message);
    }
}
