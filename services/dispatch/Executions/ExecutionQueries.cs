using Npgsql;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Dispatch.Operator;

namespace WhatsAppMesh.Dispatch.Executions;

/// <summary>Reads what became of jobs.</summary>
internal sealed class ExecutionQueries(NpgsqlDataSource database)
{
    /// <summary>The statuses there are.</summary>
    public static readonly IReadOnlyList<string> Statuses =
        ["pending", "processing", "sent", "failed_retryable", "failed", "in_doubt", "cancelled", "expired", "replayed"];

    /// <summary>A page, newest first.</summary>
    public async Task<ExecutionPage> ListAsync(string tenant, ExecutionFilter filter, PageKey? after, int size, bool withMessage, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"""
            select {ExecutionRow.Columns} from jobs j
            where {ExecutionFilter.Sql} and ($9::timestamptz is null or (j.created_at, j.id) < ($9, $10))
            order by j.created_at desc, j.id desc limit $11
            """);
        filter.AddTo(command, tenant);
        command.Parameters.AddWithValue((object?)after?.At ?? DBNull.Value);
        command.Parameters.AddWithValue(after?.Id ?? Guid.Empty);
        command.Parameters.AddWithValue(size + 1);
        var found = new List<ExecutionView>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
            found.Add(ExecutionRow.Read(row, withMessage));
        var page = found.Take(size).ToList();
        return new ExecutionPage(page, found.Count > size ? new PageKey(page[^1].CreatedAt, page[^1].Id).Write() : null);
    }

    /// <summary>One execution with every attempt and decision; null when the tenant has none of this id.</summary>
    public async Task<ExecutionView?> FindAsync(string tenant, Guid id, bool withMessage, CancellationToken cancellationToken)
    {
        ExecutionView? found = null;
        var (attempts, decisions) = (new List<AttemptView>(), new List<DecisionView>());
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var trip = new RoundTrip(transaction);
        trip.Read($"select {ExecutionRow.Columns} from jobs j where j.id = $1 and j.tenant = $2", row => found = ExecutionRow.Read(row, withMessage), id, tenant);
        trip.Read("""
            select number, started_at, send_began_at, finished_at, status, category, latency_ms, answer, error from attempts where job_id = $1 order by number, fence
            """, row => attempts.Add(new AttemptView(
                row.GetInt32(0), row.Time(1), row.TimeOrNull(2), row.TimeOrNull(3), row.IsDBNull(4) ? null : row.GetInt32(4), row.Text(5),
                row.IsDBNull(6) ? null : row.GetInt32(6), withMessage ? row.Text(7) : null, row.Text(8))), id);
        trip.Read("select action, requested_by, reason, decided_at from job_decisions where job_id = $1 order by decided_at",
            row => decisions.Add(new DecisionView(row.GetString(0), row.GetString(1), row.GetString(2), row.Time(3))), id);
        await trip.SendAsync(cancellationToken);
        return found is null ? null : found with { Attempts = attempts, Decisions = decisions };
    }
}
