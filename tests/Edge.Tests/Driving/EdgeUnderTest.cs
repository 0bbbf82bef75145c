using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge.Tests.Driving;

/// <summary>The real edge on real Kestrel, in front of a fake ingest.</summary>
public sealed class EdgeUnderTest : IAsyncDisposable
{
    public const string InternalToken = "internal-token-of-this-test";

    private readonly WebApplication _app;
    private readonly bool _ownsIngest;

    private EdgeUnderTest(WebApplication app, FakeIngest ingest, bool ownsIngest, ShiftedClock clock, CapturedLogs logs, CapturedMetrics metrics)
    {
        _app = app;
        _ownsIngest = ownsIngest;
        Ingest = ingest;
        Clock = clock;
        Logs = logs;
        Metrics = metrics;
        Client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = app.BoundAddresses().Http };
    }

    public FakeIngest Ingest { get; }

    public ShiftedClock Clock { get; }

    public CapturedLogs Logs { get; }

    public CapturedMetrics Metrics { get; }

    public HttpClient Client { get; }

    public Uri Address => Client.BaseAddress!;

    public IServiceProvider Services => _app.Services;

    /// <summary>Starts edge with a collector "default" whose secret is <see cref="Signing.Secret"/>, unless the settings configure senders.</summary>
    public static async Task<EdgeUnderTest> StartAsync(Dictionary<string, string?>? settings = null, FakeIngest? ingest = null)
    {
        var ownsIngest = ingest is null;
        ingest ??= await FakeIngest.StartAsync();
        var clock = new ShiftedClock();
        var logs = new CapturedLogs();
        var app = Build(settings ?? [], ingest, clock, logs);
        var metrics = new CapturedMetrics(app.Services.GetRequiredService<IMeterFactory>());
        await app.StartAsync();
        return new EdgeUnderTest(app, ingest, ownsIngest, clock, logs, metrics);
    }

    /// <summary>Builds edge without starting it.</summary>
    public static WebApplication Build(Dictionary<string, string?> settings, FakeIngest ingest, ShiftedClock clock, CapturedLogs logs)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Test" });
        var all = new Dictionary<string, string?>
        {
            ["APP_PORT"] = "0",
            ["HTTP_PORT"] = "0",
            ["BIND_ADDRESS"] = "127.0.0.1",
            ["Mesh:InternalToken"] = InternalToken,
            ["Edge:Ingest:Address"] = ingest.Address.ToString(),
            ["Edge:ReloadSeconds"] = "1",
        };
        foreach (var (key, value) in settings.Keys.Any(IsSender) ? settings : With(settings, "Edge:Sources:0", "default", Signing.Secret))
            all[key] = value;
        builder.Configuration.AddInMemoryCollection(all);
        builder.Logging.ClearProviders().AddProvider(logs).SetMinimumLevel(LogLevel.Trace);
        builder.Services.AddSingleton<TimeProvider>(clock);
        builder.AddEdge();
        var app = builder.Build();
        app.MapEdge();
        return app;
    }

    /// <summary>Settings with one sender added.</summary>
    public static Dictionary<string, string?> With(
        Dictionary<string, string?> settings, string section, string name, string secret, string member = "Value") => new(settings)
        {
            [$"{section}:Name"] = name,
            [$"{section}:Secrets:0:Id"] = "first",
            [$"{section}:Secrets:0:{member}"] = secret,
        };

    public Task StopAsync(CancellationToken cancellationToken = default) => _app.StopAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Metrics.Dispose();
        await _app.DisposeAsync();
        if (_ownsIngest)
            await Ingest.DisposeAsync();
    }

    private static bool IsSender(string key) =>
        key.StartsWith("Edge:Sources", StringComparison.Ordinal) || key.StartsWith("WHATSAPP_", StringComparison.Ordinal);
}

/// <summary>Everything that was logged, at any level.</summary>
public sealed class CapturedLogs : ILoggerProvider
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Logger(CapturedLogs logs, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            logs.Lines.Enqueue($"{logLevel} {category}[{eventId.Id}] {formatter(state, exception)} {exception}");
    }
}
