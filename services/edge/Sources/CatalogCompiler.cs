using System.Security.Cryptography;
using WhatsAppMesh.Edge.Limits;
using WhatsAppMesh.Edge.Signatures;

namespace WhatsAppMesh.Edge.Sources;

/// <summary>Turns settings and the secrets they refer to into a catalog. Pure.</summary>
public static class CatalogCompiler
{
    /// <summary>Compiles.</summary>
    /// <param name="settings">Settings without errors (<see cref="CatalogValidator"/>).</param>
    /// <param name="secrets">The text of each secret that could be read; the others are left out.</param>
    /// <param name="options">Defaults for tenant and rate.</param>
    /// <param name="previous">The catalog in use: a source whose limit stays the same keeps its bucket.</param>
    /// <returns>The catalog, and the errors that only the secrets' texts show.</returns>
    public static (SourceCatalog Catalog, IReadOnlyList<string> Errors) Compile(
        CatalogSettings settings, IReadOnlyDictionary<SecretSettings, string> secrets, EdgeOptions options, SourceCatalog previous)
    {
        var sources = new List<Source>();
        var apiKeys = new List<ApiKey<Source>>();
        foreach (var (kind, entries) in settings.ByKind())
        {
            foreach (var entry in entries)
            {
                var source = CompileSource(kind, entry, secrets, options, previous);
                sources.Add(source);
                if (kind is SourceKind.Crm or SourceKind.Broker or SourceKind.Evolution)
                    apiKeys.AddRange(CompileApiKeys(source, entry, secrets));
            }
        }

        var operatorKeys = settings.ApiKeys.Select(entry => CompileOperatorKey(entry, options, previous)).ToList();
        return (new SourceCatalog(sources, apiKeys, operatorKeys), [.. SharedKeys(apiKeys), .. SharedKeys(operatorKeys)]);
    }

    private static ApiKey<OperatorKey> CompileOperatorKey(OperatorKeySettings entry, EdgeOptions options, SourceCatalog previous)
    {
        var rate = RateOf(entry.RequestsPerSecond ?? options.Limits.KeyRequestsPerSecond, burst: null);
        var owner = new OperatorKey
        {
            Name = entry.Name,
            Tenant = entry.Tenant,
            Role = CatalogValidator.ParseRole(entry.Role)!.Value,
            Gate = GateOf(rate, previous.FindOperator(entry.Name)?.Gate),
        };
        return new ApiKey<OperatorKey>(SecretText.DecodeKeyHash(entry.Hash)!, new Validity(entry.NotBefore, entry.Expires), owner);
    }

    private static Rate RateOf(double perSecond, int? burst) => new(perSecond, burst ?? Math.Max(1, (int)Math.Min(perSecond * 2, int.MaxValue)));

    private static SourceRateGate GateOf(Rate rate, SourceRateGate? previous) =>
        previous is not null && previous.Rate == rate ? previous : new SourceRateGate(rate);

    private static Source CompileSource(
        SourceKind kind, SourceSettings entry, IReadOnlyDictionary<SecretSettings, string> secrets, EdgeOptions options, SourceCatalog previous)
    {
        var rate = RateOf(entry.RequestsPerSecond ?? options.Limits.SourceRequestsPerSecond, entry.Burst);
        var signs = kind is SourceKind.Collector or SourceKind.Trigger or SourceKind.Waha;
        var algorithm = kind == SourceKind.Waha ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256;
        return new Source
        {
            Kind = kind,
            Name = entry.Name,
            Tenant = entry.Tenant ?? options.DefaultTenant,
            Schemes = CatalogValidator.ParseSchemes(entry.Schemes),
            Scheme = CatalogValidator.ParseScheme(entry.Scheme) ?? TriggerScheme.Hmac,
            Delivery = kind == SourceKind.Trigger ? DeliveryNames.Of(entry) : DeliveryNames.None,
            Keys = signs ? Ring(entry, secrets, algorithm, SecretText.KeyBytes) : KeyRing.Empty,
            WebhookKeys = kind == SourceKind.Collector ? Ring(entry, secrets, algorithm, WebhookKey) : KeyRing.Empty,
            Gate = GateOf(rate, previous.Find(kind, entry.Name)?.Gate),
        };
    }

    private static byte[]? WebhookKey(string text) => SecretText.IsWebhookSecret(text) ? SecretText.DecodeWebhookSecret(text) : null;

    private static KeyRing Ring(
        SourceSettings entry, IReadOnlyDictionary<SecretSettings, string> secrets, HashAlgorithmName algorithm, Func<string, byte[]?> keyOf)
    {
        var keys = new List<SigningKey>();
        foreach (var secret in entry.Secrets)
        {
            if (secrets.TryGetValue(secret, out var text) && keyOf(text) is { } key)
                keys.Add(new SigningKey(secret.Id, key, algorithm, secret.NotBefore, secret.Expires));
        }

        return new KeyRing(keys);
    }

    private static IEnumerable<ApiKey<Source>> CompileApiKeys(Source source, SourceSettings entry, IReadOnlyDictionary<SecretSettings, string> secrets) =>
        from secret in entry.Secrets
        where secrets.ContainsKey(secret)
        let hash = secret.KeyHash is null ? ApiKeyCheck.Hash(secrets[secret]) : SecretText.DecodeKeyHash(secret.KeyHash)!
        select new ApiKey<Source>(hash, new Validity(secret.NotBefore, secret.Expires), source);

    // A key that two senders share would make a post belong to whichever comes first in a file.
    private static List<string> SharedKeys(List<ApiKey<Source>> apiKeys) =>
        [.. from key in apiKeys
            group key by (key.Owner.Kind, Hash: Convert.ToHexString(key.Hash)) into same
            let owners = same.Select(static key => key.Owner.Name).Distinct().ToArray()
            where owners.Length > 1
            select $"{CatalogValidator.SectionOf(same.Key.Kind)}: {string.Join(" and ", owners)} have the same API key; give each its own."];

    private static List<string> SharedKeys(List<ApiKey<OperatorKey>> keys) =>
        [.. from key in keys
            group key.Owner.Name by Convert.ToHexString(key.Hash) into same
            where same.Count() > 1
            select $"apiKeys: {string.Join(" and ", same)} are the same key; give each its own."];
}
