using WhatsAppMesh.Edge.Signatures;
using WhatsAppMesh.Edge.Sources;

namespace WhatsAppMesh.Edge;

/// <summary>Checks 3 to 5 of a request: who sends it, and does it prove it.</summary>
/// <param name="Source">The sender; set as soon as it is known, so that a refusal can be counted for it.</param>
/// <param name="Refusal">Why not; null when admitted.</param>
/// <param name="EventId">The event's id where a header carries it, else empty.</param>
/// <param name="IsOpaqueId">True when the id is text of the sender's own (Standard Webhooks); false when the contract demands a UUID.</param>
public readonly record struct Admission(Source? Source, Refusal? Refusal, string EventId = "", bool IsOpaqueId = false)
{
    private const string DefaultCollector = "default";

    /// <summary>A collector on the first generation's path: a signature over the body alone is taken too.</summary>
    public static Admission CollectorV1(SourceCatalog catalog, HttpRequest request, ReadOnlySpan<byte> body, DateTimeOffset now) =>
        Collector(catalog, request, body, now, CollectorSchemes.All);

    /// <summary>A collector on the second generation's path: the signature must cover the event id.</summary>
    public static Admission CollectorV2(SourceCatalog catalog, HttpRequest request, ReadOnlySpan<byte> body, DateTimeOffset now) =>
        Collector(catalog, request, body, now, CollectorSchemes.IdAndBody | CollectorSchemes.StandardWebhooks);

    /// <summary>A trigger's sender, found by the trigger's id in the path.</summary>
    public static Admission Trigger(SourceCatalog catalog, HttpRequest request, ReadOnlySpan<byte> body, DateTimeOffset now)
    {
        var source = catalog.Find(SourceKind.Trigger, request.RouteValues["triggerId"] as string ?? "");
        if (source is not null && !source.Keys.HasLive(now))
            return new Admission(source, Refusal.NoLiveSecret);

        // Nothing here may depend on the trigger, or its id and its scheme could be guessed: without any signature all answer the same, and
        // one in a header that this trigger does not read is as wrong as one for a trigger that does not exist.
        if (!SignatureCheck.BringsTriggerSignature(request.Headers))
            return new Admission(source, Refusal.MissingSignature);
        var checkedAs = source ?? SourceCatalog.Unknown;
        var verdict = SignatureCheck.Trigger(request.Headers, body, checkedAs.Keys, checkedAs.Scheme, now);
        return new Admission(source, source is null ? Refusal.UnknownSource : Refusal.Of(verdict, Refusal.SignatureElsewhere));
    }

    /// <summary>A WAHA server, named like a collector.</summary>
    public static Admission Waha(SourceCatalog catalog, HttpRequest request, ReadOnlySpan<byte> body, DateTimeOffset now)
    {
        var source = FindNamed(catalog, SourceKind.Waha, request);
        if (source is not null && !source.Keys.HasLive(now))
            return new Admission(source, Refusal.NoLiveSecret);
        var verdict = SignatureCheck.Waha(request.Headers, body, (source ?? SourceCatalog.UnknownWaha).Keys, now);
        return new Admission(source, source is null ? Refusal.UnknownSource : Refusal.Of(verdict, Refusal.MissingSignature));
    }

    /// <summary>A CRM, known by its API key.</summary>
    public static Admission Crm(SourceCatalog catalog, HttpRequest request, ReadOnlySpan<byte> body, DateTimeOffset now) =>
        WithApiKey(catalog.Crm, request, now, legacy: false);

    /// <summary>A broker, known by its API key.</summary>
    public static Admission Broker(SourceCatalog catalog, HttpRequest request, ReadOnlySpan<byte> body, DateTimeOffset now) =>
        WithApiKey(catalog.Broker, request, now, legacy: true);

    /// <summary>An Evolution server, known by its API key in a header or, as it sends by default, in the body.</summary>
    public static Admission Evolution(SourceCatalog catalog, HttpRequest request, ReadOnlySpan<byte> body, DateTimeOffset now)
    {
        Span<byte> hash = stackalloc byte[ApiKeyCheck.HashSize];
        var verdict = EvolutionKeyCheck.Read(request.Headers, body, hash);
        return OfApiKey(catalog.Evolution, verdict, hash, now);
    }

    private static Admission Collector(
        SourceCatalog catalog, HttpRequest request, ReadOnlySpan<byte> body, DateTimeOffset now, CollectorSchemes taken)
    {
        var source = FindNamed(catalog, SourceKind.Collector, request);
        if (source is not null && !source.Keys.HasLive(now))
            return new Admission(source, Refusal.NoLiveSecret);
        var checkedAs = source ?? SourceCatalog.Unknown;
        var verdict = SignatureCheck.Collector(
            request.Headers, body, checkedAs.Keys, checkedAs.WebhookKeys, checkedAs.Schemes & taken, now, out var eventId);
        var refusal = source is null ? Refusal.UnknownSource : Refusal.Of(verdict, Refusal.MissingSignatureOrId);

        // Headers of both styles at once are ambiguous: an accepted request with this one is a Standard Webhook.
        return new Admission(source, refusal, eventId, IsOpaqueId: request.Headers.ContainsKey("webhook-id"));
    }

    private static Admission WithApiKey(ApiKeyRing<Source> ring, HttpRequest request, DateTimeOffset now, bool legacy)
    {
        Span<byte> hash = stackalloc byte[ApiKeyCheck.HashSize];
        var verdict = ApiKeyCheck.Read(request.Headers, legacy, hash);
        return OfApiKey(ring, verdict, hash, now);
    }

    private static Admission OfApiKey(ApiKeyRing<Source> ring, SignatureVerdict verdict, ReadOnlySpan<byte> hash, DateTimeOffset now)
    {
        if (ring.IsConfigured && !ring.HasLive(now))
            return new Admission(null, Refusal.NoLiveSecret);
        if (verdict == SignatureVerdict.Missing)
            return new Admission(null, Refusal.MissingApiKey);
        if (verdict == SignatureVerdict.Ambiguous)
            return new Admission(null, Refusal.AmbiguousApiKey);
        if (verdict != SignatureVerdict.Accepted)
            return new Admission(null, Refusal.InvalidApiKey);
        var source = ring.Find(hash, now);
        return new Admission(source, source is null ? Refusal.InvalidApiKey : null);
    }

    // Two X-Collector headers name nobody: which one a proxy in front has looked at cannot be known.
    private static Source? FindNamed(SourceCatalog catalog, SourceKind kind, HttpRequest request)
    {
        var header = request.Headers["X-Collector"];
        return header.Count switch
        {
            0 => catalog.Find(kind, DefaultCollector),
            1 => catalog.Find(kind, header[0] is { Length: > 0 } name ? name : DefaultCollector),
            _ => null,
        };
    }
}
