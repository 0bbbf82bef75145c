using System.Text.Json;
using Npgsql;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Dispatch.Operator;

namespace WhatsAppMesh.Dispatch.Automations;

/// <summary>Keeps automations. Whatever switches one off cancels its pending jobs in the same transaction.</summary>
internal sealed class AutomationStore(NpgsqlDataSource database, DispatchOptions options, TimeProvider time)
{
    /// <summary>Saves a new one; null when the tenant has as many as it may.</summary>
    public async Task<Automation?> CreateAsync(string tenant, AutomationDraft draft, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var one = new Automation(Guid.CreateVersion7(now), tenant, draft, 1, now, now, now);
        await using var command = database.CreateCommand("""
            insert into automations (id, tenant, name, enabled, trigger_kind, trigger_value, steps, enabled_since, version, created_at, updated_at)
            select $1, $2, $3, $4, $5, $6, $7::jsonb, $8, 1, $8, $8
            where (select count(*) from automations where tenant = $2 and deleted_at is null) < $9
            """);
        AddDraft(command, one.Id, tenant, draft, now);
        command.Parameters.AddWithValue(options.MaxAutomations);
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1 ? one : null;
    }

    /// <summary>One automation; null when the tenant has none of this id.</summary>
    public async Task<Automation?> FindAsync(string tenant, Guid id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"select {AutomationRows.Columns} from automations a where a.id = $1 and a.tenant = $2 and a.deleted_at is null");
        command.Parameters.AddWithValue(id);
        command.Parameters.AddWithValue(tenant);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken) ? AutomationRows.Read(row) : null;
    }

    /// <summary>A page, newest first; one row more than asked for tells that there is another page.</summary>
    public async Task<List<Automation>> ListAsync(string tenant, PageKey? after, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"""
            select {AutomationRows.Columns} from automations a
            where a.tenant = $1 and a.deleted_at is null and ($2::timestamptz is null or (a.created_at, a.id) < ($2, $3))
            order by a.created_at desc, a.id desc limit $4
            """);
        command.Parameters.AddWithValue(tenant);
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)after?.At ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.TimestampTz });
        command.Parameters.AddWithValue(after?.Id ?? Guid.Empty);
        command.Parameters.AddWithValue(limit);
        var found = new List<Automation>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
            found.Add(AutomationRows.Read(row));
        return found;
    }

    /// <summary>
    /// Writes a new version. Switching it on, or giving it another trigger, makes it mind causes from now on only. Jobs made before keep
    /// the message they were made with; switching it off cancels those that wait.
    /// </summary>
    /// <param name="expected">The version that the writer has seen.</param>
    /// <returns>The new version; null when another version is there, or none.</returns>
    public async Task<Automation?> UpdateAsync(string tenant, Guid id, AutomationDraft draft, int expected, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var command = new NpgsqlCommand($"""
            update automations a set name = $3, enabled = $4, trigger_kind = $5, trigger_value = $6, steps = $7::jsonb, version = a.version + 1, updated_at = $8,
                enabled_since = case when $4 and (not a.enabled or (a.trigger_kind, a.trigger_value) <> ($5, $6)) then $8 else a.enabled_since end
            where a.id = $1 and a.tenant = $2 and a.deleted_at is null and a.version = $9
            returning {AutomationRows.Columns}
            """, connection, transaction);
        AddDraft(command, id, tenant, draft, now);
        command.Parameters.AddWithValue(expected);
        Automation? updated = null;
        await using (var row = await command.ExecuteReaderAsync(cancellationToken))
        {
            if (await row.ReadAsync(cancellationToken))
                updated = AutomationRows.Read(row);
        }

        if (updated is { Draft.Enabled: false })
            await CancelJobsAsync(id, now, transaction, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return updated;
    }

    /// <summary>Deletes one and cancels its pending jobs; false when the tenant has none of this id.</summary>
    public async Task<bool> DeleteAsync(string tenant, Guid id, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            "update automations set deleted_at = $3, enabled = false, updated_at = $3 where id = $1 and tenant = $2 and deleted_at is null", connection, transaction);
        command.Parameters.AddWithValue(id);
        command.Parameters.AddWithValue(tenant);
        command.Parameters.AddWithValue(now);
        var isDeleted = await command.ExecuteNonQueryAsync(cancellationToken) == 1;
        if (isDeleted)
            await CancelJobsAsync(id, now, transaction, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return isDeleted;
    }

    // A batch that read the automation before holds its row until its jobs are committed, so they are seen here. By id, as whatever changes
    // many jobs: two of them cannot deadlock.
    private static async Task CancelJobsAsync(Guid id, DateTimeOffset now, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var trip = new RoundTrip(transaction);
        trip.Run("""
            with open as (select id from jobs where automation_id = $1 and status in ('pending', 'processing') order by id for update)
            update jobs j set status = case j.status when 'pending' then 'cancelled' else j.status end, cancel_requested = j.status = 'processing',
                finished_at = case j.status when 'pending' then $2::timestamptz end, updated_at = $2
            from open o where j.id = o.id
            """, id, now);
        await trip.SendAsync(cancellationToken);
    }

    private static void AddDraft(NpgsqlCommand command, Guid id, string tenant, AutomationDraft draft, DateTimeOffset now)
    {
        var steps = JsonSerializer.Serialize(draft.Steps, AutomationJson.Default.IReadOnlyListAutomationStep);
        foreach (var value in (object[])[id, tenant, draft.Name, draft.Enabled, draft.TriggerKind, draft.TriggerValue, steps, now])
            command.Parameters.AddWithValue(value);
    }
}
