using WhatsAppMesh.Edge.Limits;

namespace WhatsAppMesh.Edge.Sources;

/// <summary>What a key of the operator API may do.</summary>
public enum OperatorRole
{
    /// <summary>Look, but see no message: payloads and envelopes are left out.</summary>
    Viewer,

    /// <summary>Look at everything, and act: replay, discard, link, send, import.</summary>
    Operator,
}

/// <summary>Whoever holds one key of the operator API, ready for requests.</summary>
public sealed class OperatorKey
{
    /// <summary>The tenant of a key that is for the whole installation.</summary>
    public const string EveryTenant = "*";

    /// <summary>Its configured name: what audit trails say.</summary>
    public required string Name { get; init; }

    /// <summary>The one tenant it may see, or <see cref="EveryTenant"/>.</summary>
    public required string Tenant { get; init; }

    /// <summary>What it may do.</summary>
    public required OperatorRole Role { get; init; }

    /// <summary>How much it may ask.</summary>
    public required SourceRateGate Gate { get; init; }

    /// <summary>True when it may choose any tenant, and ask what concerns all of them.</summary>
    public bool IsForInstallation => Tenant == EveryTenant;
}
