namespace WhatsAppMesh.Edge.Signatures;

/// <summary>How a collector may prove where an event comes from. A source allows a set of them.</summary>
[Flags]
public enum CollectorSchemes
{
    /// <summary>Nothing is allowed.</summary>
    None = 0,

    /// <summary>
    /// <c>X-Signature</c> over the body alone: the first generation's way. It does not bind the event id, so only the first generation's
    /// path ever takes it.
    /// </summary>
    Body = 1,

    /// <summary><c>X-Signature</c> over event id, a full stop and the body.</summary>
    IdAndBody = 2,

    /// <summary>The three <c>webhook-*</c> headers of Standard Webhooks (standardwebhooks.com), which also bind the time.</summary>
    StandardWebhooks = 4,

    /// <summary>Every scheme.</summary>
    All = Body | IdAndBody | StandardWebhooks,
}

/// <summary>Whose convention a trigger's sender follows when it signs.</summary>
public enum TriggerScheme
{
    /// <summary><c>X-Webhook-Signature</c> or <c>X-Signature</c>: hexadecimal HMAC-SHA256 over the body, with or without <c>sha256=</c>.</summary>
    Hmac,

    /// <summary><c>X-Hub-Signature-256</c>: <c>sha256=</c> and the hexadecimal HMAC-SHA256 over the body.</summary>
    GitHub,

    /// <summary><c>Stripe-Signature: t=..,v1=..</c>: HMAC-SHA256 over time, a full stop and the body; at most 300 s old.</summary>
    Stripe,

    /// <summary><c>Linear-Signature</c>: hexadecimal HMAC-SHA256 over the body.</summary>
    Linear,
}
