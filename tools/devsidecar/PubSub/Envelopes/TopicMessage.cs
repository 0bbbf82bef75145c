namespace WhatsAppMesh.DevSidecar.PubSub.Envelopes;

/// <summary>What a delivery must know of a stored envelope without parsing it.</summary>
[Flags]
internal enum EnvelopeTraits
{
    /// <summary>Deliver the bytes as they are, single and in bulk.</summary>
    None = 0,

    /// <summary>A bulk delivery re-encodes the envelope: a number changes on its way through a double, or the bytes were published raw.</summary>
    RewriteInBulk = 1,

    /// <summary>The envelope has an expiration.</summary>
    Expires = 2,

    /// <summary>The bytes are no CloudEvent a subscriber could be given: raw payload that is no JSON object, a number no double holds.</summary>
    Unparsable = 4,
}

/// <summary>A message as a topic keeps it.</summary>
/// <param name="Bytes">The finished envelope, or the raw payload.</param>
/// <param name="Metadata">Its metadata as a JSON object; null when it has none.</param>
/// <param name="Traits">What is known of the envelope.</param>
internal sealed record TopicMessage(byte[] Bytes, string? Metadata, EnvelopeTraits Traits);
