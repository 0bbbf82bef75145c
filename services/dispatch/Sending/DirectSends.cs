using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Dispatch.Messages;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>A direct send as it was accepted.</summary>
/// <param name="JobId">Its job.</param>
/// <param name="Status">The job's status now.</param>
/// <param name="BodyHash">Hash of the message it was accepted with.</param>
internal sealed record DirectSend(Guid JobId, string Status, string BodyHash);

/// <summary>Jobs of direct sends: one per tenant, instance and idempotency key.</summary>
internal sealed class DirectSends(NpgsqlDataSource database, TimeProvider time)
{
    private const string Columns = "id, status, occurrence";

    /// <summary>The send accepted under a key; null when there is none.</summary>
    public async Task<DirectSend?> FindAsync(string tenant, string instance, string key, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"select {Columns} from jobs where tenant = $1 and key = $2");
        Add(command, tenant, JobKey.OfDirect(tenant, instance, key));
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>Accepts a send, or finds the one that was accepted under its key meanwhile.</summary>
    /// <param name="tenant">Whose it is.</param>
    /// <param name="instance">Who sends it.</param>
    /// <param name="key">The sender's idempotency key.</param>
    /// <param name="message">The message.</param>
    /// <param name="bodyHash">Its hash: outlives the message, which retention empties.</param>
    /// <param name="traceParent">The trace of the request.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<DirectSend> AddAsync(
        string tenant, string instance, string key, Message message, string bodyHash, string? traceParent, CancellationToken cancellationToken)
    {
        var full = JobKey.OfDirect(tenant, instance, key);
        await using var command = database.CreateCommand($$"""
            insert into jobs (id, tenant, key, send_key, kind, entity, occurrence, instance_id, message, subject, status,
                              due_at, next_attempt_at, received_at, traceparent, created_at, updated_at)
            values ($1, $2, $3, $4, 'direct', 'direct', $5, $6, $7, '{}', 'pending', now(), now(), now(), $8, now(), now())
            on conflict (tenant, key) do nothing returning {{Columns}}
            """);
        Add(command, Guid.CreateVersion7(time.GetUtcNow()), tenant, full, JobKey.Hash(full), bodyHash, instance);
        command.Parameters.Add(new NpgsqlParameter { Value = JsonSerializer.Serialize(message, MessageJson.Default.Message), NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)traceParent ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        return await ReadAsync(command, cancellationToken)
            ?? await FindAsync(tenant, instance, key, cancellationToken)
            ?? throw new InvalidOperationException("The job of a direct send was there and is gone.");
    }

    private static async Task<DirectSend?> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken) ? new DirectSend(row.GetGuid(0), row.GetString(1), row.GetString(2)) : null;
    }

    private static void Add(NpgsqlCommand command, params object[] values)
    {
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
    }
}
