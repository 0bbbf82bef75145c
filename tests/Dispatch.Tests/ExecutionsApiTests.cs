using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Dispatch.Executions;
using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Dispatch.Tests.Driving;

namespace WhatsAppMesh.Dispatch.Tests;

/// <summary>What operators see of jobs, and decide about them.</summary>
public sealed class ExecutionsApiTests : IAsyncLifetime
{
    private DispatchProcess _dispatch = null!;

    public async Task InitializeAsync() => _dispatch = await DispatchProcess.StartAsync(("Dispatch:SendWatermark", "2"));

    public async Task DisposeAsync() => await _dispatch.DisposeAsync();

    [Fact]
    public async Task A_page_ends_where_the_next_begins()
    {
        for (var i = 0; i < 5; i++)
            await AddAsync("sent");
        var first = await _dispatch.SendAsync("GET", "/api/executions?page_size=3&status=sent,failed");
        var second = await _dispatch.SendAsync("GET", $"/api/executions?page_size=3&status=sent,failed&page_token={first.Text("next_page_token")}");
        Assert.Equal((3, 2), (first.Body!["executions"]!.AsArray().Count, second.Body!["executions"]!.AsArray().Count));
        Assert.Null(second.Body!["next_page_token"]);
        Assert.Equal(5, first.Body!["executions"]!.AsArray().Concat(second.Body!["executions"]!.AsArray()).Select(static one => one!["id"]!.ToString()).Distinct().Count());
    }

    [Theory]
    [InlineData("status=gone")]
    [InlineData("page_size=0")]
    [InlineData("page_token=!")]
    [InlineData("automation=42")]
    [InlineData("from=yesterday")]
    public async Task A_wrong_parameter_is_named(string query)
    {
        var answer = await _dispatch.SendAsync("GET", "/api/executions?" + query);
        Assert.Equal((400, "invalid_argument"), (answer.Status, answer.Code!));
        Assert.Equal([query.Split('=')[0]], answer.Fields);
    }

    [Fact]
    public async Task One_execution_shows_every_attempt_and_its_message_to_operators_only()
    {
        var id = await AddAsync("failed");
        await _dispatch.Database.ExecuteAsync($"""
            insert into attempts (job_id, number, fence, worker, started_at, send_began_at, finished_at, status, category, latency_ms, answer)
            select '{id}', n, n, 'w', now(), now(), now(), 400 + n, 'permanent', 12, 'no' from generate_series(1, 2) n
            """);
        var answer = await _dispatch.SendAsync("GET", $"/api/executions/{id}");
        Assert.Equal(["401", "402"], answer.Body!["attempts"]!.AsArray().Select(static one => one!["broker_status"]!.ToString()));
        Assert.Equal("Hi", answer.Body!["message"]!["content"]!.ToString());
        Assert.Equal("no", answer.Body!["attempts"]![0]!["broker_answer"]!.ToString());
        var viewed = (await _dispatch.SendAsync("GET", $"/api/executions/{id}", role: "viewer")).Body!;
        Assert.Null(viewed["message"]);
        Assert.All(viewed["attempts"]!.AsArray(), static one => Assert.Null(one!["broker_answer"]));
        Assert.Equal((404, "not_found"), Of(await _dispatch.SendAsync("GET", $"/api/executions/{id}", tenant: "other")));
    }

    [Theory]
    [InlineData("/api/executions")]
    [InlineData("/api/triggers/executions")]
    public async Task A_failed_execution_is_replayed_under_the_same_send_key_and_not_again_at_once(string path)
    {
        var id = await AddAsync("failed_retryable");
        var answer = await _dispatch.SendAsync("POST", $"{path}/{id}/replay", """{"reason":"fixed"}""");
        Assert.Equal((200, "ok"), (answer.Status, answer.Text("status")!));
        Assert.Equal(["replayed|1|-", $"pending|1|{id}"], await _dispatch.Database.RowsAsync(
            "select status, count(*) over (partition by send_key) / 2, replay_of from jobs order by created_at"));
        var again = await _dispatch.SendAsync("POST", $"{path}/{id}/replay");
        Assert.Equal((429, "rate_limited"), Of(again));
        Assert.InRange(int.Parse(again.Text("retry_after_seconds")!, null), 1, 60);
        Assert.NotNull(again.RetryAfter);
        await _dispatch.Database.ExecuteAsync("update jobs set last_replay_at = now() - interval '61 s'");
        var later = await _dispatch.SendAsync("POST", $"{path}/{id}/replay");
        Assert.Equal((409, "not_replayable", "replayed"), (later.Status, later.Code!, later.Text("current_status")!));
    }

    [Theory]
    [InlineData("pending")]
    [InlineData("processing")]
    [InlineData("cancelled")]
    public async Task What_has_not_failed_cannot_be_replayed(string status)
    {
        var answer = await _dispatch.SendAsync("POST", $"/api/executions/{await AddAsync(status)}/replay");
        Assert.Equal((409, "not_replayable", status), (answer.Status, answer.Code!, answer.Text("current_status")!));
    }

    [Fact]
    public async Task A_replay_of_what_was_sent_does_nothing_and_says_so()
    {
        var id = await AddAsync("sent");
        var answer = await _dispatch.SendAsync("POST", $"/api/executions/{id}/replay");
        Assert.Equal((200, "ok", "idempotent_skip"), (answer.Status, answer.Text("status")!, answer.Text("note")!));
        Assert.Equal("1", (await _dispatch.SendAsync("GET", "/api/triggers/stats")).Text("idempotent_replays"));
    }

    [Fact]
    public async Task A_new_key_wants_a_reason_or_a_definite_refusal()
    {
        var id = await AddAsync("in_doubt");
        Assert.Equal(["reason"], (await _dispatch.SendAsync("POST", $"/api/executions/{id}/replay", """{"force_new_key":true}""")).Fields);
        Assert.Equal(200, (await _dispatch.SendAsync("POST", $"/api/executions/{id}/replay", """{"force_new_key":true,"reason":"the customer got nothing"}""")).Status);
        var refused = await AddAsync("failed");
        await _dispatch.Database.ExecuteAsync($"update jobs set definite_refusal = true where id = '{refused}'");
        Assert.Equal(200, (await _dispatch.SendAsync("POST", $"/api/executions/{refused}/replay")).Status);
        Assert.Equal(["4"], await _dispatch.Database.RowsAsync("select count(distinct send_key) from jobs"));
        Assert.Equal(["force_new_key|ana|the customer got nothing", "replay|ana|"], await _dispatch.Database.RowsAsync("select action, requested_by, reason from job_decisions order by action"));
    }

    [Fact]
    public async Task What_may_have_been_sent_under_a_key_that_is_forgotten_wants_a_new_one()
    {
        var (old, young, known) = (await AddAsync("failed_retryable"), await AddAsync("failed_retryable"), await AddAsync("in_doubt"));
        await _dispatch.Database.ExecuteAsync($"""
            insert into attempts (job_id, number, fence, worker, started_at, send_began_at)
            select id, 1, 1, 'w', now(), now() - case id when '{young}' then interval '23 h' else interval '25 h' end from jobs
            """);
        var answer = await _dispatch.SendAsync("POST", $"/api/executions/{old}/replay");
        Assert.Equal((409, "not_replayable", "key_forgotten"), (answer.Status, answer.Code!, answer.Text("current_status")!));
        Assert.Contains("force_new_key", answer.Text("detail") ?? answer.Text("error"), StringComparison.Ordinal);
        Assert.Equal(200, (await _dispatch.SendAsync("POST", $"/api/executions/{young}/replay")).Status);
        Assert.Equal(["3"], await _dispatch.Database.RowsAsync("select count(distinct send_key) from jobs"));
        Assert.Equal(200, (await _dispatch.SendAsync("POST", $"/api/executions/{old}/replay", """{"force_new_key":true,"reason":"they have nothing"}""")).Status);
        // Whoever resolves it knows that nothing was sent, so that its replay cannot double it.
        Assert.Equal(200, (await _dispatch.SendAsync("POST", $"/api/executions/{known}/resolve", """{"outcome":"not_sent","reason":"asked","send_again":true}""")).Status);
        Assert.Equal(["5"], await _dispatch.Database.RowsAsync("select count(distinct send_key) from jobs"));
    }

    [Theory]
    [InlineData("""{"outcome":"sent","reason":"seen on the phone"}""", "sent")]
    [InlineData("""{"outcome":"not_sent","reason":"asked"}""", "failed_retryable")]
    [InlineData("""{"outcome":"not_sent","reason":"asked","send_again":true}""", "replayed,pending")]
    public async Task A_person_says_what_became_of_a_send_in_doubt(string body, string statuses)
    {
        var id = await AddAsync("in_doubt");
        Assert.Equal(200, (await _dispatch.SendAsync("POST", $"/api/executions/{id}/resolve", body)).Status);
        Assert.Equal(statuses.Split(','), await _dispatch.Database.RowsAsync("select status from jobs order by created_at"));
        Assert.Equal((409, "not_in_doubt"), Of(await _dispatch.SendAsync("POST", $"/api/executions/{id}/resolve", body)));
    }

    [Fact]
    public async Task Whoever_knows_that_a_send_did_not_go_out_sends_it_again_at_once()
    {
        var id = await AddAsync("in_doubt");
        await _dispatch.Database.ExecuteAsync("update jobs set last_replay_at = now()");
        var answer = await _dispatch.SendAsync("POST", $"/api/executions/{id}/resolve", """{"outcome":"not_sent","reason":"asked","send_again":true}""");
        Assert.Equal((200, "ok"), (answer.Status, answer.Text("status")!));
        Assert.Equal(["replayed", "pending"], await _dispatch.Database.RowsAsync("select status from jobs order by created_at"));
        Assert.Equal(["replay", "resolve_not_sent"], await _dispatch.Database.RowsAsync("select action from job_decisions order by action"));
    }

    [Fact]
    public async Task What_cannot_be_sent_again_is_not_resolved_either()
    {
        var id = await AddAsync("in_doubt");
        await _dispatch.Database.ExecuteAsync("update jobs set message = '{}'");
        var answer = await _dispatch.SendAsync("POST", $"/api/executions/{id}/resolve", """{"outcome":"not_sent","reason":"asked","send_again":true}""");
        Assert.Equal((409, "not_replayable", "message_forgotten"), (answer.Status, answer.Code!, answer.Text("current_status")!));
        Assert.Equal(["in_doubt"], await _dispatch.Database.RowsAsync("select status from jobs"));
        Assert.Equal(["0"], await _dispatch.Database.RowsAsync("select count(*) from job_decisions"));
    }

    [Fact]
    public async Task What_is_given_up_no_longer_counts_and_is_never_replayed()
    {
        var id = await AddAsync("failed");
        await AddAsync("in_doubt");
        Assert.Equal("2", (await _dispatch.SendAsync("GET", "/api/triggers/stats")).Text("dlq_size"));
        Assert.Equal(["reason"], (await _dispatch.SendAsync("POST", $"/api/executions/{id}/discard")).Fields);
        Assert.Equal("discarded", (await _dispatch.SendAsync("POST", $"/api/executions/{id}/discard", """{"reason":"too late"}""")).Text("status"));
        Assert.Equal("1", (await _dispatch.SendAsync("GET", "/api/triggers/stats")).Text("dlq_size"));
        Assert.Equal("discarded", (await _dispatch.SendAsync("POST", $"/api/executions/{id}/replay")).Text("current_status"));
    }

    [Fact]
    public async Task Jobs_that_could_not_start_in_time_expire_and_retries_do_not()
    {
        var (late, retried, young) = (await AddAsync("pending"), await AddAsync("pending"), await AddAsync("pending"));
        await _dispatch.Database.ExecuteAsync($"update jobs set due_at = now() - interval '25 h' where id <> '{young}'; update jobs set attempts = 1 where id = '{retried}'");
        await _dispatch.Services.GetRequiredService<JobUpkeep>().RunAsync(default);
        Assert.Equal([late.ToString()], await _dispatch.Database.RowsAsync("select id from jobs where status = 'expired'"));
        Assert.Equal(200, (await _dispatch.SendAsync("POST", $"/api/executions/{late}/replay")).Status);
    }

    [Fact]
    public async Task Personal_data_of_finished_jobs_goes_first_and_the_jobs_later()
    {
        var (old, older) = (await AddAsync("failed"), await AddAsync("failed"));
        await _dispatch.Database.ExecuteAsync($"""
            update jobs set finished_at = now() - interval '31 days';
            update jobs set finished_at = now() - interval '181 days' where id = '{older}'
            """);
        await _dispatch.Services.GetRequiredService<JobUpkeep>().RunAsync(default);
        Assert.Equal([$"{old}|{{}}|{{}}"], await _dispatch.Database.RowsAsync("select id, message, subject from jobs"));
        Assert.Equal("message_forgotten", (await _dispatch.SendAsync("POST", $"/api/executions/{old}/replay")).Text("current_status"));
    }

    [Fact]
    public async Task The_watermark_is_hit_by_one_instance_above_it_and_told_once()
    {
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("false", (await _dispatch.SendAsync("GET", "/api/triggers/stats?window_days=1")).Text("watermark_hit"));
            await AddAsync("sent");
        }

        var stats = await _dispatch.SendAsync("GET", "/api/triggers/stats?window_days=1");
        Assert.Equal(("true", "true", "3", "3"), (stats.Text("watermark_hit"), stats.Text("circuit_breaker_watermark_hit"), stats.Text("sends_today"), stats.Text("wpp_command_count")));
        var upkeep = _dispatch.Services.GetRequiredService<JobUpkeep>();
        await upkeep.RunAsync(default);
        await upkeep.RunAsync(default);
        Assert.Equal(["sales"], await _dispatch.Database.RowsAsync("select instance_id from send_watermarks"));
    }

    [Fact]
    public async Task Stats_count_by_status_within_the_tenant()
    {
        await AddAsync("failed");
        await _dispatch.Database.ExecuteAsync("update jobs set attempts = 3");
        var mine = await _dispatch.SendAsync("GET", "/api/triggers/stats?window_days=30");
        Assert.Equal(("30", "1", "1", "2"), (mine.Text("window_days"), mine.Text("total_executions"), mine.Body!["by_status"]!["failed"]!.ToString(), mine.Text("retries_observed")));
        Assert.Equal("0", (await _dispatch.SendAsync("GET", "/api/triggers/stats", tenant: "other")).Text("total"));
        Assert.Equal((400, "invalid_argument"), Of(await _dispatch.SendAsync("GET", "/api/triggers/stats?window_days=0")));
    }

    [Theory]
    [InlineData("sent", true, false, null, "AlreadySent")]
    [InlineData("failed", true, true, null, "Replay")]
    [InlineData("failed", false, false, 59, "TooSoon")]
    [InlineData("failed", false, false, 60, "Replay")]
    [InlineData("replayed", false, false, 59, "TooSoon")]
    [InlineData("sent", true, true, null, "Forbidden")]
    public void Verdicts(string status, bool isSent, bool force, int? secondsAgo, string expected)
    {
        var now = Lake.Midnight;
        var job = new ReplayCandidate(status, isSent, true, secondsAgo is { } ago ? now.AddSeconds(-ago) : null, false);
        Assert.Equal(expected, ReplayVerdict.Of(job, force, now, TimeSpan.FromSeconds(60)).GetType().Name);
    }

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Code);

    private async Task<Guid> AddAsync(string status)
    {
        var id = Guid.CreateVersion7();
        await _dispatch.Database.ExecuteAsync($$"""
            insert into jobs (id, tenant, key, send_key, kind, entity, occurrence, instance_id, message, subject, status, due_at, next_attempt_at, created_at, updated_at, finished_at)
            values ('{{id}}', 'acme', '{{id}}', '{{JobKey.Hash(id.ToString())}}', 'automation', '42', 'x', 'sales', '{"type":"text","content":"Hi"}', '{"lead":"42"}', '{{status}}',
                now(), now(), clock_timestamp(), now(), case when '{{status}}' not in ('pending', 'processing') then now() end)
            """);
        return id;
    }
}
