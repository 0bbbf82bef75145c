using System.Text.Json;
using Npgsql;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Dispatch.Operator;

namespace WhatsAppMesh.Dispatch.Executions;

/// <summary>Which executions are meant.</summary>
/// <param name="Statuses">Any of these; empty: all.</param>
/// <param name="From">Made at or after.</param>
/// <param name="To">Made before.</param>
internal sealed record ExecutionFilter(
    IReadOnlyList<string> Statuses, Guid? AutomationId = null, string? Entity = null, string? InstanceId = null, DateTimeOffset? From = null, DateTimeOffset? To = null,
    IReadOnlyList<Guid>? Ids = null)
{
    /// <summary>SQL that says the same of a table called <c>j</c>; tenant is $1, the filter's own parameters follow it.</summary>
    public const string Sql = """
        j.tenant = $1 and (cardinality($2::text[]) = 0 or j.status = any($2)) and ($3::uuid is null or j.automation_id = $3) and ($4::text is null or j.entity = $4)
        and ($5::text is null or j.instance_id = $5) and ($6::timestamptz is null or j.created_at >= $6) and ($7::timestamptz is null or j.created_at < $7)
        and ($8::uuid[] is null or j.id = any($8))
        """;

    /// <summary>Adds the tenant and the filter's parameters, $1 to $8.</summary>
    public void AddTo(NpgsqlCommand command, string tenant)
    {
        command.Parameters.AddWithValue(tenant);
        command.Parameters.AddWithValue(Statuses.ToArray());
        command.Parameters.AddWithValue((object?)AutomationId ?? DBNull.Value);
        command.Parameters.AddWithValue((object?)Entity ?? DBNull.Value);
        command.Parameters.AddWithValue((object?)InstanceId ?? DBNull.Value);
        command.Parameters.AddWithValue((object?)From ?? DBNull.Value);
        command.Parameters.AddWithValue((object?)To ?? DBNull.Value);
        command.Parameters.AddWithValue((object?)Ids?.ToArray() ?? DBNull.Value);
    }
}

/// <summary>Reads executions from the jobs' table.</summary>
internal static class ExecutionRow
{
    /// <summary>Columns that <see cref="Read"/> reads, from a table called <c>j</c>.</summary>
    public const string Columns = """
        j.id, j.status, j.kind, j.trigger_kind, j.automation_id, j.step_id, j.entity, j.occurrence, j.instance_id, j.due_at,
        case when j.status = 'pending' then j.next_attempt_at end, j.attempts, j.last_category, j.last_status, j.last_error, j.external_id, j.send_key, j.replay_of,
        (select r.id from jobs r where r.replay_of = j.id limit 1), j.discarded_at, j.log, j.position, j.created_at, j.updated_at, j.finished_at, j.message::text, j.subject::text
        """;

    /// <summary>One row, with message and subject when the caller may see them.</summary>
    public static ExecutionView Read(NpgsqlDataReader row, bool withMessage) => new(
        row.GetGuid(0), row.GetString(1), row.GetString(2), row.Text(3), Nullable<Guid>(row, 4), row.Text(5), row.GetString(6), row.GetString(7), row.GetString(8), row.Time(9),
        row.TimeOrNull(10), row.GetInt32(11), row.Text(12), Nullable<int>(row, 13), row.Text(14), row.Text(15), row.GetString(16), Nullable<Guid>(row, 17),
        Nullable<Guid>(row, 18), row.TimeOrNull(19), Nullable<int>(row, 20), Nullable<long>(row, 21), row.Time(22), row.Time(23), row.TimeOrNull(24))
    {
        Message = withMessage ? Json(row.GetString(25)) : null,
        Subject = withMessage ? Json(row.GetString(26)) : null,
    };

    private static T? Nullable<T>(NpgsqlDataReader row, int column) where T : struct => row.IsDBNull(column) ? null : row.GetFieldValue<T>(column);

    private static JsonElement Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}
