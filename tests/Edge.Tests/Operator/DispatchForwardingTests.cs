using System.Text.Json;
using Microsoft.AspNetCore.Http;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests.Operator;

/// <summary>What is forwarded to dispatch, and what is not.</summary>
public sealed class DispatchForwardingTests
{
    [Fact]
    public async Task A_request_goes_through_the_sidecar_with_who_asks_and_without_the_client_s_credentials()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        using var request = OperatorUnderTest.Request("POST", "/api/whatsapp/instances/i-1/messages?tenant=acme", OperatorUnderTest.Acme, """{"to":"1"}""");
        foreach (var header in (string[])["mesh-tenant", "mesh-role", "mesh-key", "dapr-api-token", "dapr-app-id", "Cookie", "X-Forwarded-For", "Forwarded", "X-Mesh-Token", "X-Anything"])
            request.Headers.TryAddWithoutValidation(header, "forged");
        request.Headers.TryAddWithoutValidation("Idempotency-Key", "key-1");
        request.Headers.TryAddWithoutValidation("Connection", "X-Anything");
        using var answer = await api.Edge.Client.SendAsync(request);
        Assert.Equal(202, (int)answer.StatusCode);

        var arrived = Assert.Single(api.Forwarded);
        Assert.Equal("/v1.0/invoke/dispatch/method/api/whatsapp/instances/i-1/messages", arrived.Target);
        Assert.Equal("""{"to":"1"}""", arrived.Text);
        Assert.Equal(("acme", "operator", "acme-operator"), (arrived["mesh-tenant"], arrived["mesh-role"], arrived["mesh-key"]));
        Assert.Equal((OperatorUnderTest.SidecarToken, "key-1", "application/json"), (arrived["dapr-api-token"], arrived["Idempotency-Key"], arrived["Content-Type"]));
        string[] known = ["mesh-tenant", "mesh-role", "mesh-key", "dapr-api-token", "Idempotency-Key", "Content-Type", "Content-Length", "Host", "traceparent", "tracestate"];
        Assert.Empty(arrived.Headers.Keys.Except(known, StringComparer.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_query_is_sent_on_as_it_was_meant()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        using var answer = await api.SendAsync("GET", "/api/executions?status=failed,in_doubt&entity=a%26tenant%3Db&tenant=acme", OperatorUnderTest.Acme);
        Assert.Equal("/v1.0/invoke/dispatch/method/api/executions?status=failed,in_doubt&entity=a%26tenant%3Db", Assert.Single(api.Forwarded).Target.Replace("%2C", ",", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/api/executions/..%2f..%2fdead-letters")]
    [InlineData("/api/executions/%252e%252e")]
    [InlineData("/api/executions/a%3Fb")]
    [InlineData("/api/executions/a%23b")]
    [InlineData("/api/executions/a%5Cb")]
    public async Task No_id_reaches_into_another_path(string target)
    {
        await using var api = await OperatorUnderTest.StartAsync();
        await using var raw = await RawConnection.OpenAsync(api.Edge);
        await raw.SendAsync($"GET {target} HTTP/1.1\r\nHost: x\r\nX-API-Key: {OperatorUnderTest.KeyOf(OperatorUnderTest.Acme)}\r\n\r\n");
        Assert.Equal(404, await raw.ReadStatusAsync());
        Assert.Empty(api.Forwarded);
    }

    [Fact]
    public async Task Dispatch_s_own_answers_come_back_as_they_are()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        api.Dispatch.Answer = static context =>
        {
            context.Response.Headers.RetryAfter = "41";
            context.Response.Headers["X-Internal"] = "no";
            return ProblemAsync(context, 429, """{"code":"rate_limited","retry_after_seconds":41}""");
        };
        using var answer = await api.SendAsync("POST", "/api/executions/e-1/replay", OperatorUnderTest.Acme);
        Assert.Equal(429, (int)answer.StatusCode);
        Assert.Equal(41, answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds);
        Assert.False(answer.Headers.Contains("X-Internal"));
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Assert.Equal(41, json.RootElement.GetProperty("retry_after_seconds").GetInt32());
    }

    [Theory]
    [InlineData(403, "forbidden")]
    [InlineData(409, "INSTANCE_DISCONNECTED")]
    [InlineData(502, "BROKER_AUTH")]
    [InlineData(503, "CIRCUIT_BREAKER_OPEN")]
    [InlineData(504, "BROKER_TIMEOUT")]
    public async Task A_problem_is_dispatch_s_own_whatever_its_status(int status, string code)
    {
        await using var api = await OperatorUnderTest.StartAsync();
        api.Dispatch.Answer = context => ProblemAsync(context, status, $$"""{"status":{{status}},"code":"{{code}}","error":"why"}""");
        await api.RefusedAsync("GET", "/api/whatsapp/instances/i-1/status", OperatorUnderTest.Acme, status, code);
    }

    // 401: dispatch does not know edge's sidecar. The others: a sidecar could not reach dispatch, or may not.
    [Theory]
    [InlineData(401, "application/problem+json")]
    [InlineData(403, "application/json")]
    [InlineData(429, "application/json")]
    [InlineData(500, "application/json")]
    [InlineData(502, "application/json")]
    [InlineData(503, "text/plain")]
    public async Task An_answer_that_is_not_dispatch_s_own_is_503(int status, string type)
    {
        await using var api = await OperatorUnderTest.StartAsync();
        api.Dispatch.Answer = context =>
        {
            (context.Response.StatusCode, context.Response.ContentType) = (status, type);
            return Task.CompletedTask;
        };
        await api.RefusedAsync("GET", "/api/executions", OperatorUnderTest.Acme, 503, "unavailable");
    }

    [Fact]
    public async Task A_path_that_this_dispatch_does_not_have_is_404()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        api.Dispatch.Answer = static context =>
        {
            context.Response.StatusCode = 404;
            return Task.CompletedTask;
        };
        await api.RefusedAsync("GET", "/api/executions", OperatorUnderTest.Acme, 404, "not_found");
    }

    [Fact]
    public async Task A_body_that_is_no_json_or_belongs_to_no_body_goes_nowhere()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        await (await api.SendAsync("POST", "/api/automations", OperatorUnderTest.Acme, "a=b", "application/x-www-form-urlencoded")).IsProblemAsync(415, "unsupported_media_type");
        await api.RefusedAsync("DELETE", "/api/automations/a-1", OperatorUnderTest.Acme, 400, "invalid_argument", "{}");
        Assert.Empty(api.Forwarded);
    }

    [Fact]
    public async Task A_body_where_none_may_be_is_refused_before_it_has_come()
    {
        await using var api = await OperatorUnderTest.StartAsync(new() { ["Edge:Limits:MinBodyBytesPerSecond"] = "0" });
        await using var raw = await RawConnection.OpenAsync(api.Edge);
        await raw.SendAsync($"GET /api/executions HTTP/1.1\r\nHost: x\r\nX-API-Key: {OperatorUnderTest.KeyOf(OperatorUnderTest.Acme)}\r\nContent-Length: 1000000\r\n\r\n{{");
        Assert.Equal(400, await raw.ReadStatusAsync());
    }

    [Fact]
    public async Task A_dispatch_that_hangs_takes_operators_places_and_no_collector_s()
    {
        await using var api = await OperatorUnderTest.StartAsync(new() { ["Edge:Operator:ConcurrentRequests"] = "2", ["Edge:Limits:ConcurrentBodies"] = "2" });
        var hanging = new TaskCompletionSource();
        api.Dispatch.Answer = async context =>
        {
            await hanging.Task;
            await FakeIngest.AnswerAsync(context, 200, "{}");
        };
        var waiting = Enumerable.Range(0, 2).Select(_ => api.SendAsync("GET", "/api/executions", OperatorUnderTest.Acme)).ToList();
        await Answers.EventuallyAsync(() => Task.FromResult(api.Forwarded.Count == 2), "both are on their way");

        await api.RefusedAsync("GET", "/api/executions", OperatorUnderTest.Acme, 429, "rate_limited");
        await api.Edge.AcceptedAsync(Signing.SignedV2());
        hanging.SetResult();
        foreach (var answer in await Task.WhenAll(waiting))
            Assert.Equal(200, (int)answer.StatusCode);
    }

    private static Task ProblemAsync(HttpContext context, int status, string json)
    {
        (context.Response.StatusCode, context.Response.ContentType) = (status, "application/problem+json");
        return context.Response.WriteAsync(json);
    }
}
