using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.Dispatch;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>Settings that dispatch cannot start with.</summary>
public sealed class StartTests
{
    [Fact]
    public async Task An_unknown_mode_stops_the_start_with_a_sentence_and_http_and_a_restart_cure_it()
    {
        await using var world = await SendWorld.StartAsync();
        await using (var wrong = WorkerProcess.Start(world.Settings(("WHATSAPP_MODE", "pigeon"))))
        {
            Assert.Equal(1, await wrong.EndedAsync());
            Assert.Equal(
                ["dispatch cannot start with these settings:", "  WHATSAPP_MODE is 'pigeon': it must be http, dryrun or disabled."],
                wrong.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }

        await using var right = WorkerProcess.Start(world.Settings(("WHATSAPP_MODE", "http")));
        await Eventually.TrueAsync(
            async () => await world.ScalarAsync<string>("select to_regclass('jobs')::text") is not null, "the tables are there");
        var job = (await world.AddJobsAsync(1))[0];
        await world.UntilAsync(job, "sent");
        Assert.Equal(1, world.Broker.Sends.Count().Sent);
    }

    [Fact]
    public void Whatever_is_wrong_in_any_section_is_told_at_once()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["APP_PORT"] = "0",
            ["HTTP_PORT"] = "0",
            ["WHATSAPP_MODE"] = "pigeon",
            ["Dispatch:SendWatermark"] = "0",
            ["Dispatch:Claims:Store"] = " ",
            ["Dispatch:Sending:CallTimeout"] = "soon",
            ["Deliveries:BatchSize"] = "0",
        });
        builder.AddMeshHosting("dispatch");

        var refused = Assert.Throws<SettingsException>(() => builder.AddDispatch());

        Assert.All(
            [
                "WHATSAPP_MODE", "Dispatch:SendWatermark", "Dispatch:Claims:Store", "Dispatch:Sending:CallTimeout", "Deliveries:BatchSize",
                "ConnectionStrings:Database",
            ],
            key => Assert.Contains(key, refused.Message, StringComparison.Ordinal));
    }
}
