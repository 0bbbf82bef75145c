using System.Diagnostics;
using System.Diagnostics.Metrics;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Claims;

/// <summary>
/// What calls for claims came to, counted and told: <c>ok</c>, <c>refused</c> (somebody else has the claim, which is what claims are for),
/// <c>failed</c>, or <c>unanswered</c> (the store said nothing about a key, though it answered).
/// </summary>
public sealed class ClaimCalls : IDisposable
{
    /// <summary>The store said nothing about a key.</summary>
    public const string Unanswered = "unanswered";

    private const string None = "none";

    // How stores say that a claim is another's: ABORTED with an ETag, INTERNAL on a create; each says either of an outage too.
    private static readonly HashSet<string> Refusals = ["aborted", "internal"];

    private readonly DependencyState _state;
    private readonly Meter _meter;
    private readonly Counter<long> _calls;

    /// <summary>Creates the counter and the dependency <c>claims</c>.</summary>
    public ClaimCalls(IMeterFactory meters, DependencyStates dependencies, ClaimOptions options)
    {
        _state = dependencies.Of("claims", $"Claims cannot be written or read in the state store '{options.Store}', so due jobs wait");
        _meter = meters.Create("WhatsAppMesh.Dispatch.Claims");
        _calls = _meter.CreateCounter<long>("mesh_claim_calls_total", description: "Calls of the state store for claims, by call, result and status code.");
    }

    /// <summary>True after a failure, until claims are taken or renewed again.</summary>
    public bool IsFailing => _state.IsFailing;

    /// <summary>Counts a write that has been read back.</summary>
    /// <param name="call"><c>create</c>, <c>take_over</c> or <c>renew</c>.</param>
    /// <param name="code">Its status code; null = it was taken.</param>
    /// <param name="isExplained">True: what was read shows that each claim is there, or changed hands. Then a refusal is one.</param>
    /// <returns>The code of its failure; null when it did not fail.</returns>
    public string? Wrote(string call, string? code, bool isExplained)
    {
        var isRefusal = code is not null && isExplained && Refusals.Contains(code);
        Count(call, code is null ? "ok" : isRefusal ? "refused" : "failed", code);
        return isRefusal ? null : code;
    }

    /// <summary>Counts a write that lets claims go, and tells when it failed. Nobody reads it back, so a conflict is taken at its word.</summary>
    /// <returns>False when it was not taken.</returns>
    public bool Settled(string? code)
    {
        var isConflict = code == "aborted";
        Count("settle", code is null ? "ok" : isConflict ? "refused" : "failed", code);
        if (code is not null && !isConflict)
            _state.Fails(code);
        return code is null;
    }

    /// <summary>Counts a read that was answered.</summary>
    /// <param name="missing">Why a key that is there was not among the answers; null = all were.</param>
    public void Read(string? missing) => Count("read", missing is null ? "ok" : Unanswered, missing);

    /// <summary>Counts a read that failed, and tells.</summary>
    public void ReadFailed(string code)
    {
        Count("read", "failed", code);
        _state.Fails(code);
    }

    /// <summary>Tells what a whole taking or renewing came to.</summary>
    /// <param name="failure">Code of the first thing that failed; null = all went as it should.</param>
    public void Ended(string? failure)
    {
        if (failure is null)
            _state.Works();
        else
            _state.Fails(failure);
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private void Count(string call, string result, string? code) =>
        _calls.Add(1, new TagList { { "call", call }, { "result", result }, { "code", code ?? None } });
}
