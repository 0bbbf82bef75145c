namespace WhatsAppMesh.Edge.Signatures;

/// <summary>
/// What became of a request's proof of origin: the closed set that <see cref="SignatureCheck"/> and <see cref="ApiKeyCheck"/> answer with.
/// A client hears one text for all of them but <see cref="Missing"/>; the operator sees the verdict as a metric's reason.
/// </summary>
public enum SignatureVerdict
{
    /// <summary>The proof holds.</summary>
    Accepted,

    /// <summary>A header that the scheme needs is absent or empty.</summary>
    Missing,

    /// <summary>A header came twice, or two schemes were used at once: which one is meant cannot be known, so neither counts.</summary>
    Ambiguous,

    /// <summary>A header cannot be decoded (not hexadecimal, not base64, wrong length, no number).</summary>
    Malformed,

    /// <summary>No live secret gives this signature.</summary>
    WrongSignature,

    /// <summary>The signature is right, but its time lies outside the window.</summary>
    OutsideWindow,

    /// <summary>The source does not allow this scheme, or has no secret that fits it.</summary>
    SchemeNotAllowed,
}
