using Npgsql;
using WhatsAppMesh.Dispatch.Operator;

namespace WhatsAppMesh.Dispatch.Executions;

/// <summary><c>GET /api/triggers/stats</c>: figures of a tenant's executions.</summary>
internal static class StatsApi
{
    /// <summary>Days of a window that is not given.</summary>
    public const int DefaultDays = 7;

    /// <summary>Longest window, in days.</summary>
    public const int MaxDays = 365;

    /// <summary>The route.</summary>
    public static void Map(IEndpointRouteBuilder api) => api.Look("/api/triggers/stats", static async (context, caller) =>
    {
        var days = new Query(context.Request.Query).Number("window_days", 1, MaxDays) ?? DefaultDays;
        var stats = await context.RequestServices.GetRequiredService<ExecutionStats>().GetAsync(caller.Tenant, days, context.RequestAborted);
        await context.AnswerAsync(stats, DispatchJson.Default.StatsView);
    });
}

/// <summary>Counts executions.</summary>
internal sealed class ExecutionStats(NpgsqlDataSource database, DispatchOptions options, TimeProvider time)
{
    /// <summary>Figures of the executions made in the last days; the dead letters and today's sends count whenever they were made.</summary>
    public async Task<StatsView> GetAsync(string tenant, int days, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var batch = database.CreateBatch();
        Add(batch, "select status, count(*), sum(greatest(attempts - 1, 0))::bigint from jobs where tenant = $1 and created_at >= $2 group by status", tenant, now.AddDays(-days));
        Add(batch, """
            select (select count(*) from job_decisions where tenant = $1 and action = 'idempotent_skip' and decided_at >= $2),
                (select count(*) from jobs where tenant = $1 and status in ('failed_retryable', 'failed', 'in_doubt') and discarded_at is null),
                coalesce(sum(sends), 0)::bigint, coalesce(max(sends), 0)::bigint
            from (select count(*) as sends from jobs where tenant = $1 and status = 'sent' and finished_at >= $3 group by instance_id) today
            """, tenant, now.AddDays(-days), new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero));
        await using var row = await batch.ExecuteReaderAsync(cancellationToken);
        var byStatus = ExecutionQueries.Statuses.ToDictionary(static status => status, static _ => 0L);
        var retries = 0L;
        while (await row.ReadAsync(cancellationToken))
        {
            byStatus[row.GetString(0)] = row.GetInt64(1);
            retries += row.GetInt64(2);
        }

        await row.NextResultAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        var (total, sendsToday, isHit) = (byStatus.Values.Sum(), row.GetInt64(2), row.GetInt64(3) > options.SendWatermark);
        return new StatsView(days, total, byStatus, retries, row.GetInt64(0), row.GetInt64(1), sendsToday, isHit, total, sendsToday, isHit);
    }

    private static void Add(NpgsqlBatch batch, string sql, params ReadOnlySpan<object> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.AddWithValue(parameter);
        batch.BatchCommands.Add(command);
    }
}
