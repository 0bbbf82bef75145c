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
        var apiKeys = new List<ApiKey>();
        foreach (var (kind, entries) in settings.ByKind())
        {
            foreach (var entry in entries)
            {
                var source = CompileSource(kind, entry, secrets, options, previous);
                sources.Add(source);
                if (kind is SourceKind.Crm or SourceKind.Broker)
                    apiKeys.AddRange(CompileApiKeys(source, entry, secrets));
            }
        }

        return (new SourceCatalog(sources, apiKeys), SharedKeys(apiKeys));
    }

    private static Source CompileSource(
        SourceKind kind, SourceSettings entry, IReadOnlyDictionary<SecretSettings, string> secrets, EdgeOptions options, SourceCatalog previous)
    {
        var perSecond = entry.RequestsPerSecond ?? options.Limits.SourceRequestsPerSecond;
        var rate = new Rate(perSecond, entry.Burst ?? Math.Max(1, (int)Math.Min(perSecond * 2, int.MaxValue)));
        var gate = previous.Find(kind, entry.Name)?.Gate;
        var signs = kind is SourceKind.Collector or SourceKind.Trigger or SourceKind.Waha;
        var algorithm = kind == SourceKind.Waha ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256;
        return new Source
        {
            Kind = kind,
            Name = entry.Name,
            Tenant = entry.Tenant ?? options.DefaultTenant,
            Schemes = CatalogValidator.ParseSchemes(entry.Schemes),
            Scheme = CatalogValidator.ParseScheme(entry.Scheme) ?? TriggerScheme.Hmac,
            Keys = signs ? Ring(entry, secrets, algorithm, SecretText.KeyBytes) : KeyRing.Empty,
            WebhookKeys = kind == SourceKind.Collector ? Ring(entry, secrets, algorithm, WebhookKey) : KeyRing.Empty,
            Gate = gate is not null && gate.Rate == rate ? gate : new SourceRateGate(rate),
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

    private static IEnumerable<ApiKey> CompileApiKeys(Source source, SourceSettings entry, IReadOnlyDictionary<SecretSettings, string> secrets) =>
        from secret in entry.Secrets
        where secrets.ContainsKey(secret)
        let hash = secret.KeyHash is null ? ApiKeyCheck.Hash(secrets[secret]) : SecretText.DecodeKeyHash(secret.KeyHash)!
        select new ApiKey(hash, new Validity(secret.NotBefore, secret.Expires), source);

    // A key that two senders share would make a post belong to whichever comes first in a file.
    private static List<string> SharedKeys(List<ApiKey> apiKeys) =>
        [.. from key in apiKeys
            group key by (key.Owner.Kind, Hash: Convert.ToHexString(key.Hash)) into same
            let owners = same.Select(static key => key.Owner.Name).Distinct().ToArray()
            where owners.Length > 1
            select $"{CatalogValidator.SectionOf(same.Key.Kind)}: {string.Join(" and ", owners)} have the same API key; give each its own."];
}
