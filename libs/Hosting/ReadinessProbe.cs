using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;

namespace WhatsAppMesh.Hosting;

/// <summary>Something a service needs before it can do its work.</summary>
public interface IReadinessCheck
{
    /// <summary>Name in the answer of /readyz, e.g. "database".</summary>
    string Name { get; }

    /// <summary>Null when ready; else a sentence that says what is wrong, without secrets. May throw: that counts as not ready.</summary>
    Task<string?> CheckAsync(CancellationToken cancellationToken);
}

/// <summary>Something that an operator should see in /readyz although it is no reason to stop traffic.</summary>
public interface IReadinessNotes
{
    /// <summary>Name in the answer of /readyz, e.g. "sources".</summary>
    string Name { get; }

    /// <summary>Sentences without secrets; empty when all is well.</summary>
    IReadOnlyList<string> Notes { get; }
}

/// <summary>Answers /readyz: 200 when every check passes, else 503; JSON with each check either way.</summary>
public sealed class ReadinessProbe(IEnumerable<IReadinessCheck> checks, IEnumerable<IReadinessNotes> notes)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly IReadinessCheck[] _checks = [.. checks];
    private readonly IReadinessNotes[] _notes = [.. notes];

    /// <summary>Runs all checks side by side, each for at most 2 s.</summary>
    public async Task<JsonHttpResult<ReadinessAnswer>> AnswerAsync(CancellationToken cancellationToken)
    {
        var results = await Task.WhenAll(_checks.Select(check => RunAsync(check, cancellationToken))).ConfigureAwait(false);
        var ready = results.All(static result => result.Problem is null);
        var answer = new ReadinessAnswer(
            ready ? "ready" : "not ready",
            results.ToDictionary(static result => result.Name, static result => result.Problem ?? "ok"),
            NotesNow());
        return TypedResults.Json(answer, statusCode: ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private Dictionary<string, IReadOnlyList<string>>? NotesNow()
    {
        var now = _notes.Select(static note => (note.Name, note.Notes)).Where(static note => note.Notes.Count > 0).ToDictionary();
        return now.Count > 0 ? now : null;
    }

    private static async Task<(string Name, string? Problem)> RunAsync(IReadinessCheck check, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            return (check.Name, await check.CheckAsync(patience.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            return (check.Name, $"No answer within {Patience.TotalSeconds} s.");
        }
        catch (Exception exception)
        {
            return (check.Name, $"{exception.GetType().Name}: the check failed.");
        }
    }
}

/// <summary>Body of /readyz.</summary>
/// <param name="Status">"ready" or "not ready".</param>
/// <param name="Checks">By name: "ok", or what is wrong.</param>
/// <param name="Notes">By name: what an operator should look at although the service is ready; absent when there is nothing.</param>
public sealed record ReadinessAnswer(
    string Status,
    IReadOnlyDictionary<string, string> Checks,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, IReadOnlyList<string>>? Notes = null);

/// <summary>Ready when the database answers.</summary>
public sealed class DatabaseReadiness(NpgsqlDataSource database) : IReadinessCheck
{
    /// <inheritdoc/>
    public string Name => "database";

    /// <inheritdoc/>
    public async Task<string?> CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var command = database.CreateCommand("select 1");
            await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (NpgsqlException)
        {
            return "The database does not answer.";
        }
    }
}

/// <summary>Ready when the sidecar takes outbound calls (its components are up; it may still wait for this app's port).</summary>
public sealed class SidecarReadiness(SidecarSettings sidecar) : IReadinessCheck, IDisposable
{
    private readonly HttpClient _client = new() { BaseAddress = sidecar.HttpEndpoint };

    /// <inheritdoc/>
    public string Name => "sidecar";

    /// <inheritdoc/>
    public async Task<string?> CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await _client.GetAsync("/v1.0/healthz/outbound", cancellationToken).ConfigureAwait(false);
            return answer.IsSuccessStatusCode ? null : "The Dapr sidecar is not ready for outbound calls yet.";
        }
        catch (HttpRequestException)
        {
            return $"The Dapr sidecar does not answer on port {sidecar.HttpEndpoint.Port}.";
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();
}
