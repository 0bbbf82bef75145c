using Microsoft.AspNetCore.Http.Features;
using WhatsAppMesh.Edge.Sources;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>One admitted request of the operator API: who asks, about which tenant, with which parameters.</summary>
internal sealed class OperatorCall(OperatorKey key, string? tenant, QueryReader query, Minimisation minimisation, HttpContext context)
{
    /// <summary>Name of the key: what audit trails keep.</summary>
    public string Key => key.Name;

    /// <summary>The key's role.</summary>
    public OperatorRole Role => key.Role;

    /// <summary>True when the key is for every tenant.</summary>
    public bool IsForInstallation => key.IsForInstallation;

    /// <summary>True when payloads and envelopes may be shown.</summary>
    public bool SeesMessages => key.Role == OperatorRole.Operator;

    /// <summary>What makes the tenant's events fit for readers; null for a tenant that is not minimised, and when none was chosen.</summary>
    public Minimiser? Minimiser => tenant is null ? null : minimisation.Of(tenant);

    /// <summary>What answers to this key pass through; null for a key that sees everything.</summary>
    public Minimiser? Veil => key.Role == OperatorRole.Viewer ? Minimiser : null;

    /// <summary>The tenant: the key's own, or the one that <c>?tenant=</c> chose.</summary>
    /// <exception cref="OperatorRefusal">400 <c>tenant_required</c>: a key for all tenants, and none was chosen.</exception>
    public string Tenant => tenant ?? throw new OperatorRefusal(
        StatusCodes.Status400BadRequest, "tenant_required", "This key is for every tenant: choose one with ?tenant=");

    /// <summary>The query's parameters.</summary>
    public QueryReader Query => query;

    /// <summary>Ends when the client goes away.</summary>
    public CancellationToken Aborted => context.RequestAborted;

    /// <summary>How handlers get it: the gate has made it.</summary>
    public static ValueTask<OperatorCall> BindAsync(HttpContext context) => ValueTask.FromResult(Of(context));

    /// <summary>The call of a request that passed the gate.</summary>
    public static OperatorCall Of(HttpContext context) => context.Features.GetRequiredFeature<OperatorCall>();
}
