using System.Text.Json.Nodes;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests.Operator;

/// <summary>What edge's /healthz tells of dispatch.</summary>
public sealed class HealthTests
{
    [Fact]
    public async Task Health_carries_what_dispatch_says_of_its_sending_and_nothing_else_of_it()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        api.Dispatch.Answer = static context => FakeIngest.AnswerAsync(
            context, 200, """{"status":"ok","whatsapp":{"runtime":{"mode":"sidecar","transport":"http","status":"running","disabled":false,"metrics":{"in_flight":1,"sent":7,"failed":2,"waiting":3,"oldest":41},"token":"t"}}}""");
        await using var edge = await EdgeUnderTest.StartAsync(new() { ["DAPR_HTTP_ENDPOINT"] = api.Dispatch.Address.ToString() }, api.Edge.Ingest);
        await Answers.EventuallyAsync(async () => (await HealthAsync(edge))["whatsapp"] is not null, "dispatch has been asked");
        var runtime = (await HealthAsync(edge))["whatsapp"]!["runtime"]!.AsObject();
        Assert.Equal(["mode", "transport", "status", "disabled", "metrics"], runtime.Select(static member => member.Key));
        Assert.Equal(("sidecar", "http"), (runtime["mode"]!.GetValue<string>(), runtime["transport"]!.GetValue<string>()));
        Assert.Equal(
            [1, 7, 2, 3, 41], ((string[])["in_flight", "sent", "failed", "waiting", "oldest"]).Select(name => runtime["metrics"]![name]!.GetValue<int>()));
    }

    [Fact]
    public async Task Health_without_dispatch_is_degraded_and_the_process_alive()
    {
        await using var edge = await EdgeUnderTest.StartAsync(new() { ["DAPR_HTTP_ENDPOINT"] = "http://127.0.0.1:1" });
        await Answers.EventuallyAsync(async () => (await HealthAsync(edge))["degraded"]?["dispatch health"] is not null, "dispatch has been asked for");
        var health = await HealthAsync(edge);
        Assert.Equal("degraded", health["status"]!.GetValue<string>());
        Assert.EndsWith("(no_connection).", health["degraded"]!["dispatch health"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.False(health.ContainsKey("whatsapp"));
        await edge.Ingest.DisposeAsync();
    }

    private static async Task<JsonObject> HealthAsync(EdgeUnderTest edge) => JsonNode.Parse(await edge.Client.GetStringAsync("/healthz"))!.AsObject();
}
