using System.Text.Json.Nodes;
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
    public async Task Every_error_of_a_request_is_named()
    {
        var answer = await _dispatch.SendAsync("POST", "/api/executions/replay", """{"filter":{"status":"gone","from":"x","ids":[1],"colour":2},"rate":0}""");
        Assert.Equal(422, answer.Status);
        Assert.Equal(["filter.colour", "filter.from", "filter.ids", "filter.status", "rate", "reason"], answer.Fields.Order(StringComparer.Ordinal));
    }

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Code);

    private async Task<JsonNode> EventuallyAsync(string path, Predicate<JsonNode> isRight)
    {
        for (var tries = 0; tries < 600; tries++)
        {
            if ((await _dispatch.SendAsync("GET", path)).Body is { } body && isRight(body))
                return body;
            await Task.Delay(50);
        }

        throw new TimeoutException($"{path} never came to what was expected");
    }

    private Task AddAsync(int count, string status, string instance = "sales") => _dispatch.Database.ExecuteAsync($$"""
        insert into jobs (id, tenant, key, send_key, kind, entity, occurrence, instance_id, message, subject, status, due_at, next_attempt_at, created_at, updated_at, finished_at)
        select id, 'acme', id::text, id::text, 'automation', '42', 'x', '{{instance}}', '{"type":"text","content":"Hi"}', '{}', '{{status}}', now(), now(), clock_timestamp(), now(), now()
        from (select gen_random_uuid() as id from generate_series(1, {{count}})) n
        """);
}
