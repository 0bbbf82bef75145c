using System.Text.Json.Nodes;
using WhatsAppMesh.Dispatch.Tests.Driving;

namespace WhatsAppMesh.Dispatch.Tests;

/// <summary>Every statement of a batch must find its rows by index in tables of 100,000 rows that were never analysed.</summary>
public sealed class HotStatementTests : IAsyncLifetime
{
    private const string Fill = """
        alter table automations set (autovacuum_enabled = false);
        alter table stage_events set (autovacuum_enabled = false);
        alter table leads set (autovacuum_enabled = false);
        alter table jobs set (autovacuum_enabled = false);
        insert into automations (id, tenant, name, enabled, trigger_kind, trigger_value, steps, enabled_since, version, created_at, updated_at)
            select gen_random_uuid(), 'acme', 'x', true, 'stage_changed', 's' || n, '[]', now(), 1, now(), now() from generate_series(1, 100000) n;
        insert into stage_events (tenant, lead_id, event_id, revision, order_at, log, position, stage_id, occurrence, received_at, imported, used)
            select 'acme', n::text, gen_random_uuid(), 0, now(), 1, n, 's' || n, 'x', now(), false, true from generate_series(1, 100000) n;
        insert into leads (tenant, lead_id, stage_id, facts, updated_at) select 'acme', n::text, 's' || n, '{}', now() from generate_series(1, 100000) n;
        insert into jobs (id, tenant, key, send_key, kind, automation_id, step_id, trigger_kind, entity, occurrence, instance_id, message, subject, status, due_at, next_attempt_at, created_at, updated_at, finished_at)
            select gen_random_uuid(), 'acme', n::text, n::text, 'automation', gen_random_uuid(), 'first', 'stage_changed', n::text, 'x', 'sales', '{"content":"x"}', '{}', 'sent', now(), now(), now(), now(), now()
            from generate_series(1, 100000) n;
        """;

    private readonly Lake _lake = new();
    private DispatchDatabase _database = null!;

    public async Task InitializeAsync()
    {
        _database = await DispatchDatabase.CreateAsync();
        await _database.ExecuteAsync(Fill);
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task No_statement_of_a_batch_reads_a_whole_table()
    {
        await _database.AutomationAsync("stage_changed", "A");
        await _database.AutomationAsync("trigger_fired", "orders", to: "5511999990001");
        var before = await ReadRowsAsync();
        await _database.ApplyAsync(_lake.Stage("42", "A", 1), _lake.Stage("new", "A", 1), _lake.Trigger("orders", new JsonObject(), 1));
        var corrected = _lake.Stage("42", "A", 2, id: "moved");
        corrected.Revision = 1;
        await _database.ApplyAsync(_lake.Stage("42", "B", 2, id: "moved"), _lake.Stage("43", "A", 2));
        await _database.ApplyAsync(corrected);
        Assert.Equal(before, await ReadRowsAsync());

        // The count itself must work: here is a whole table read on purpose.
        await _database.RowsAsync("select max(stage_id) from leads");
        Assert.NotEqual(before, await ReadRowsAsync());
    }

    // Counts reach the view when the session that made them says so; the pool holds the one session that this test uses.
    private async Task<List<string>> ReadRowsAsync()
    {
        await _database.RowsAsync("select pg_stat_force_next_flush()::text");
        await _database.RowsAsync("select 1");
        return await _database.RowsAsync("select relname, seq_tup_read from pg_stat_user_tables where relname in ('automations', 'stage_events', 'leads', 'jobs') order by relname");
    }
}
