using WhatsAppMesh.Dispatch;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>Dispatch in this process.</summary>
internal sealed class RunningDispatch : IAsyncDisposable
{
    private readonly WebApplication _app;

    private RunningDispatch(WebApplication app)
    {
        _app = app;
        var (appPort, http) = app.BoundAddresses();
        App = new HttpClient { BaseAddress = appPort, DefaultRequestVersion = new Version(2, 0), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        Http = new HttpClient { BaseAddress = http };
    }

    /// <summary>Its app port.</summary>
    public HttpClient App { get; }

    /// <summary>Its HTTP port.</summary>
    public HttpClient Http { get; }

    public IServiceProvider Services => _app.Services;

    public static async Task<RunningDispatch> StartAsync(Dictionary<string, string?> settings, Action<IServiceCollection>? change = null)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(settings);
        builder.AddMeshHosting("dispatch");
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.AddDispatch();
        change?.Invoke(builder.Services);
        var app = builder.Build();
        app.MapMeshEndpoints();
        app.MapDispatch();
        await app.StartAsync();
        return new RunningDispatch(app);
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        App.Dispose();
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
