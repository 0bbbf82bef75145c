using System.Text.Json;
using System.Text.Json.Serialization;

namespace WhatsAppMesh.Edge.Sources;

/// <summary>
/// Everybody who may post, as configured: in the section <c>Edge</c> (keys <c>Edge:Sources</c>, <c>Edge:Triggers</c>, ...) and in the JSON file
/// <c>Edge:SourcesFile</c>, which has the same shape. Entries of both count together.
/// </summary>
public sealed record CatalogSettings
{
    /// <summary>Collectors, chosen by the header <c>X-Collector</c> (default name: <c>default</c>). Default: none.</summary>
    public IReadOnlyList<SourceSettings> Sources { get; init => field = Given.Entries(value); } = [];

    /// <summary>Triggers; the name is the id in the path of the trigger's webhook. Default: none.</summary>
    public IReadOnlyList<SourceSettings> Triggers { get; init => field = Given.Entries(value); } = [];

    /// <summary>CRMs that post lead stages, known by their API keys. Default: none.</summary>
    public IReadOnlyList<SourceSettings> Crm { get; init => field = Given.Entries(value); } = [];

    /// <summary>Brokers that post messages, known by their API keys. Default: none.</summary>
    public IReadOnlyList<SourceSettings> Broker { get; init => field = Given.Entries(value); } = [];

    /// <summary>WAHA servers, chosen by the header <c>X-Collector</c> (default name: <c>default</c>). Default: none.</summary>
    public IReadOnlyList<SourceSettings> Waha { get; init => field = Given.Entries(value); } = [];

    /// <summary>Evolution API and Evolution Go servers, known by their API keys. Default: none.</summary>
    public IReadOnlyList<SourceSettings> Evolution { get; init => field = Given.Entries(value); } = [];

    /// <summary>Keys of the operator API. Default: none, and then nobody may use it.</summary>
    public IReadOnlyList<OperatorKeySettings> ApiKeys { get; init => field = Given.Entries(value); } = [];

    /// <summary>The lists with their kinds, in a fixed order.</summary>
    public IEnumerable<(SourceKind Kind, IReadOnlyList<SourceSettings> Entries)> ByKind() =>
    [
        (SourceKind.Collector, Sources), (SourceKind.Trigger, Triggers), (SourceKind.Crm, Crm), (SourceKind.Broker, Broker), (SourceKind.Waha, Waha),
        (SourceKind.Evolution, Evolution),
    ];

    /// <summary>The entries of both.</summary>
    public CatalogSettings With(CatalogSettings other) => new()
    {
        Sources = [.. Sources, .. other.Sources],
        Triggers = [.. Triggers, .. other.Triggers],
        Crm = [.. Crm, .. other.Crm],
        Broker = [.. Broker, .. other.Broker],
        Waha = [.. Waha, .. other.Waha],
        Evolution = [.. Evolution, .. other.Evolution],
        ApiKeys = [.. ApiKeys, .. other.ApiKeys],
    };
}

/// <summary>What kind of sender a source is; it decides the door and the proof.</summary>
public enum SourceKind
{
    /// <summary>A collector: signs its events.</summary>
    Collector,

    /// <summary>A trigger's sender: signs under one of several conventions.</summary>
    Trigger,

    /// <summary>A CRM: has API keys.</summary>
    Crm,

    /// <summary>A message broker: has API keys.</summary>
    Broker,

    /// <summary>A WAHA server: signs with HMAC-SHA512.</summary>
    Waha,

    /// <summary>An Evolution API or Evolution Go server: has API keys.</summary>
    Evolution,
}

/// <summary>One sender.</summary>
public sealed record SourceSettings
{
    /// <summary>
    /// Name (for a trigger: its id): a letter or digit, then up to 99 letters, digits, '.', '_' or '-'. Required, unique in its list.
    /// </summary>
    public string Name { get; init => field = value ?? ""; } = "";

    /// <summary>Tenant whose events these are; same characters as a name. Default: <c>Edge:DefaultTenant</c>.</summary>
    public string? Tenant { get; init; }

    /// <summary>Collectors only: <c>body</c>, <c>id-and-body</c>, <c>standard-webhooks</c>. Default: all that the path takes.</summary>
    public IReadOnlyList<string>? Schemes { get; init; }

    /// <summary>Triggers only: <c>hmac</c>, <c>github</c>, <c>stripe</c> or <c>linear</c>. Default: <c>hmac</c>.</summary>
    public string? Scheme { get; init; }

    /// <summary>Triggers only: header that names a delivery. Default: <c>X-GitHub-Delivery</c>, <c>Linear-Delivery</c>, else none.</summary>
    public string? DeliveryHeader { get; init => field = Given.Text(value); }

    /// <summary>
    /// Triggers only: member of the body that names a delivery, as a path (<c>event.id</c>). Default: <c>id</c> for Stripe, else none.
    /// </summary>
    public string? DeliveryField { get; init => field = Given.Text(value); }

    /// <summary>
    /// Triggers only: member that names what a post is about, as a path; alone it names no delivery. Default: <c>messageId</c>, else
    /// <c>data.messageId</c>.
    /// </summary>
    public string? EntityField { get; init => field = Given.Text(value); }

    /// <summary>
    /// Triggers only: member that tells posts about one entity apart, as a path; <c>-</c> for none. Default: <c>status</c>, else <c>event</c>.
    /// </summary>
    public string? StatusField { get; init => field = Given.Text(value); }

    /// <summary>Requests per second on average; 0 means no limit. Default: <c>Edge:Limits:SourceRequestsPerSecond</c>.</summary>
    public double? RequestsPerSecond { get; init; }

    /// <summary>Requests at once after a pause. Default: two seconds' worth.</summary>
    public int? Burst { get; init; }

    /// <summary>Secrets (or API keys), all of which count while they are live: a rotation adds the new one before the old one ends.</summary>
    public IReadOnlyList<SecretSettings> Secrets { get; init => field = Given.Entries(value); } = [];
}

/// <summary>One secret, by reference. Exactly one of env, file, store (with key), value and keyHash says what it is; an empty one counts as absent.</summary>
public sealed record SecretSettings
{
    /// <summary>Name for logs and messages. Required, unique within its source.</summary>
    public string Id { get; init => field = value ?? ""; } = "";

    /// <summary>Counts from then on (ISO 8601 with offset). Default: always.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>Counts no longer from then on (ISO 8601 with offset). Default: never.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>Environment variable that holds it.</summary>
    public string? Env { get; init => field = Given.Text(value); }

    /// <summary>File that holds it (a mounted secret); line ends at the end of the file do not count.</summary>
    public string? File { get; init => field = Given.Text(value); }

    /// <summary>Dapr secret store that holds it, under <see cref="Key"/>.</summary>
    public string? Store { get; init => field = Given.Text(value); }

    /// <summary>Its key in <see cref="Store"/>.</summary>
    public string? Key { get; init => field = Given.Text(value); }

    /// <summary>The secret itself: for development.</summary>
    public string? Value { get; init => field = Given.Text(value); }

    /// <summary>API keys only: SHA-256 of the key, hexadecimal, with or without <c>sha256:</c>.</summary>
    public string? KeyHash { get; init => field = Given.Text(value); }
}

/// <summary>One key of the operator API. Only its hash is known here; <c>./mesh keys new</c> makes both.</summary>
public sealed record OperatorKeySettings
{
    /// <summary>Name for audit trails, logs and metrics; characters as for a source's. Required, unique.</summary>
    public string Name { get; init => field = value ?? ""; } = "";

    /// <summary>The one tenant it may see, or <c>*</c> for the whole installation. Required.</summary>
    public string Tenant { get; init => field = value ?? ""; } = "";

    /// <summary><c>viewer</c> or <c>operator</c>. Required.</summary>
    public string Role { get; init => field = value ?? ""; } = "";

    /// <summary>SHA-256 of the key, hexadecimal, with or without <c>sha256:</c>. Required.</summary>
    public string Hash { get; init => field = value ?? ""; } = "";

    /// <summary>Counts from then on (ISO 8601 with offset). Default: always.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>Counts no longer from then on (ISO 8601 with offset). Default: never.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>Requests per second on average; 0 means no limit. Default: <c>Edge:Limits:KeyRequestsPerSecond</c>.</summary>
    public double? RequestsPerSecond { get; init; }
}

/// <summary>Members as JSON may bring them: absent, null, empty, or lists with null in them.</summary>
internal static class Given
{
    public static string? Text(string? text) => string.IsNullOrEmpty(text) ? null : text;

    public static IReadOnlyList<T> Entries<T>(IReadOnlyList<T?>? list) where T : class => list is null ? [] : [.. list.OfType<T>()];
}

/// <summary>Reads <see cref="CatalogSettings"/> without reflection and refuses members it does not know.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true)]
[JsonSerializable(typeof(CatalogSettings))]
internal sealed partial class CatalogJson : JsonSerializerContext;
