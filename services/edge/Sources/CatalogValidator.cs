using System.Text.RegularExpressions;
using WhatsAppMesh.Edge.Signatures;

namespace WhatsAppMesh.Edge.Sources;

/// <summary>Checks the configured senders. Pure; it reports every error there is, each with its place, never with a secret.</summary>
public static partial class CatalogValidator
{
    private static readonly Dictionary<string, CollectorSchemes> CollectorSchemeNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["body"] = CollectorSchemes.Body,
        ["id-and-body"] = CollectorSchemes.IdAndBody,
        ["standard-webhooks"] = CollectorSchemes.StandardWebhooks,
    };

    /// <summary>All errors, empty when the settings can be used.</summary>
    public static IReadOnlyList<string> Validate(CatalogSettings settings)
    {
        var errors = new List<string>();
        foreach (var (kind, entries) in settings.ByKind())
        {
            for (var i = 0; i < entries.Count; i++)
                CheckSource(errors, $"{SectionOf(kind)}[{i}]", kind, entries[i]);
            AddDoubles(errors, SectionOf(kind), "name", entries.Select(static entry => entry.Name));
        }

        for (var i = 0; i < settings.ApiKeys.Count; i++)
            CheckKey(errors, $"apiKeys[{i}]", settings.ApiKeys[i]);
        AddDoubles(errors, "apiKeys", "name", settings.ApiKeys.Select(static key => key.Name));
        return errors;
    }

    /// <summary>True for what may stand as a source's or tenant's name: it goes into headers and metric labels as it is.</summary>
    public static bool IsName(string? text) => text is not null && NamePattern().IsMatch(text);

    /// <summary>The schemes that names stand for; unknown names are left out.</summary>
    internal static CollectorSchemes ParseSchemes(IReadOnlyList<string>? names)
    {
        if (names is null)
            return CollectorSchemes.All;
        var schemes = CollectorSchemes.None;
        foreach (var name in names)
            schemes |= CollectorSchemeNames.GetValueOrDefault(name);
        return schemes;
    }

    /// <summary>The scheme that a name stands for; null when unknown.</summary>
    internal static TriggerScheme? ParseScheme(string? name) => name?.ToLowerInvariant() switch
    {
        null or "hmac" => TriggerScheme.Hmac,
        "github" => TriggerScheme.GitHub,
        "stripe" => TriggerScheme.Stripe,
        "linear" => TriggerScheme.Linear,
        _ => null,
    };

    /// <summary>The role that a name stands for; null when unknown.</summary>
    internal static OperatorRole? ParseRole(string name) => name.ToLowerInvariant() switch
    {
        "viewer" => OperatorRole.Viewer,
        "operator" => OperatorRole.Operator,
        _ => null,
    };

    /// <summary>The configuration's name for a kind.</summary>
    internal static string SectionOf(SourceKind kind) => kind switch
    {
        SourceKind.Collector => "sources",
        SourceKind.Trigger => "triggers",
        SourceKind.Crm => "crm",
        SourceKind.Broker => "broker",
        SourceKind.Evolution => "evolution",
        _ => "waha",
    };

    private static void CheckSource(List<string> errors, string place, SourceKind kind, SourceSettings source)
    {
        if (!IsName(source.Name))
            errors.Add($"{place}.name: give a letter or digit, then up to 99 letters, digits, '.', '_' or '-'.");
        if (source.Tenant is not null && !IsName(source.Tenant))
            errors.Add($"{place}.tenant: give a letter or digit, then up to 99 letters, digits, '.', '_' or '-'.");
        if (source.Schemes is not null && kind != SourceKind.Collector)
            errors.Add($"{place}.schemes: only collectors (sources) have it.");
        foreach (var scheme in source.Schemes ?? [])
        {
            if (!CollectorSchemeNames.ContainsKey(scheme))
                errors.Add($"{place}.schemes: '{scheme}' is none of {string.Join(", ", CollectorSchemeNames.Keys)}.");
        }

        if (source.Scheme is not null && kind != SourceKind.Trigger)
            errors.Add($"{place}.scheme: only triggers have it.");
        if (ParseScheme(source.Scheme) is null)
            errors.Add($"{place}.scheme: '{source.Scheme}' is none of hmac, github, stripe, linear.");
        errors.AddRange(DeliveryNames.Validate(source, kind).Select(error => $"{place}.{error}"));
        if (source.RequestsPerSecond is < 0 or > 1_000_000)
            errors.Add($"{place}.requestsPerSecond: give 0 (no limit) to 1000000.");
        if (source.Burst is < 1 or > 1_000_000)
            errors.Add($"{place}.burst: give 1 to 1000000.");
        for (var i = 0; i < source.Secrets.Count; i++)
            CheckSecret(errors, $"{place}.secrets[{i}]", kind, source.Secrets[i]);
        AddDoubles(errors, $"{place}.secrets", "id", source.Secrets.Select(static secret => secret.Id));
    }

    private static void CheckSecret(List<string> errors, string place, SourceKind kind, SecretSettings secret)
    {
        if (!IsName(secret.Id))
            errors.Add($"{place}.id: give a letter or digit, then up to 99 letters, digits, '.', '_' or '-'.");
        string?[] references = [secret.Env, secret.File, secret.Store, secret.Value, secret.KeyHash];
        if (references.Count(static reference => reference is not null) != 1)
            errors.Add($"{place}: give exactly one of env, file, store with key, value, keyHash.");
        if ((secret.Store is null) != (secret.Key is null))
            errors.Add($"{place}: store and key go together.");
        if (secret.KeyHash is not null && kind is not (SourceKind.Crm or SourceKind.Broker or SourceKind.Evolution))
            errors.Add($"{place}.keyHash: only API keys (crm, broker, evolution) can be kept as a hash; a signature needs the secret itself.");
        if (secret.KeyHash is not null && SecretText.DecodeKeyHash(secret.KeyHash) is null)
            errors.Add($"{place}.keyHash: give the SHA-256 of the key as 64 hexadecimal digits.");
        if (secret.Expires <= secret.NotBefore)
            errors.Add($"{place}: it expires before it begins.");
    }

    private static void CheckKey(List<string> errors, string place, OperatorKeySettings key)
    {
        if (!IsName(key.Name))
            errors.Add($"{place}.name: give a letter or digit, then up to 99 letters, digits, '.', '_' or '-'.");
        if (key.Tenant != OperatorKey.EveryTenant && !IsName(key.Tenant))
            errors.Add($"{place}.tenant: name one tenant, or give '*' for the whole installation.");
        if (ParseRole(key.Role) is null)
            errors.Add($"{place}.role: '{key.Role}' is none of viewer, operator.");
        if (SecretText.DecodeKeyHash(key.Hash) is null)
            errors.Add($"{place}.hash: give the SHA-256 of the key as 64 hexadecimal digits, never the key.");
        if (key.Expires <= key.NotBefore)
            errors.Add($"{place}: it expires before it begins.");
        if (key.RequestsPerSecond is < 0 or > 1_000_000)
            errors.Add($"{place}.requestsPerSecond: give 0 (no limit) to 1000000.");
    }

    private static void AddDoubles(List<string> errors, string place, string member, IEnumerable<string> values)
    {
        foreach (var name in values.Where(IsName).GroupBy(static value => value, StringComparer.Ordinal).Where(static group => group.Count() > 1))
            errors.Add($"{place}: the {member} '{name.Key}' is given {name.Count()} times.");
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}
