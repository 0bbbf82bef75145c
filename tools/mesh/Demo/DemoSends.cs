using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using WhatsAppMesh.Dispatch.V1;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Demo;

/// <summary>
/// Fifth part of the demo: what automations send, counted at the broker. The broker is one that does not remember keys, the harder case:
/// what may have been sent is never sent again by itself.
/// </summary>
internal sealed class DemoSends(MeshInstance mesh, MeshClient client, DemoVerdicts verdicts) : IDisposable
{
    private const string Stage = "proposta";
    private const string Trigger = "pedidos";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly HttpClient _door = new() { BaseAddress = mesh.Service("edge").HttpAddress };
    private readonly HttpClient _broker = new() { BaseAddress = mesh.BrokerAddress };
    private readonly string _run = Guid.NewGuid().ToString("N")[..8];

    private static string CrmKey { get; } = RandomNumberGenerator.GetHexString(32);

    private static string TriggerSecret { get; } = RandomNumberGenerator.GetHexString(32);

    /// <summary>What the demo's mesh is told: a CRM and a trigger may post, and retries come within seconds.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Environment { get; } = new Dictionary<string, IReadOnlyDictionary<string, string>>
    {
        ["edge"] = new Dictionary<string, string>
        {
            ["Edge__Crm__0__Name"] = "demo",
            ["Edge__Crm__0__Tenant"] = DemoCast.Tenant,
            ["Edge__Crm__0__Secrets__0__Id"] = "demo",
            ["Edge__Crm__0__Secrets__0__Value"] = CrmKey,
            ["Edge__Triggers__0__Name"] = Trigger,
            ["Edge__Triggers__0__Tenant"] = DemoCast.Tenant,
            ["Edge__Triggers__0__Secrets__0__Id"] = "demo",
            ["Edge__Triggers__0__Secrets__0__Value"] = TriggerSecret,
        },
        ["dispatch"] = new Dictionary<string, string>
        {
            ["Dispatch__Sending__Idempotency"] = "None",
            ["Dispatch__Sending__RetryDelays__0"] = "00:00:01",
            ["Dispatch__Sending__RetryDelays__1"] = "00:00:02",
        },
    };

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        verdicts.Heading("What is sent, as the broker saw it");
        await SaveAsync(new JsonObject { ["kind"] = "stage_changed", ["stage_id"] = Stage }, null, "Oi {{lead.name|cliente}}, sua proposta saiu.", cancellationToken);
        await SaveAsync(new JsonObject { ["kind"] = "trigger_fired", ["trigger_id"] = Trigger }, "{{trigger.phone}}", "Pedido {{trigger.order}} confirmado.", cancellationToken);
        await LeadAsync(cancellationToken);
        await TriggerAsync(cancellationToken);
        await RetriedAsync(cancellationToken);
        await ReplayedAsync(cancellationToken);
        await InDoubtAsync(cancellationToken);
        using var counts = JsonDocument.Parse(await _broker.GetStringAsync("/sim/counts", cancellationToken));
        verdicts.Check(counts.RootElement.GetProperty("doubled").GetInt32() == 0, $"the broker sent {counts.RootElement.GetProperty("sent")} messages, none of them twice");
    }

    public void Dispose()
    {
        _door.Dispose();
        _broker.Dispose();
    }

    private async Task LeadAsync(CancellationToken cancellationToken)
    {
        var lead = await MoveAsync("ana", cancellationToken);
        await MoveAsync("ana", cancellationToken);
        var sent = await EndAsync(lead, "sent", cancellationToken);
        var seen = await SeenAsync(sent?.IdempotencyKey, cancellationToken);
        verdicts.Check(seen.Count == 1, $"a lead moves to '{Stage}', told twice: {seen.Count} message, \"{TextOf(seen)}\"");
    }

    private async Task TriggerAsync(CancellationToken cancellationToken)
    {
        var body = Encoding.UTF8.GetBytes($$"""{"idempotency_key":"{{_run}}","phone":"5500900000102","order":17}""");
        for (var again = 0; again < 2; again++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/triggers/{Trigger}/webhook") { Content = Json(body) };
            request.Headers.Add("X-Webhook-Signature", Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(TriggerSecret), body)));
            using var answer = await _door.SendAsync(request, cancellationToken);
            verdicts.Check(answer.StatusCode == HttpStatusCode.OK, $"a trigger is called: {(int)answer.StatusCode}");
        }

        var sent = await EndAsync(Trigger, "sent", cancellationToken);
        var seen = await SeenAsync(sent?.IdempotencyKey, cancellationToken);
        verdicts.Check(seen.Count == 1, $"called twice under one key: {seen.Count} message, \"{TextOf(seen)}\"");
    }

    private async Task RetriedAsync(CancellationToken cancellationToken)
    {
        await FaultAsync("""[{"status":429,"retry_after":1}]""", cancellationToken);
        var sent = await EndAsync(await MoveAsync("bia", cancellationToken), "sent", cancellationToken);
        verdicts.Check(
            sent is { Attempts.Count: 2 } && sent.Attempts[0].BrokerStatus == 429,
            $"the broker is busy (429): attempts {string.Join(", ", sent?.Attempts.Select(static one => one.BrokerStatus) ?? [])}, then {sent?.Status}");
    }

    private async Task ReplayedAsync(CancellationToken cancellationToken)
    {
        await FaultAsync("""[{"status":400}]""", cancellationToken);
        var failed = await EndAsync(await MoveAsync("caio", cancellationToken), "failed", cancellationToken);
        if (!verdicts.Check(failed is { Category: "permanent" }, $"the broker refuses (400): {failed?.Status}, {failed?.Category}; it waits for a decision"))
            return;
        var replay = await client.Dispatch.ReplayExecutionAsync(
            new ReplayExecutionRequest { Tenant = DemoCast.Tenant, Id = failed!.Id, Reason = "the broker is fixed", RequestedBy = "demo" }, cancellationToken: cancellationToken);
        var sent = await StateAsync(replay.NewExecutionId, "sent", cancellationToken);
        verdicts.Check(sent?.Status == "sent", $"replayed: {sent?.Status}");
    }

    private async Task InDoubtAsync(CancellationToken cancellationToken)
    {
        await FaultAsync("""[{"accept":true,"end":"reset"}]""", cancellationToken);
        var doubt = await EndAsync(await MoveAsync("davi", cancellationToken), "in_doubt", cancellationToken);
        if (!verdicts.Check(doubt is not null, $"the connection breaks after the message left: {doubt?.Status}, and nothing is sent again"))
            return;
        await client.Dispatch.ResolveExecutionAsync(
            new ResolveExecutionRequest { Tenant = DemoCast.Tenant, Id = doubt!.Id, WasSent = true, Reason = "seen on the phone", RequestedBy = "demo" },
            cancellationToken: cancellationToken);
        var seen = await SeenAsync(doubt.IdempotencyKey, cancellationToken);
        var now = await StateAsync(doubt.Id, "sent", cancellationToken);
        verdicts.Check(now?.Status == "sent" && seen.Count == 1, $"somebody looks at the phone and says so: {now?.Status}; the broker saw it {seen.Count} time");
    }

    private async Task SaveAsync(JsonObject trigger, string? to, string text, CancellationToken cancellationToken)
    {
        var definition = new JsonObject
        {
            ["name"] = "demo",
            ["trigger"] = trigger,
            ["steps"] = new JsonArray(new JsonObject
            {
                ["step_id"] = "first",
                ["delay"] = "PT0S",
                ["instance_id"] = "demo",
                ["message"] = new JsonObject { ["to"] = to, ["content"] = text },
            }),
        };
        var saved = await client.Dispatch.CreateAutomationAsync(
            new CreateAutomationRequest { Tenant = DemoCast.Tenant, DefinitionJson = definition.ToJsonString() }, cancellationToken: cancellationToken);
        verdicts.Line($"automation {saved.Id}: {text}");
    }

    /// <summary>A CRM tells that a lead has come into the stage.</summary>
    private async Task<string> MoveAsync(string name, CancellationToken cancellationToken)
    {
        var lead = $"{name}-{_run}";
        var body = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["stage_id"] = Stage, ["name"] = name, ["phone"] = "5500900000101" });
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/leads/{lead}/stage") { Content = Json(body) };
        request.Headers.Add("X-API-Key", CrmKey);
        request.Headers.Add("Idempotency-Key", lead);
        using var answer = await _door.SendAsync(request, cancellationToken);
        if (answer.StatusCode != HttpStatusCode.Accepted)
            verdicts.Check(false, $"the door answers a lead with {(int)answer.StatusCode}");
        return lead;
    }

    /// <summary>Waits for the execution of an entity to come to a status, and shows it with its attempts.</summary>
    private async Task<Execution?> EndAsync(string entity, string status, CancellationToken cancellationToken)
    {
        var request = new ListExecutionsRequest { Tenant = DemoCast.Tenant, Entity = entity };
        var page = await Eventually.AskAsync(
            () => client.Dispatch.ListExecutionsAsync(request, cancellationToken: cancellationToken).ResponseAsync,
            found => found.Executions.Any(one => one.Status == status), Patience, cancellationToken);
        return page?.Executions.FirstOrDefault(one => one.Status == status) is { } found ? await StateAsync(found.Id, status, cancellationToken) : null;
    }

    private async Task<Execution?> StateAsync(string id, string status, CancellationToken cancellationToken) => await Eventually.AskAsync(
        () => client.Dispatch.GetExecutionAsync(new GetExecutionRequest { Tenant = DemoCast.Tenant, Id = id }, cancellationToken: cancellationToken).ResponseAsync,
        one => one.Status == status, Patience, cancellationToken);

    private async Task FaultAsync(string json, CancellationToken cancellationToken)
    {
        using var answer = await _broker.PostAsync("/sim/faults", Json(Encoding.UTF8.GetBytes(json)), cancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Bodies of the messages that the broker sent under a key.</summary>
    private async Task<List<string>> SeenAsync(string? key, CancellationToken cancellationToken)
    {
        if (key is null)
            return [];
        using var seen = JsonDocument.Parse(await _broker.GetStringAsync(string.Create(CultureInfo.InvariantCulture, $"/sim/sends?key={key}"), cancellationToken));
        return [.. seen.RootElement.EnumerateArray().Where(static one => one.GetProperty("verdict").GetString() == "sent").Select(static one => one.GetProperty("body").GetString()!)];
    }

    private static string TextOf(List<string> bodies) =>
        bodies.Count == 0 ? "" : JsonNode.Parse(bodies[0])?["message"]?.ToString() ?? "";

    private static ByteArrayContent Json(byte[] body) => new(body) { Headers = { ContentType = new("application/json") } };
}
