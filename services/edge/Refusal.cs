using WhatsAppMesh.Edge.Limits;
using WhatsAppMesh.Edge.Signatures;
using WhatsAppMesh.Edge.Sources;

namespace WhatsAppMesh.Edge;

/// <summary>One way in which edge itself answers a request with an error. The instances below are all there are.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Code">Stable code for clients.</param>
/// <param name="Error">Short text for people, the one older systems used where they had one.</param>
/// <param name="Reason">What a metric says; finer than the code, which must not tell an attacker how near he came.</param>
/// <param name="Outcome">The metric's outcome.</param>
public sealed record Refusal(int Status, string Code, string Error, string Reason, string Outcome = "refused")
{
    /// <summary>The answer cannot be read on this connection's terms any more (part of a body is still under way): it ends with it.</summary>
    public bool ClosesConnection { get; private init; }

    /// <summary>More bodies in flight than configured.</summary>
    public static Refusal TooManyBodies { get; } = Limited("too_many_bodies");

    /// <summary>The bodies in flight hold all the memory they may.</summary>
    public static Refusal TooManyBytes { get; } = Limited("too_many_bytes") with { ClosesConnection = true };

    /// <summary>More requests from this address than configured.</summary>
    public static Refusal TooManyFromAddress { get; } = Limited("address_rate");

    /// <summary>More bodies under way from this address than configured.</summary>
    public static Refusal TooManyBodiesFromAddress { get; } = Limited("address_bodies");

    /// <summary>More requests from this source than configured.</summary>
    public static Refusal TooManyFromSource { get; } = Limited("source_rate");

    /// <summary>The body is over its cap.</summary>
    public static Refusal BodyTooLarge { get; } = new(413, "body_too_large", "Body too large", "body_too_large") { ClosesConnection = true };

    /// <summary>The body came too slowly.</summary>
    public static Refusal BodyTooSlow { get; } =
        new(408, "body_timeout", "The body did not arrive in time", "body_timeout") { ClosesConnection = true };

    /// <summary>
    /// The body broke off or its chunks do not add up. A cut connection or a proxy that ended looks like that, and a collector gives an event
    /// up for lost at a 400: so this says "come again".
    /// </summary>
    public static Refusal BodyBroken { get; } =
        new(408, "incomplete_body", "The body did not arrive whole", "incomplete_body") { ClosesConnection = true };

    /// <summary>The framing of the request can be read in two ways. No network does that to a request: somebody made it so.</summary>
    public static Refusal MalformedRequest { get; } =
        new(400, "malformed_request", "Malformed HTTP request", "malformed_request") { ClosesConnection = true };

    /// <summary>The content is not JSON in UTF-8.</summary>
    public static Refusal NotJson { get; } =
        new(415, "unsupported_media_type", "Content type must be application/json in UTF-8", "unsupported_media_type");

    /// <summary>Nobody of this name may post: told apart from a wrong signature by the metric alone.</summary>
    public static Refusal UnknownSource { get; } = WrongProof("unknown_source");

    /// <summary>The source is known, but none of its secrets counts now.</summary>
    public static Refusal NoLiveSecret { get; } =
        new(500, "secret_not_configured", "No secret is configured for this source", "secret_not_configured", "failed");

    /// <summary>A collector's signature or event id is missing.</summary>
    public static Refusal MissingSignatureOrId { get; } = new(401, "missing_signature", "Missing signature or event id", "missing_signature");

    /// <summary>A signature is missing where no event id is needed.</summary>
    public static Refusal MissingSignature { get; } = MissingSignatureOrId with { Error = "Missing signature" };

    /// <summary>There is a signature, but not in the header that this sender's scheme names.</summary>
    public static Refusal SignatureElsewhere { get; } = WrongProof("missing_signature");

    /// <summary>No API key was sent.</summary>
    public static Refusal MissingApiKey { get; } = new(401, "missing_api_key", "Missing API key", "missing_api_key");

    /// <summary>No sender has this API key.</summary>
    public static Refusal InvalidApiKey { get; } = new(401, "invalid_api_key", "Invalid API key", "wrong_api_key");

    /// <summary>Two different API keys were sent.</summary>
    public static Refusal AmbiguousApiKey { get; } = InvalidApiKey with { Reason = "ambiguous" };

    /// <summary>The lead's id in the path cannot be one.</summary>
    public static Refusal InvalidLeadId { get; } =
        new(400, "invalid_lead_id", "A lead id has 1 to 200 letters, digits, '.', '_', ':', '@', '+', '~' or '-'", "invalid_lead_id");

    /// <summary>Two Idempotency-Key headers.</summary>
    public static Refusal RepeatedIdempotencyKey { get; } =
        new(400, "invalid_idempotency_key", "Idempotency-Key must be sent once", "invalid_idempotency_key");

    /// <summary>The header that names a trigger's delivery came twice, or cannot be a name.</summary>
    public static Refusal InvalidDeliveryId { get; } = new(
        400,
        "invalid_delivery_id",
        $"The header that names the delivery must be sent once, with 1 to {DeliveryNames.MaxIdLength} visible ASCII characters",
        "invalid_delivery_id");

    /// <summary>ingest did not answer, or not with an answer for this client.</summary>
    public static Refusal Unavailable { get; } = new(503, "unavailable", "Temporarily unavailable, try again", "ingest_unavailable", "failed");

    private static readonly Refusal Ambiguous = WrongProof("ambiguous");
    private static readonly Refusal Malformed = WrongProof("malformed_signature");
    private static readonly Refusal WrongSignature = WrongProof("wrong_signature");
    private static readonly Refusal OutsideWindow = WrongProof("outside_window");
    private static readonly Refusal SchemeNotAllowed = WrongProof("scheme_not_allowed");

    /// <summary>Every reason of who did not prove who he is: what the alert on refused senders counts.</summary>
    internal static IReadOnlyList<string> ProofReasons { get; } =
    [
        .. ((Refusal[])[WrongSignature, SignatureElsewhere, Malformed, OutsideWindow, SchemeNotAllowed, UnknownSource, InvalidApiKey, MissingApiKey, Ambiguous])
            .Select(static refusal => refusal.Reason),
    ];

    /// <summary>The answer to a signature's verdict; null when it is accepted.</summary>
    /// <param name="verdict">The verdict.</param>
    /// <param name="missing">The answer where something is missing.</param>
    public static Refusal? Of(SignatureVerdict verdict, Refusal missing) => verdict switch
    {
        SignatureVerdict.Accepted => null,
        SignatureVerdict.Missing => missing,
        SignatureVerdict.Ambiguous => Ambiguous,
        SignatureVerdict.Malformed => Malformed,
        SignatureVerdict.OutsideWindow => OutsideWindow,
        SignatureVerdict.SchemeNotAllowed => SchemeNotAllowed,
        _ => WrongSignature,
    };

    /// <summary>The answer to reading a body; null when it is complete, or when nobody is there to hear one.</summary>
    public static Refusal? Of(BodyVerdict verdict) => verdict switch
    {
        BodyVerdict.TooLarge => BodyTooLarge,
        BodyVerdict.OverBudget => TooManyBytes,
        BodyVerdict.TooSlow => BodyTooSlow,
        BodyVerdict.Broken => BodyBroken,
        _ => null,
    };

    private static Refusal WrongProof(string reason) => new(401, "invalid_signature", "Invalid signature", reason);

    private static Refusal Limited(string reason) => new(429, "rate_limited", "Too many requests", reason, "limited");
}
