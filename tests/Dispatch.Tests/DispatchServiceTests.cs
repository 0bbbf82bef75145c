using Grpc.Core;
using Grpc.Net.Client;
using WhatsAppMesh.Dispatch.Tests.Driving;
using WhatsAppMesh.Dispatch.V1;

namespace WhatsAppMesh.Dispatch.Tests;

/// <summary>The same functions over gRPC, for services.</summary>
public sealed class DispatchServiceTests : IAsyncLifetime
{
    private const string Definition = """
        {"name":"Welcome","trigger":{"kind":"stage_changed","stage_id":"offer"},"steps":[{"step_id":"a","delay":"PT1M","instance_id":"sales","message":{"content":"Hi"}}]}
        """;

    private DispatchProcess _dispatch = null!;
    private GrpcChannel _channel = null!;
    private V1.Dispatch.DispatchClient _client = null!;
    private Metadata _headers = null!;

    public async Task InitializeAsync()
    {
        _dispatch = await DispatchProcess.StartAsync();
        _channel = GrpcChannel.ForAddress(_dispatch.AppAddress);
        _client = new V1.Dispatch.DispatchClient(_channel);
        _headers = new Metadata { { "dapr-api-token", DispatchProcess.Token } };
    }

    public async Task DisposeAsync()
    {
        _channel.Dispose();
        await _dispatch.DisposeAsync();
    }

    [Fact]
    public async Task An_automation_is_saved_changed_listed_and_deleted()
    {
        var saved = await _client.CreateAutomationAsync(new CreateAutomationRequest { Tenant = "acme", DefinitionJson = Definition }, _headers);
        Assert.Equal(1, saved.Version);
        var changed = await _client.UpdateAutomationAsync(
            new UpdateAutomationRequest { Tenant = "acme", Id = saved.Id, Version = 1, DefinitionJson = saved.DefinitionJson.Replace("Welcome", "Second", StringComparison.Ordinal) }, _headers);
        Assert.Equal(2, changed.Version);
        Assert.Contains("Second", Assert.Single((await _client.ListAutomationsAsync(new ListAutomationsRequest { Tenant = "acme" }, _headers)).Automations).DefinitionJson, StringComparison.Ordinal);
        await RefusedAsync(StatusCode.Aborted, "version", () => _client.UpdateAutomationAsync(
            new UpdateAutomationRequest { Tenant = "acme", Id = saved.Id, Version = 1, DefinitionJson = Definition }, _headers).ResponseAsync);
        await _client.DeleteAutomationAsync(new DeleteAutomationRequest { Tenant = "acme", Id = saved.Id }, _headers);
        await RefusedAsync(StatusCode.NotFound, "id", () => _client.GetAutomationAsync(new GetAutomationRequest { Tenant = "acme", Id = saved.Id }, _headers).ResponseAsync);
    }

    [Fact]
    public async Task Errors_name_the_field()
    {
        await RefusedAsync(StatusCode.InvalidArgument, "name: is required; steps: must be a list", () => _client.CreateAutomationAsync(
            new CreateAutomationRequest { Tenant = "acme", DefinitionJson = """{"trigger":{"kind":"stage_changed","stage_id":"x"}}""" }, _headers).ResponseAsync);
        await RefusedAsync(StatusCode.InvalidArgument, "definition_json", () => _client.CreateAutomationAsync(new CreateAutomationRequest { Tenant = "acme" }, _headers).ResponseAsync);
        await RefusedAsync(StatusCode.InvalidArgument, "tenant", () => _client.GetStatsAsync(new GetStatsRequest(), _headers).ResponseAsync);
        await RefusedAsync(StatusCode.InvalidArgument, "window_days", () => _client.GetStatsAsync(new GetStatsRequest { Tenant = "acme", WindowDays = 366 }, _headers).ResponseAsync);
        await RefusedAsync(StatusCode.InvalidArgument, "NUL", () => _client.GetStatsAsync(new GetStatsRequest { Tenant = "a\0" }, _headers).ResponseAsync);
        await RefusedAsync(StatusCode.InvalidArgument, "page_token", () => _client.ListExecutionsAsync(new ListExecutionsRequest { Tenant = "acme", PageToken = "!" }, _headers).ResponseAsync);
        await RefusedAsync(StatusCode.InvalidArgument, "id", () => _client.GetRunAsync(new GetRunRequest { Tenant = "acme", Id = "x" }, _headers).ResponseAsync);
        await RefusedAsync(StatusCode.Unauthenticated, "", () => _client.GetStatsAsync(new GetStatsRequest { Tenant = "acme" }).ResponseAsync);
    }

    [Fact]
    public async Task What_forbids_a_decision_has_a_status_of_its_own()
    {
        var id = Guid.CreateVersion7().ToString();
        await _dispatch.Database.ExecuteAsync($$"""
            insert into jobs (id, tenant, key, send_key, kind, entity, occurrence, instance_id, message, subject, status, due_at, next_attempt_at, created_at, updated_at, finished_at)
            values ('{{id}}', 'acme', 'k', 'k', 'automation', '42', 'x', 'sales', '{"content":"Hi"}', '{}', 'in_doubt', now(), now(), now(), now(), now())
            """);
        await RefusedAsync(StatusCode.InvalidArgument, "reason", () => _client.ResolveExecutionAsync(new ResolveExecutionRequest { Tenant = "acme", Id = id }, _headers).ResponseAsync);
        await _client.ResolveExecutionAsync(new ResolveExecutionRequest { Tenant = "acme", Id = id, Reason = "asked" }, _headers);
        await RefusedAsync(StatusCode.FailedPrecondition, "failed_retryable", () => _client.ResolveExecutionAsync(
            new ResolveExecutionRequest { Tenant = "acme", Id = id, Reason = "asked" }, _headers).ResponseAsync);
        var replay = await _client.ReplayExecutionAsync(new ReplayExecutionRequest { Tenant = "acme", Id = id }, _headers);
        Assert.Equal(id, (await _client.GetExecutionAsync(new GetExecutionRequest { Tenant = "acme", Id = replay.NewExecutionId }, _headers)).ReplayOf);
        await RefusedAsync(StatusCode.ResourceExhausted, "", () => _client.ReplayExecutionAsync(new ReplayExecutionRequest { Tenant = "acme", Id = id }, _headers).ResponseAsync);
        await RefusedAsync(StatusCode.NotFound, "", () => _client.ReplayExecutionAsync(new ReplayExecutionRequest { Tenant = "other", Id = id }, _headers).ResponseAsync);
    }

    private static async Task RefusedAsync(StatusCode status, string says, Func<Task> call)
    {
        var refusal = await Assert.ThrowsAnyAsync<RpcException>(call);
        Assert.Equal(status, refusal.StatusCode);
        Assert.Contains(says, refusal.Status.Detail, StringComparison.Ordinal);
    }
}
