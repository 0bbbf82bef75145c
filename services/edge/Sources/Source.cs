using WhatsAppMesh.Edge.Limits;
using WhatsAppMesh.Edge.Signatures;

namespace WhatsAppMesh.Edge.Sources;

/// <summary>One sender, ready for requests: who it is, how it proves itself and how much it may send.</summary>
public sealed class Source
{
    /// <summary>How often to complain: whoever names a source, or posts without a key, must not be able to fill the log.</summary>
    internal static readonly Rate OnceAMinute = new(1.0 / 60, 1);

    /// <summary>What kind of sender it is.</summary>
    public required SourceKind Kind { get; init; }

    /// <summary>Its configured name (for a trigger: its id).</summary>
    public required string Name { get; init; }

    /// <summary>Whose events these are.</summary>
    public required string Tenant { get; init; }

    /// <summary>Keys for signatures; empty for senders with API keys.</summary>
    public required KeyRing Keys { get; init; }

    /// <summary>Keys for Standard Webhooks; empty unless a secret is a <c>whsec_</c> one.</summary>
    public KeyRing WebhookKeys { get; init; } = KeyRing.Empty;

    /// <summary>What a collector may use.</summary>
    public CollectorSchemes Schemes { get; init; } = CollectorSchemes.All;

    /// <summary>What a trigger's sender uses.</summary>
    public TriggerScheme Scheme { get; init; }

    /// <summary>What names a delivery of a trigger's sender; nothing for other senders.</summary>
    public DeliveryNames Delivery { get; init; } = DeliveryNames.None;

    /// <summary>How much it may send.</summary>
    public required SourceRateGate Gate { get; init; }

    /// <summary>Lets a complaint about this source into the log now and then.</summary>
    public SourceRateGate Complaints { get; } = new(OnceAMinute);
}
