namespace WhatsAppMesh.Edge.Signatures;

/// <summary>The time in which a secret counts: from <paramref name="NotBefore"/> (inclusive) to <paramref name="Expires"/> (exclusive).</summary>
/// <param name="NotBefore">Start; open when null.</param>
/// <param name="Expires">End; open when null.</param>
public readonly record struct Validity(DateTimeOffset? NotBefore, DateTimeOffset? Expires)
{
    /// <summary>True when the secret counts at this moment.</summary>
    public bool IsLiveAt(DateTimeOffset now) => !(now < NotBefore) && !(now >= Expires);
}
