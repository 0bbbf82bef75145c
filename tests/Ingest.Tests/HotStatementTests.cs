using Npgsql;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>
/// The hot statements are prepared while the tables are empty and nobody analyses them. Their plans must be right for full tables all the
/// same: every look-up by index, whatever the planner believes.
/// </summary>
public class HotStatementTests
{
    private const string AppendTypes =
        "int, int[], uuid[], uuid[], uuid[], text[], text[], text[], text[], text[], timestamptz[], text[], timestamptz[], text[], text[], bool[], uuid[], bool[]";

    private const string AppendValues =
        """
        1, array[1], array[gen_random_uuid()], array[gen_random_uuid()], array[gen_random_uuid()], array['s'], array['t'], array['c'], array['p'], array['a'],
        array[now()], array['o'], array[now()], array[null::text], array['{}'], array[false], array['6f1d6f0e-7c52-5b0a-9a86-2d3c54b6a1e7'::uuid], array[true]
        """;

    [Fact]
    public async Task A_hundred_thousand_rows_that_nobody_analysed_are_never_scanned()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var ingest = await IngestUnderTest.StartAsync(database.ConnectionString);
        await ingest.PostV2Async(Guid.NewGuid().ToString(), """{"type":"t","payload":{}}""");
        // As the writer does: same session settings, prepared and planned on empty tables.
        await using var hot = await ingest.Services.GetRequiredService<LakeDatabase>().Hot.OpenConnectionAsync();
        await ExecuteAsync(hot, "alter table seen set (autovacuum_enabled = off)");
        await ExecuteAsync(hot, $"prepare locked(int) as {LakeWriter.LockSql}; prepare append({AppendTypes}) as {LakeWriter.AppendSql}; prepare read(int, bigint, int, int, bigint) as {LakeCursor.ReadSql}");
        await ExplainAsync(hot, $"append({AppendValues})");
        await ExplainAsync(hot, "read(1, 0, 500, 262144, 1048576)");
        await ExecuteAsync(hot,
            """
            insert into seen (tenant, event_id, body_hash, log, position, revision)
                select 1, gen_random_uuid(), gen_random_uuid(), 1, n, 0 from generate_series(10, 100009) n;
            insert into whatsapp_events (log, position, id, revision, tenant, event_id, source, type, occurred_at, occurred_at_source, received_at, payload)
                select 1, n, gen_random_uuid(), 0, 1, gen_random_uuid(), 's', 't', now(), 'o', now(), '{}' from generate_series(10, 100009) n;
            update head set position = 100009;
            """);
        foreach (var plan in new[] { await ExplainAsync(hot, "locked(1)"), await ExplainAsync(hot, $"append({AppendValues})"), await ExplainAsync(hot, "read(1, 100000, 500, 262144, 1048576)") })
        {
            Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("JIT", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("Hash Join", plan, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Looking_an_event_up_costs_the_same_however_many_bodies_its_id_has()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var ingest = await IngestUnderTest.StartAsync(database.ConnectionString);
        var id = Guid.NewGuid();
        await ingest.PostV2Async(id.ToString(), """{"type":"t","payload":{}}""");
        await using var hot = await ingest.Services.GetRequiredService<LakeDatabase>().Hot.OpenConnectionAsync();
        await ExecuteAsync(hot, "alter table seen set (autovacuum_enabled = off)");
        await ExecuteAsync(hot, $"prepare append({AppendTypes}) as {LakeWriter.AppendSql}");
        var values = AppendValues.Replace("1, array[1], array[gen_random_uuid()]", $"1, array[1], array['{id}'::uuid]", StringComparison.Ordinal);
        await ExplainAsync(hot, $"append({values})");
        await ExecuteAsync(hot, $"insert into seen (tenant, event_id, body_hash, log, position, revision) select 1, '{id}', gen_random_uuid(), 1, n, n from generate_series(1, 5000) n");
        await ExecuteAsync(hot,
            $"""
            insert into seen (tenant, event_id, body_hash, log, position, revision, observation, received_at)
            select 1, '{id}', gen_random_uuid(), 1, n, n, '6f1d6f0e-7c52-5b0a-9a86-2d3c54b6a1e7', now() - n * interval '1 hour' from generate_series(5001, 10000) n
            """);
        var plan = await ExplainAsync(hot, $"append({values})");
        Assert.Contains("seen_pkey", plan, StringComparison.Ordinal);
        Assert.Contains("seen_newest", plan, StringComparison.Ordinal);
        Assert.Contains("seen_observations", plan, StringComparison.Ordinal);
        // No node on the way reads the bodies, to filter, count or sort them.
        Assert.DoesNotContain("rows=500", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("Rows Removed by Filter: 500", plan, StringComparison.Ordinal);
    }

    // Rolled back: an explained append is a real one.
    private static async Task<string> ExplainAsync(NpgsqlConnection connection, string call)
    {
        await using var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand($"explain (analyze, timing off) execute {call}", connection);
        await using var reader = await command.ExecuteReaderAsync();
        var lines = new List<string>();
        while (await reader.ReadAsync())
            lines.Add(reader.GetString(0));
        return string.Join('\n', lines);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 120 };
        await command.ExecuteNonQueryAsync();
    }
}
