using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Libs.Tests.Scraping;

/// <summary>Dependency states of nobody's service, with what they said and counted.</summary>
internal sealed class SeenDependencies : IDisposable
{
    private readonly ServiceProvider _services;
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<string> _counted = new();

    public SeenDependencies()
    {
        _services = new ServiceCollection().AddMetrics().AddLogging(logs => logs.AddProvider(Logs)).AddSingleton<DependencyStates>().BuildServiceProvider();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, Meters))
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            if (value > 0)
                _counted.Enqueue($"{instrument.Name}{{{string.Join(',', tags.ToArray().Select(static tag => $"{tag.Key}={tag.Value}"))}}}");
        });
        _listener.Start();
    }

    public SeenLogs Logs { get; } = new();

    public DependencyStates States => _services.GetRequiredService<DependencyStates>();

    public IMeterFactory Meters => _services.GetRequiredService<IMeterFactory>();

    /// <summary>What was counted, in its order: <c>name{label=value}</c>.</summary>
    public IReadOnlyList<string> Counted => [.. _counted];

    public void Dispose()
    {
        _listener.Dispose();
        _services.Dispose();
    }
}

/// <summary>Keeps lines of the log, as text.</summary>
internal sealed class SeenLogs : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<(LogLevel Level, int Id, string Text)> _lines = new();

    public IReadOnlyList<(LogLevel Level, int Id, string Text)> Lines => [.. _lines];

    /// <summary>Lines about what fails, and that it works again.</summary>
    public IReadOnlyList<string> OfDependencies => [.. _lines.Where(static line => line.Id is 9030 or 9031).Select(static line => line.Text)];

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
            _lines.Enqueue((logLevel, eventId.Id, formatter(state, exception)));
    }

    public void Dispose()
    {
    }
}
