using WhatsAppMesh.Dispatch.Tests.Driving;

namespace WhatsAppMesh.Dispatch.Tests;

/// <summary>What dispatch really takes and answers is what the document says.</summary>
public sealed class OpenApiTests : IAsyncLifetime
{
    private const string Order = """
        {"name":"Welcome","trigger":{"kind":"stage_changed","stage_id":"offer"},"steps":[{"step_id":"a","instance_id":"sales","message":{"content":"Hi"}}]}
        """;

    private readonly HashSet<string> _answered = [];

    private DispatchProcess _dispatch = null!;

    public async Task InitializeAsync() => _dispatch = await DispatchProcess.StartAsync(("Dispatch:MaxAutomations", "1"));

    public async Task DisposeAsync() => await _dispatch.DisposeAsync();

    [Fact]
    public async Task Every_answer_keeps_to_the_document()
    {
        await AskAutomationsAsync();
        await AskExecutionsAsync();
        await AskWorkAsync();
        Assert.Equal(OpenApi.Operations("/api/automations", "/api/executions", "/api/triggers", "/api/dispatch").Order(StringComparer.Ordinal), _answered.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("POST /api/automations", """{"name":"x","trigger":{"kind":"stage_changed","stage_id":"a"},"steps":[{"step_id":"a","instance_id":"s","message":{"content":"Hi"}}],"colour":"red"}""")]
    [InlineData("POST /api/automations", """{"name":"x","trigger":{"kind":"stage_changed","stage_id":"a"},"steps":[{"step_id":"a","message":{"content":"Hi"}}]}""")]
    [InlineData("POST /api/executions/replay", """{"filter":{"colour":"red"},"reason":"x"}""")]
    [InlineData("POST /api/executions/{id}/replay", """{"why":"x"}""")]
    [InlineData("POST /api/executions/{id}/resolve", """{"outcome":"lost","reason":"x"}""")]
    [InlineData("POST /api/executions/{id}/discard", "{}")]
    public async Task What_the_document_forbids_is_refused(string operation, string body)
    {
        Assert.NotEmpty(OpenApi.ErrorsOf(operation, body));
        var (method, template) = (operation.Split(' ')[0], operation.Split(' ')[1]);
        Assert.Equal(422, (await _dispatch.SendAsync(method, template.Replace("{id}", Guid.NewGuid().ToString(), StringComparison.Ordinal), body)).Status);
    }

    private async Task AskAutomationsAsync()
    {
        var id = (await AskAsync(201, "POST", "/api/automations", body: Order)).Text("id")!;
        await AskAsync(409, "POST", "/api/automations", body: Order);
        await AskAsync(422, "POST", "/api/automations", body: "{}", keeps: false);
        foreach (var role in (string[])["operator", "viewer"])
        {
            await AskAsync(200, "GET", "/api/automations", role: role);
            await AskAsync(200, "GET", "/api/automations/{id}", id, role: role);
        }

        await AskAsync(400, "GET", "/api/automations", query: "?page_size=0");
        await AskAsync(403, "POST", "/api/automations", body: Order, role: "viewer");
        await AskAsync(428, "PUT", "/api/automations/{id}", id, Order);
        await AskAsync(200, "PUT", "/api/automations/{id}", id, Order.Replace("""{"name":"Welcome",""", """{"name":"Welcome","version":1,""", StringComparison.Ordinal));
        await AskAsync(412, "PUT", "/api/automations/{id}", id, Order.Replace("""{"name":"Welcome",""", """{"name":"Welcome","version":1,""", StringComparison.Ordinal));
        await AskAsync(204, "DELETE", "/api/automations/{id}", id);
        await AskAsync(404, "GET", "/api/automations/{id}", id);
    }

    private async Task AskExecutionsAsync()
    {
        var (failed, doubtful, lost, other) = (await AddAsync("failed"), await AddAsync("in_doubt"), await AddAsync("failed_retryable"), await AddAsync("expired"));
        await AskAsync(200, "POST", "/api/executions/{id}/replay", failed, """{"reason":"fixed"}""");
        await AskAsync(429, "POST", "/api/executions/{id}/replay", failed);
        await AskAsync(200, "POST", "/api/triggers/executions/{id}/replay", other);
        await AskAsync(409, "POST", "/api/executions/{id}/resolve", lost, """{"outcome":"sent","reason":"seen"}""");
        await AskAsync(200, "POST", "/api/executions/{id}/resolve", doubtful, """{"outcome":"not_sent","reason":"asked","send_again":true}""");
        await AskAsync(200, "POST", "/api/executions/{id}/discard", lost, """{"reason":"too late"}""");
        await AskAsync(409, "POST", "/api/executions/{id}/replay", lost);
        await AskAsync(422, "POST", "/api/executions/{id}/discard", lost, "{}", keeps: false);
        foreach (var role in (string[])["operator", "viewer"])
        {
            await AskAsync(200, "GET", "/api/executions", role: role);
            await AskAsync(200, "GET", "/api/executions/{id}", failed, role: role);
            await AskAsync(200, "GET", "/api/executions/{id}", lost, role: role);
        }

        await AskAsync(404, "GET", "/api/executions/{id}", Guid.NewGuid().ToString());
        await AskAsync(200, "GET", "/api/triggers/stats", query: "?window_days=30");
    }

    private async Task AskWorkAsync()
    {
        await AddAsync("failed");
        await AskAsync(200, "POST", "/api/executions/replay", body: """{"filter":{},"reason":"look","dry_run":true}""");
        var replay = (await AskAsync(202, "POST", "/api/executions/replay", body: """{"filter":{"status":"failed"},"reason":"fixed","rate":1}""")).Text("replay_id")!;
        await AskAsync(200, "GET", "/api/dispatch/replays/{id}", replay);
        await AskAsync(200, "POST", "/api/dispatch/replays/{id}/pause", replay);
        await AskAsync(200, "POST", "/api/dispatch/replays/{id}/resume", replay);
        await AskAsync(200, "DELETE", "/api/dispatch/replays/{id}", replay);
        var run = (await AskAsync(202, "POST", "/api/dispatch/run")).Text("run_id")!;
        await AskAsync(200, "GET", "/api/dispatch/runs/{id}", run);
        await AskAsync(200, "DELETE", "/api/dispatch/runs/{id}", run);
    }

    /// <param name="keeps">The body keeps to the document.</param>
    private async Task<Answer> AskAsync(
        int status, string method, string template, string id = "", string? body = null, string query = "", string role = "operator", bool keeps = true)
    {
        var operation = $"{method} {template}";
        if (body is not null)
            Assert.Equal(keeps, !OpenApi.ErrorsOf(operation, body).Any());
        var answer = await _dispatch.SendAsync(method, template.Replace("{id}", id, StringComparison.Ordinal) + query, body, role: role);
        Assert.True(answer.Status == status, $"{operation}: {answer.Status} {answer.Raw}");
        OpenApi.Describes(operation, answer.Status, answer.MediaType, answer.Raw);
        if (status < 300)
            _answered.Add(operation);
        return answer;
    }

    private async Task<string> AddAsync(string status)
    {
        var id = Guid.CreateVersion7();
        await _dispatch.Database.ExecuteAsync($$"""
            insert into jobs (id, tenant, key, send_key, kind, automation_id, step_id, trigger_kind, entity, occurrence, instance_id, message, subject, status, due_at, next_attempt_at,
                attempts, last_category, last_status, last_error, log, position, created_at, updated_at, finished_at)
            values ('{{id}}', 'acme', '{{id}}', '{{id}}', 'automation', gen_random_uuid(), 'a', 'stage_changed', '42', 'x', 'sales', '{"type":"text","content":"Hi"}', '{"lead":"42"}', '{{status}}', now(), now(),
                1, 'permanent', 422, 'refused', 1, 7, clock_timestamp(), now(), now());
            insert into attempts (job_id, number, fence, worker, started_at, send_began_at, finished_at, status, category, latency_ms, answer, error)
            values ('{{id}}', 1, 1, 'w', now(), now(), now(), 422, 'permanent', 12, 'no', 'refused'), ('{{id}}', 2, 2, 'w', now(), null, null, null, null, null, null, null)
            """);
        return id.ToString();
    }
}
