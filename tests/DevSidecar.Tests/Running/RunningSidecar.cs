using Microsoft.AspNetCore.Hosting.Server;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Invoke;

namespace WhatsAppMesh.DevSidecar.Tests.Running;

/// <summary>A sidecar in this process, its ports chosen by the system, its resources in a folder of its own.</summary>
internal sealed class RunningSidecar : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly string _folder;

    private RunningSidecar(WebApplication app, string folder, string? token)
    {
        _app = app;
        _folder = folder;
        var server = app.Services.GetRequiredService<IServer>();
        HttpAddress = $"http://127.0.0.1:{server.BoundPort(SidecarPort.Http)}";
        GrpcAddress = $"http://127.0.0.1:{server.BoundPort(SidecarPort.Grpc)}";
        InternalAddress = $"http://127.0.0.1:{server.BoundPort(SidecarPort.Internal)}";
        Http = new HttpClient { BaseAddress = new Uri(HttpAddress) };
        if (token is not null)
            Http.DefaultRequestHeaders.Add("dapr-api-token", token);
    }

    public string HttpAddress { get; }

    public string GrpcAddress { get; }

    public string InternalAddress { get; }

    /// <summary>A client of the HTTP API that shows the API token.</summary>
    public HttpClient Http { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>Starts a sidecar and waits until its ports are open.</summary>
    /// <param name="database">Connection string of the mesh's sidecar database.</param>
    /// <param name="appId">The app it stands for.</param>
    /// <param name="appPort">The app's port; null = no app.</param>
    /// <param name="resources">YAML resources, a file each.</param>
    /// <param name="apiToken">What callers must show.</param>
    /// <param name="appToken">What the sidecar shows to the app.</param>
    /// <param name="change">Changes other flags.</param>
    /// <param name="changeSettings">Changes other settings.</param>
    public static async Task<RunningSidecar> StartAsync(
        string database, string appId, int? appPort = null, string[]? resources = null, string? apiToken = null, string? appToken = null,
        Func<SidecarFlags, SidecarFlags>? change = null, Func<SidecarSettings, SidecarSettings>? changeSettings = null)
    {
        var folder = Directory.CreateTempSubdirectory("devsidecar-test-").FullName;
        try
        {
            foreach (var (index, yaml) in (resources ?? []).Index())
                await File.WriteAllTextAsync(Path.Combine(folder, $"{index}.yaml"), yaml);

            var flags = new SidecarFlags { AppId = appId, AppPort = appPort, HttpPort = 0, GrpcPort = 0, ResourcesPaths = [folder], LogLevel = LogLevel.Warning };
            var builder = WebApplication.CreateSlimBuilder();
            var settings = new SidecarSettings { Database = database, ApiToken = apiToken, AppToken = appToken };
            builder.AddSidecar(change is null ? flags : change(flags), changeSettings is null ? settings : changeSettings(settings));
            var app = builder.Build();
            app.MapSidecar();
            await app.StartAsync();
            await Eventually.TrueAsync(() => app.Services.GetRequiredService<Peers>().Self is not null, "the sidecar is known to the others");
            return new RunningSidecar(app, folder, apiToken);
        }
        catch
        {
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
