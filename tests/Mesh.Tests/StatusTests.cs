using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using WhatsAppMesh.Mesh.Commands;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Tests;

/// <summary>What <c>./mesh status</c> makes of what processes say.</summary>
public sealed class StatusTests : IDisposable
{
    private const string Ok = """{"status":"ready","checks":{"database":"ok"}}""";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-tests-");

    private static ProcessIdentity Gone => ProcessIdentity.Own with { Started = 1 };

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(200, Ok, "ready", null)]
    [InlineData(200, "ok", "ready", null)]
    [InlineData(200, "[1]", "ready", null)]
    [InlineData(
        200, """{"status":"degraded","checks":{"database":"ok"},"degraded":{"claims":"Claims cannot be written (403)."}}""", "degraded", "claims: Claims cannot be written (403).")]
    [InlineData(200, """{"status":"degraded","checks":{"claims":"They cannot be read."}}""", "degraded", "claims: They cannot be read.")]
    [InlineData(200, """{"status":"degraded","degraded":["claims"]}""", "degraded", "no reason is given")]
    [InlineData(503, """{"status":"not ready","checks":{"database":"It does not answer.","sidecar":"ok"}}""", "answers 503 (database: It does not answer.)", null)]
    [InlineData(500, "<html>", "answers 500", null)]
    public async Task A_service_is_what_it_says_it_is_and_why(int code, string body, string status, string? reason)
    {
        await using var service = await AnsweringAsync(code, body);

        var answer = await AskAsync([new("edge", ProcessIdentity.Own, "edge.log")], [Service("edge", service.Address, service.Address)]);

        var edge = Assert.Single(answer.Processes);
        Assert.Equal((status, reason, service.Address), (edge.Status, edge.Reason, edge.Address));
        Assert.Equal(status == "ready", answer.AllReady);
    }

    [Fact]
    public async Task Every_kind_of_process_has_its_row()
    {
        await using var ready = await AnsweringAsync(200, Ok);
        await using var sidecar = await AnsweringAsync(204, "");
        var nobody = new Uri($"http://127.0.0.1:{Ports.Free(1)[0]}");

        var answer = await AskAsync(
            [
                new("edge", ProcessIdentity.Own, "edge.log"),
                new("edge.sidecar", ProcessIdentity.Own, "edge.sidecar.log"),
                new("ingest", Gone, "ingest.log"),
                new("ingest.sidecar", ProcessIdentity.Own, "ingest.sidecar.log"),
                new(LocalBroker.Name, ProcessIdentity.Own, "broker.log", new Uri(ready.Address, LocalBroker.HealthPath)),
                new("something-new", ProcessIdentity.Own, "new.log"),
                new("something-old", Gone, "old.log"),
            ],
            [Service("edge", ready.Address, sidecar.Address), Service("ingest", ready.Address, nobody)]);

        Assert.Equal(
            [
                ("edge", "ready", ready.Address), ("edge.sidecar", "ready", sidecar.Address), ("ingest", "gone", ready.Address), ("ingest.sidecar", "does not listen yet", nobody),
                (LocalBroker.Name, "ready", ready.Address), ("something-new", "runs", (Uri?)null), ("something-old", "gone", null),
            ],
            answer.Processes.Select(static p => (p.Name, p.Status, p.Address)));
        Assert.True(answer.Up);
        Assert.False(answer.AllReady);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_command_ends_well_only_while_everything_is_well(bool json)
    {
        await using var ready = await AnsweringAsync(200, Ok);
        var folder = new MeshFolder(_folder.FullName);
        var broker = new ProcessEntry(LocalBroker.Name, ProcessIdentity.Own, "broker.log", new Uri(ready.Address, LocalBroker.HealthPath));
        var well = new MeshState { Launcher = ProcessIdentity.Own, Processes = [broker, new("something-new", ProcessIdentity.Own, "new.log")], Services = [] };

        Assert.Equal(ExitCodes.Failed, await StatusCommand.RunAsync(folder, json, default));
        well.Save(folder);
        Assert.Equal(ExitCodes.Ok, await StatusCommand.RunAsync(folder, json, default));
        (well with { Launcher = Gone }).Save(folder);
        Assert.Equal(ExitCodes.Failed, await StatusCommand.RunAsync(folder, json, default));
        (well with { Processes = [.. well.Processes, broker with { Identity = Gone }] }).Save(folder);
        Assert.Equal(ExitCodes.Failed, await StatusCommand.RunAsync(folder, json, default));
    }

    [Fact]
    public async Task The_demo_s_mesh_is_found_too()
    {
        var context = new MeshContext(MeshRepository.Find(), new MeshFolder(_folder.FullName));
        Directory.CreateDirectory(context.DemoFolder.Root);
        new MeshState { Launcher = ProcessIdentity.Own, Processes = [new("something-new", ProcessIdentity.Own, "new.log")], Services = [] }.Save(context.DemoFolder);

        Assert.Equal(ExitCodes.Ok, await StatusCommand.Create(context).Parse([]).InvokeAsync());
    }

    private async Task<StatusAnswer> AskAsync(IReadOnlyList<ProcessEntry> processes, IReadOnlyList<ServiceEntry> services)
    {
        var folder = new MeshFolder(_folder.FullName);
        new MeshState { Launcher = ProcessIdentity.Own, Processes = processes, Services = services }.Save(folder);
        return await StatusCommand.AskAsync(folder, default);
    }

    private static ServiceEntry Service(string name, Uri http, Uri dapr) => new(name, name, http, dapr, dapr, 0);

    private static async Task<Answering> AnsweringAsync(int code, string body)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Map("/{**path}", async (HttpContext context) =>
        {
            context.Response.StatusCode = code;
            if (body.Length > 0)
                await context.Response.WriteAsync(body);
        });
        await app.StartAsync();
        return new Answering(app, new Uri(app.Urls.First() + "/"));
    }

    private sealed record Answering(WebApplication App, Uri Address) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => App.DisposeAsync();
    }
}
