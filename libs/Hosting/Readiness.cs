using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace WhatsAppMesh.Hosting;

/// <summary>Something that an operator should see in /readyz although it is no reason to stop traffic.</summary>
public interface IReadinessNotes
{
    /// <summary>Name in the answer of /readyz, e.g. "sources".</summary>
    string Name { get; }

    /// <summary>Sentences without secrets; empty when all is well.</summary>
    IReadOnlyList<string> Notes { get; }
}

/// <summary>GET /readyz: the framework's health checks, 200 when every one passes or is degraded, else 503; JSON with each check either way.</summary>
public static class Readiness
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Adds something that the service needs before it can do its work: one instance, asked for at most 2 s. Its description is a sentence
    /// without secrets.
    /// </summary>
    /// <param name="health">The service's checks.</param>
    /// <param name="name">Name in the answer, e.g. "database".</param>
    public static IHealthChecksBuilder AddReadiness<TCheck>(this IHealthChecksBuilder health, string name) where TCheck : class, IHealthCheck
    {
        ArgumentNullException.ThrowIfNull(health);
        health.Services.TryAddSingleton<TCheck>();
        return health.AddCheck<TCheck>(name, failureStatus: null, tags: [], timeout: Patience);
    }

    /// <summary>Maps it.</summary>
    public static IEndpointConventionBuilder MapReadiness(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapHealthChecks("/readyz", new HealthCheckOptions { ResponseWriter = WriteAsync });

    private static Task WriteAsync(HttpContext context, HealthReport report)
    {
        var notes = context.RequestServices.GetServices<IReadinessNotes>()
            .Select(static note => (note.Name, note.Notes)).Where(static note => note.Notes.Count > 0).ToDictionary();
        var degraded = context.RequestServices.GetRequiredService<DependencyStates>().Degraded;
        return context.Response.WriteAsJsonAsync(new ReadinessAnswer(
            report.Status == HealthStatus.Unhealthy ? "not ready" : degraded.Count > 0 ? "degraded" : "ready",
            report.Entries.Where(static check => check.Key != DependencyStates.Check).ToDictionary(static check => check.Key, static check => Sentence(check.Value)),
            notes.Count > 0 ? notes : null,
            degraded.Count > 0 ? degraded : null));
    }

    // What an exception says may hold an address or a secret.
    private static string Sentence(HealthReportEntry check) => check switch
    {
        { Status: HealthStatus.Healthy } => "ok",
        { Exception: OperationCanceledException } => $"No answer within {Patience.TotalSeconds} s.",
        { Exception: { } exception } => $"{exception.GetType().Name}: the check failed.",
        _ => check.Description ?? "Not ready.",
    };
}

/// <summary>Body of /readyz.</summary>
/// <param name="Status">"ready", "degraded" (ready, but something it needs fails) or "not ready".</param>
/// <param name="Checks">By name: "ok", or what is wrong.</param>
/// <param name="Notes">By name: what an operator should look at although the service is ready; absent when there is nothing.</param>
/// <param name="Degraded">By dependency: what fails; absent when nothing does.</param>
public sealed record ReadinessAnswer(
    string Status,
    IReadOnlyDictionary<string, string> Checks,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, IReadOnlyList<string>>? Notes = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, string>? Degraded = null);

/// <summary>Ready when the database answers.</summary>
public sealed class DatabaseReadiness(NpgsqlDataSource database) : IHealthCheck
{
    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var command = database.CreateCommand("select 1");
            await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
            return HealthCheckResult.Healthy();
        }
        catch (NpgsqlException)
        {
            return HealthCheckResult.Unhealthy("The database does not answer.");
        }
    }
}

/// <summary>Ready when the sidecar takes outbound calls (its components are up; it may still wait for this app's port).</summary>
public sealed class SidecarReadiness(SidecarSettings sidecar) : IHealthCheck, IDisposable
{
    private readonly HttpClient _client = SidecarHttp.ClientOf(sidecar, traced: false);

    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            using var answer = await _client.GetAsync("/v1.0/healthz/outbound", cancellationToken).ConfigureAwait(false);
            return answer.IsSuccessStatusCode
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy("The Dapr sidecar is not ready for outbound calls yet.");
        }
        catch (HttpRequestException)
        {
            return HealthCheckResult.Unhealthy($"The Dapr sidecar does not answer on port {sidecar.HttpEndpoint.Port}.");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();
}
