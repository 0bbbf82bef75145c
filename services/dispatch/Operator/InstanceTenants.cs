using System.Collections.Frozen;

namespace WhatsAppMesh.Dispatch.Operator;

/// <summary>Says that a tenant may use an instance of the broker (section <c>Dispatch:Instances</c>).</summary>
public sealed record InstanceTenant
{
    /// <summary>The broker's id of the instance.</summary>
    public string Id { get; set; } = "";

    /// <summary>Who may use it; <c>*</c>: everybody.</summary>
    public string Tenant { get; set; } = "";
}

/// <summary>
/// Which tenants may use which of the broker's instances. The broker knows this mesh by one key, so nobody but dispatch can keep tenants
/// apart there (ADR 0025). While nothing is listed, every instance is everybody's: an installation for one tenant.
/// </summary>
internal sealed class InstanceTenants(DispatchOptions options)
{
    /// <summary>What is said of a field that names an instance of somebody else's, or none.</summary>
    public const string Rule = "is not an instance of this tenant";

    private const string Everybody = "*";

    private readonly FrozenSet<(string Id, string Tenant)> _listed = options.Instances.Select(static one => (one.Id, one.Tenant)).ToFrozenSet();

    /// <summary>True while nothing is listed.</summary>
    public bool AreEverybodys => _listed.Count == 0;

    /// <summary>True when the tenant may use the instance.</summary>
    public bool Has(string tenant, string instance) => AreEverybodys || _listed.Contains((instance, tenant)) || _listed.Contains((instance, Everybody));

    /// <summary>Which instances a tenant may use.</summary>
    public Predicate<string> Of(string tenant) => instance => Has(tenant, instance);

    /// <summary>True when the tenant may send by the instance, and by the broker's session that the message asks for.</summary>
    public bool MaySend(string tenant, string instance, string? session) => Has(tenant, instance) && (session is null || Has(tenant, session));
}
