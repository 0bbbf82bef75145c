using Npgsql;

namespace WhatsAppMesh.Deliveries;

/// <summary>Keeps what people decided about dead letters, and why.</summary>
internal static class AuditTrail
{
    /// <summary>Adds a line in the transaction of the decision itself.</summary>
    /// <param name="action">"replay", "pause", "resume", "cancel", "finish" or "discard".</param>
    /// <param name="subject">The job, when there is one.</param>
    /// <param name="count">Events concerned.</param>
    public static async Task WriteAsync(
        NpgsqlTransaction transaction, DateTimeOffset at, string tenant, string who, string action, string reason, Guid? subject, long count, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "insert into deliveries.audit_trail (at, tenant, who, action, reason, subject, count) values ($1, $2, $3, $4, $5, $6, $7)",
            transaction.Connection, transaction)
        {
            Parameters =
            {
                new NpgsqlParameter<DateTime> { TypedValue = at.UtcDateTime },
                new NpgsqlParameter<string> { TypedValue = tenant },
                new NpgsqlParameter<string> { TypedValue = who },
                new NpgsqlParameter<string> { TypedValue = action },
                new NpgsqlParameter<string> { TypedValue = reason },
                new NpgsqlParameter { Value = subject ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid },
                new NpgsqlParameter<long> { TypedValue = count },
            },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
