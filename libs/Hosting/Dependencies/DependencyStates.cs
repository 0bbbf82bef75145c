using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace WhatsAppMesh.Hosting;

/// <summary>
/// What the service needs and how it fares: the one place where a failure that a caller swallows is heard. Its check makes /readyz say
/// <c>degraded</c>, with status 200: no restart cures it, and the service goes on with what does work.
/// </summary>
public sealed partial class DependencyStates : IHealthCheck, IDisposable
{
    /// <summary>Name of its check.</summary>
    public const string Check = "dependencies";

    private readonly ConcurrentDictionary<string, DependencyState> _states = new(StringComparer.Ordinal);
    private readonly ILogger<DependencyStates> _logger;
    private readonly Meter _meter;
    private readonly Counter<long> _failures;

    /// <summary>Creates the instruments.</summary>
    public DependencyStates(IMeterFactory meters, ILogger<DependencyStates> logger)
    {
        ArgumentNullException.ThrowIfNull(meters);
        _logger = logger;
        _meter = meters.Create("WhatsAppMesh.Dependencies");
        _failures = _meter.CreateCounter<long>(
            "mesh_dependency_failures_total", description: "Failures of what the service needs, by dependency and status code.");
        _meter.CreateObservableGauge(
            "mesh_dependency_degraded",
            () => _states.Values.Select(static state =>
                new Measurement<int>(state.IsFailing ? 1 : 0, new KeyValuePair<string, object?>("dependency", state.Name))),
            description: "1 while a dependency fails, 0 while it works.");
    }

    /// <summary>What fails now, by name, with a sentence; empty while all is well.</summary>
    public IReadOnlyDictionary<string, string> Degraded => _states.Values
        .Select(static state => (state.Name, state.Reason)).Where(static state => state.Reason is not null)
        .OrderBy(static state => state.Name, StringComparer.Ordinal).ToDictionary(static state => state.Name, static state => state.Reason!);

    /// <summary>The state of a dependency; everybody who asks by one name shares it.</summary>
    /// <param name="name">Configured or fixed, for it becomes a label.</param>
    /// <param name="trouble">What its failing means, as the beginning of a sentence: the code follows in brackets.</param>
    public DependencyState Of(string name, string trouble) => _states.GetOrAdd(name, static (key, arg) => new(arg.Owner, key, arg.Trouble), (Owner: this, Trouble: trouble));

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        Degraded is { Count: > 0 } degraded ? HealthCheckResult.Degraded(string.Join(' ', degraded.Values)) : HealthCheckResult.Healthy());

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    internal void Count(string dependency, string code) => _failures.Add(1, new TagList { { "dependency", dependency }, { "code", code } });

    internal void Failed(DependencyState state) => Log.Failed(_logger, state.Name, state.Reason);

    internal void Recovered(DependencyState state) => Log.Recovered(_logger, state.Name);

    private static partial class Log
    {
        [LoggerMessage(9030, LogLevel.Warning, "Degraded, {Dependency}: {Reason} Said once until it changes")]
        public static partial void Failed(ILogger logger, string dependency, string? reason);

        [LoggerMessage(9031, LogLevel.Information, "No longer degraded, {Dependency}: it works again")]
        public static partial void Recovered(ILogger logger, string dependency);
    }
}
