using System.Collections.Frozen;
using System.Security.Cryptography;
using WhatsAppMesh.Edge.Limits;
using WhatsAppMesh.Edge.Signatures;

namespace WhatsAppMesh.Edge.Sources;

/// <summary>Everybody who may post, at one moment; immutable.</summary>
public sealed class SourceCatalog
{
    /// <summary>A catalog in which nobody may post.</summary>
    public static SourceCatalog Empty { get; } = new([], [], []);

    private readonly FrozenDictionary<(SourceKind Kind, string Name), Source> _sources;
    private readonly FrozenDictionary<string, OperatorKey> _operators;

    /// <summary>Puts a catalog together.</summary>
    /// <param name="sources">All senders.</param>
    /// <param name="apiKeys">The API keys of those that have some.</param>
    /// <param name="operatorKeys">The keys of the operator API.</param>
    public SourceCatalog(IReadOnlyList<Source> sources, IReadOnlyList<ApiKey<Source>> apiKeys, IReadOnlyList<ApiKey<OperatorKey>> operatorKeys)
    {
        _operators = operatorKeys.Select(static key => key.Owner).ToFrozenDictionary(static owner => owner.Name);
        Operators = new ApiKeyRing<OperatorKey>(operatorKeys, operatorKeys.Count > 0);
        _sources = sources.ToFrozenDictionary(static source => (source.Kind, source.Name));
        Crm = RingOf(SourceKind.Crm);
        Broker = RingOf(SourceKind.Broker);
        Evolution = RingOf(SourceKind.Evolution);

        ApiKeyRing<Source> RingOf(SourceKind kind) => new(
            [.. apiKeys.Where(key => key.Owner.Kind == kind)], sources.Any(source => source.Kind == kind));
    }

    /// <summary>The CRMs' API keys.</summary>
    public ApiKeyRing<Source> Crm { get; }

    /// <summary>The brokers' API keys.</summary>
    public ApiKeyRing<Source> Broker { get; }

    /// <summary>The Evolution servers' API keys.</summary>
    public ApiKeyRing<Source> Evolution { get; }

    /// <summary>The keys of the operator API.</summary>
    public ApiKeyRing<OperatorKey> Operators { get; }

    /// <summary>
    /// Stands for every sender that is not known: its keys were thrown away when the process began, so checking against it takes the time of
    /// a real check and never succeeds.
    /// </summary>
    public static Source Unknown { get; } = MakeUnknown(SourceKind.Collector, HashAlgorithmName.SHA256);

    /// <summary>The same for WAHA's longer signatures.</summary>
    public static Source UnknownWaha { get; } = MakeUnknown(SourceKind.Waha, HashAlgorithmName.SHA512);

    /// <summary>Names of all senders, each once.</summary>
    public IEnumerable<string> Names => _sources.Keys.Select(static key => key.Name).Distinct();

    /// <summary>How many senders there are.</summary>
    public int Count => _sources.Count;

    /// <summary>The sender of this kind and name; null when not known.</summary>
    public Source? Find(SourceKind kind, string name) => _sources.GetValueOrDefault((kind, name));

    /// <summary>The operator key of this name; null when not known.</summary>
    public OperatorKey? FindOperator(string name) => _operators.GetValueOrDefault(name);

    private static Source MakeUnknown(SourceKind kind, HashAlgorithmName algorithm)
    {
        var key = new SigningKey("unknown", RandomNumberGenerator.GetBytes(32), algorithm);
        return new Source
        {
            Kind = kind,
            Name = "unknown",
            Tenant = "unknown",
            Keys = new KeyRing([key]),
            WebhookKeys = new KeyRing([key]),
            Gate = new SourceRateGate(default),
        };
    }
}
