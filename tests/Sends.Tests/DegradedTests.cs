using System.Net;
using System.Text.Json.Nodes;
using WhatsAppMesh.Libs.Tests.Scraping;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>A dispatch whose sidecar does not let it work: it says so wherever an operator looks, loses no job, and sends when it can.</summary>
public sealed class DegradedTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("state.postgresql")]
    [InlineData("state.redis")]
    public async Task A_store_without_its_table_is_told_everywhere_and_jobs_are_sent_when_it_is_back(string stateType)
    {
        await using var world = await SendWorld.StartAsync(stateType);
        await world.ExecuteAtSidecarAsync("alter table sidecar.state rename to hidden");
        var logs = new SeenLogs();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings(), services => services.AddLogging(all => all.AddProvider(logs).AddFilter<SeenLogs>(null, LogLevel.Information)));
        using var measured = new HostMeasurements(dispatch);
        await world.AddJobsAsync(20);

        var reason = await ReasonAsync(dispatch, "claims");
        Assert.StartsWith("Claims cannot be written or read in the state store 'claims', so due jobs wait (", reason, StringComparison.Ordinal);
        // Again and again, and said once.
        await UntilAsync(() => Task.FromResult(measured.Counted("mesh_claim_calls_total", "result=\"failed\"") >= 3));
        Assert.Equal(1, measured.Gauge("mesh_dependency_degraded{dependency=\"claims\"}"));
        Assert.Single(Told(logs, "claims"), static line => line.StartsWith("Degraded", StringComparison.Ordinal));
        Assert.Equal(20, (await world.CountAsync())["pending"]);

        await world.ExecuteAtSidecarAsync("alter table sidecar.hidden rename to state");
        await world.DrainedAsync(Patience);

        Assert.Equal(20, (await world.CountAsync())["sent"]);
        await HealthyAsync(dispatch);
        Assert.Single(Told(logs, "claims"), static line => line.StartsWith("No longer degraded", StringComparison.Ordinal));
        Assert.Equal(0, measured.Gauge("mesh_dependency_degraded{dependency=\"claims\"}"));
    }

    [Fact]
    public async Task A_store_that_there_is_not_is_told_and_another_start_with_the_right_name_sends()
    {
        await using var world = await SendWorld.StartAsync();
        await using (var wrong = await RunningDispatch.StartAsync(world.Settings(("Dispatch:Claims:Store", "nowhere"))))
        {
            await world.AddJobsAsync(5);

            Assert.Contains("state store 'nowhere'", await ReasonAsync(wrong, "claims"), StringComparison.Ordinal);
            Assert.Equal(5, (await world.CountAsync())["pending"]);
        }

        await using var right = await RunningDispatch.StartAsync(world.Settings());
        await world.DrainedAsync(Patience);
        Assert.Equal(5, (await world.CountAsync())["sent"]);
    }

    [Fact]
    public async Task A_token_that_the_sidecar_refuses_is_told_with_its_code()
    {
        await using var world = await SendWorld.StartAsync();
        var logs = new SeenLogs();
        await using var dispatch = await RunningDispatch.StartAsync(
            world.Settings(("DAPR_API_TOKEN", "a-token-of-before")), services => services.AddLogging(all => all.AddProvider(logs)));
        await world.AddJobsAsync(5);

        Assert.EndsWith("(unauthenticated).", await ReasonAsync(dispatch, "broker key"), StringComparison.Ordinal);
        Assert.EndsWith("(401).", await ReasonAsync(dispatch, "sidecar metadata"), StringComparison.Ordinal);
        Assert.Equal(5, (await world.CountAsync())["pending"]);
        Assert.DoesNotContain(logs.Lines, static line => line.Text.Contains("a-token-of-before", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_token_that_is_refused_for_claims_alone_is_told_with_its_code()
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(
            world.Settings(("DAPR_API_TOKEN", "a-token-of-before"), ("Dispatch:Sending:Mode", "dryrun")));
        using var measured = new HostMeasurements(dispatch);
        await world.AddJobsAsync(5);

        Assert.EndsWith("(unauthenticated).", await ReasonAsync(dispatch, "claims"), StringComparison.Ordinal);
        await UntilAsync(() => Task.FromResult(measured.Counted("mesh_claim_calls_total{call=\"create\",code=\"unauthenticated\",result=\"failed\"}") > 0));
    }

    private static IEnumerable<string> Told(SeenLogs logs, string dependency) =>
        logs.OfDependencies.Where(line => line.Contains($" {dependency}:", StringComparison.Ordinal));

    /// <summary>Waits until both probes say that a dependency fails, with status 200, and gives the reason.</summary>
    private static async Task<string> ReasonAsync(RunningDispatch dispatch, string dependency)
    {
        JsonNode? ready = null;
        await UntilAsync(async () => (ready = await ProbeAsync(dispatch, "/readyz"))["degraded"]?[dependency] is not null);
        Assert.Equal("degraded", ready!["status"]!.GetValue<string>());
        Assert.Equal("ok", ready["checks"]!["database"]!.GetValue<string>());
        var health = await ProbeAsync(dispatch, "/healthz");
        Assert.Equal("degraded", health["status"]!.GetValue<string>());
        Assert.NotNull(health["degraded"]![dependency]);
        Assert.NotNull(health["whatsapp"]!["runtime"]);
        return ready["degraded"]![dependency]!.GetValue<string>();
    }

    private static async Task HealthyAsync(RunningDispatch dispatch)
    {
        await UntilAsync(async () => (await ProbeAsync(dispatch, "/readyz"))["degraded"]?["claims"] is null);
        Assert.Null((await ProbeAsync(dispatch, "/healthz"))["degraded"]?["claims"]);
    }

    private static async Task<JsonNode> ProbeAsync(RunningDispatch dispatch, string path)
    {
        using var answer = await dispatch.Http.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!await isSo())
        {
            if (TimeProvider.System.GetElapsedTime(start) > Patience)
                throw new TimeoutException("it did not become so");
            await Task.Delay(50);
        }
    }
}
