using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Dispatch.Tests.Driving;

namespace WhatsAppMesh.Dispatch.Tests;

/// <summary>What retention removes, and what it reads to find it.</summary>
public sealed class JobUpkeepTests : IAsyncLifetime
{
    private DispatchProcess _dispatch = null!;

    public async Task InitializeAsync() => _dispatch = await DispatchProcess.StartAsync();

    public async Task DisposeAsync() => await _dispatch.DisposeAsync();

    [Fact]
    public async Task Runs_replays_and_watermarks_go_with_the_jobs_they_were_about()
    {
        await _dispatch.Database.ExecuteAsync("""
            insert into runs (id, tenant, state, jobs, queued, requested_by, created_at, finished_at)
                select gen_random_uuid(), case when ended is null then 'open' else 'acme' end, 'running', '{}', 0, 'ana', now() - interval '200 days', ended
                from unnest(array[now() - interval '181 days', now() - interval '179 days', null]) ended;
            insert into bulk_replays (id, tenant, state, jobs, rate, force_new_key, reason, requested_by, created_at, finished_at)
                select gen_random_uuid(), 'acme', 'completed', '{}', 1, false, 'x', 'ana', now() - interval '200 days', ended
                from unnest(array[now() - interval '181 days', now() - interval '179 days']) ended;
            insert into send_watermarks (tenant, instance_id, day) select 'acme', 'sales', current_date - ago from unnest(array[182, 178]) ago;
            """);
        await _dispatch.Services.GetRequiredService<JobUpkeep>().RunAsync(default);
        Assert.Equal(["2|1|1"], await _dispatch.Database.RowsAsync(
            "select (select count(*) from runs), (select count(*) from bulk_replays), (select count(*) from send_watermarks)"));
    }

    [Fact]
    public async Task Jobs_that_were_emptied_are_not_read_again_every_minute()
    {
        await _dispatch.Database.ExecuteAsync("""
            insert into jobs (id, tenant, key, send_key, kind, entity, occurrence, instance_id, message, subject, status, due_at, next_attempt_at, created_at, updated_at, finished_at)
                select gen_random_uuid(), 'acme', n::text, n::text, 'automation', 'x', 'x', 'sales', case when n <= 3 then '{"content":"x"}' else '{}' end::jsonb, '{}', 'sent',
                    now(), now(), now(), now(), now() - interval '40 days'
                from generate_series(1, 20000) n;
            analyze jobs;
            """);
        Assert.Contains(
            "jobs_to_empty",
            string.Concat(await _dispatch.Database.RowsAsync("explain select id from jobs where finished_at < now() - interval '30 days' and message <> '{}' order by finished_at limit 1000")),
            StringComparison.Ordinal);
        await _dispatch.Services.GetRequiredService<JobUpkeep>().RunAsync(default);
        Assert.Equal(["0"], await _dispatch.Database.RowsAsync("select count(*) from jobs where message <> '{}'"));
    }

    [Theory]
    [InlineData("j.automation_id = '00000000-0000-0000-0000-000000000007'", "jobs_page_by_automation")]
    [InlineData("j.instance_id = 'sales7'", "jobs_page_by_instance")]
    public async Task A_page_by_automation_or_instance_is_read_from_its_index(string filter, string index)
    {
        await _dispatch.Database.ExecuteAsync("""
            insert into jobs (id, tenant, key, send_key, kind, automation_id, entity, occurrence, instance_id, message, subject, status, due_at, next_attempt_at, created_at, updated_at, finished_at)
                select gen_random_uuid(), 'acme', n::text, n::text, 'automation', ('00000000-0000-0000-0000-' || lpad((n % 100)::text, 12, '0'))::uuid, 'x', 'x', 'sales' || n % 100,
                    '{}', '{}', 'sent', now(), now(), now() - n * interval '1 second', now(), now()
                from generate_series(1, 20000) n;
            analyze jobs;
            """);
        Assert.Contains(
            index,
            string.Concat(await _dispatch.Database.RowsAsync($"explain select id from jobs j where j.tenant = 'acme' and {filter} order by j.created_at desc, j.id desc limit 51")),
            StringComparison.Ordinal);
    }
}
