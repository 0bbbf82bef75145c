using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Dispatch.Tests.Driving;

namespace WhatsAppMesh.Dispatch.Tests;

/// <summary>Replays of many executions, and runs.</summary>
public sealed class BulkReplayTests : IAsyncLifetime
{
    private DispatchProcess _dispatch = null!;

    public async Task InitializeAsync() => _dispatch = await DispatchProcess.StartAsync();

    public async Task DisposeAsync() => await _dispatch.DisposeAsync();

    [Fact]
    public async Task A_dry_run_counts_and_changes_nothing()
    {
        await AddAsync(7, "failed");
        await AddAsync(2, "sent");
        var answer = await _dispatch.SendAsync("POST", "/api/executions/replay", """{"filter":{},"reason":"look","dry_run":true}""");
        Assert.Equal((200, "dry_run", "7"), (answer.Status, answer.Text("state")!, answer.Text("selected")!));
        Assert.Equal(["9"], await _dispatch.Database.RowsAsync("select count(*) from jobs"));
    }

    [Fact]
    public async Task A_replay_of_many_takes_what_can_be_replayed_and_says_how_far_it_is()
    {
        await AddAsync(5, "failed");
        await AddAsync(2, "expired");
        await AddAsync(1, "failed", "second");
        var started = await _dispatch.SendAsync("POST", "/api/executions/replay", """{"filter":{"instance":"sales"},"reason":"fixed","rate":1000}""");
        Assert.Equal(202, started.Status);
        var done = await EventuallyAsync($"/api/dispatch/replays/{started.Text("replay_id")}", static state => state["state"]!.ToString() == "completed");
        Assert.Equal(("7", "7", "0"), (done["selected"]!.ToString(), done["replayed"]!.ToString(), done["skipped"]!.ToString()));
        Assert.Equal(["7"], await _dispatch.Database.RowsAsync("select count(*) from jobs where status = 'pending' and replay_of is not null and instance_id = 'sales'"));
    }

    [Fact]
    public async Task One_that_is_paused_waits_and_one_that_is_cancelled_never_goes_on()
    {
        await AddAsync(50, "failed");
        var id = (await _dispatch.SendAsync("POST", "/api/executions/replay", """{"filter":{},"reason":"fixed","rate":1}""")).Text("replay_id");
        Assert.Equal("paused", (await _dispatch.SendAsync("POST", $"/api/dispatch/replays/{id}/pause")).Text("state"));
        Assert.Equal("running", (await _dispatch.SendAsync("POST", $"/api/dispatch/replays/{id}/resume")).Text("state"));
        Assert.Equal("cancelled", (await _dispatch.SendAsync("DELETE", $"/api/dispatch/replays/{id}")).Text("state"));
        Assert.Equal("cancelled", (await _dispatch.SendAsync("POST", $"/api/dispatch/replays/{id}/resume")).Text("state"));
        Assert.Equal((404, "not_found"), Of(await _dispatch.SendAsync("GET", $"/api/dispatch/replays/{id}", tenant: "other")));
    }

    [Fact]
    public async Task A_replay_waits_for_no_other_tenant_s()
    {
        await AddAsync(500, "failed");
        var slow = (await _dispatch.SendAsync("POST", "/api/executions/replay", """{"filter":{},"reason":"fixed","rate":1}""")).Text("replay_id");
        await AddAsync(3, "failed", tenant: "other");
        var other = (await _dispatch.SendAsync("POST", "/api/executions/replay", """{"filter":{},"reason":"fixed","rate":1000}""", tenant: "other")).Text("replay_id");
        await EventuallyAsync($"/api/dispatch/replays/{other}", static state => state["state"]!.ToString() == "completed", "other");
        Assert.Equal("running", (await _dispatch.SendAsync("GET", $"/api/dispatch/replays/{slow}")).Text("state"));
    }

    [Fact]
    public async Task An_execution_that_cannot_be_replayed_whatever_the_reason_is_skipped()
    {
        await AddAsync(3, "failed");
        await _dispatch.Database.ExecuteAsync("""
            update jobs set entity = 'broken' where id = (select id from jobs order by created_at, id limit 1);
            alter table jobs add constraint refuses check (entity <> 'broken' or replay_of is null)
            """);
        var started = await _dispatch.SendAsync("POST", "/api/executions/replay", """{"filter":{},"reason":"fixed","rate":1000}""");
        var done = await EventuallyAsync($"/api/dispatch/replays/{started.Text("replay_id")}", static state => state["state"]!.ToString() == "completed");
        Assert.Equal(("2", "1"), (done["replayed"]!.ToString(), done["skipped"]!.ToString()));
        Assert.Equal(["failed"], await _dispatch.Database.RowsAsync("select status from jobs where entity = 'broken'"));
    }

    [Fact]
    public async Task A_slice_of_a_run_is_counted_once()
    {
        await AddAsync(3, "pending");
        var runs = _dispatch.Services.GetRequiredService<Runs>();
        var run = await runs.CreateAsync("acme", "ana", default);
        var slice = Assert.Single(await runs.NextAsync(2, default));
        RunStep[] steps = [new RunStep(true, true, false), default];
        await runs.AdvanceAsync(slice, steps, default);
        await runs.AdvanceAsync(slice, steps, default);
        var now = (await runs.FindAsync("acme", run.RunId, default))!;
        Assert.Equal(("running", 1, 1, 1), (now.State, now.Claimed, now.Skipped, now.Sent));
        Assert.Single(Assert.Single(await runs.NextAsync(2, default)).Jobs);
    }

    [Fact]
    public async Task Each_tenant_has_its_own_run_under_way()
    {
        await AddAsync(1, "pending");
        await AddAsync(1, "pending", tenant: "other");
        var runs = _dispatch.Services.GetRequiredService<Runs>();
        var first = await runs.CreateAsync("acme", "ana", default);
        await runs.CreateAsync("acme", "ana", default);
        var other = await runs.CreateAsync("other", "bia", default);
        Assert.Equal([first.RunId, other.RunId], (await runs.NextAsync(10, default)).Select(static slice => slice.Run));
    }

    [Fact]
    public async Task Every_error_of_a_request_is_named()
    {
        var answer = await _dispatch.SendAsync("POST", "/api/executions/replay", """{"filter":{"status":"gone","from":"x","ids":[1],"colour":2},"rate":0}""");
        Assert.Equal(422, answer.Status);
        Assert.Equal(["filter.colour", "filter.from", "filter.ids", "filter.status", "rate", "reason"], answer.Fields.Order(StringComparer.Ordinal));
    }

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Code);

    private async Task<JsonNode> EventuallyAsync(string path, Predicate<JsonNode> isRight, string tenant = "acme")
    {
        for (var tries = 0; tries < 1800; tries++)
        {
            if ((await _dispatch.SendAsync("GET", path, tenant: tenant)).Body is { } body && isRight(body))
                return body;
            await Task.Delay(50);
        }

        throw new TimeoutException($"{path} never came to what was expected");
    }

    private Task AddAsync(int count, string status, string instance = "sales", string tenant = "acme") => _dispatch.Database.ExecuteAsync($$"""
        insert into jobs (id, tenant, key, send_key, kind, entity, occurrence, instance_id, message, subject, status, due_at, next_attempt_at, created_at, updated_at, finished_at)
        select id, '{{tenant}}', id::text, id::text, 'automation', '42', 'x', '{{instance}}', '{"type":"text","content":"Hi"}', '{}', '{{status}}', now(), now(), clock_timestamp(), now(), now()
        from (select gen_random_uuid() as id from generate_series(1, {{count}})) n
        """);
}
