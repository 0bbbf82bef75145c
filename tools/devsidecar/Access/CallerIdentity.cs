namespace WhatsAppMesh.DevSidecar.Access;

/// <summary>Who a sidecar is to the others: what its certificate would say under mTLS.</summary>
/// <param name="TrustDomain">That of its own access control; <c>public</c> where it has none.</param>
/// <param name="Namespace">Its namespace.</param>
/// <param name="AppId">The app it stands for.</param>
internal sealed record CallerIdentity(string TrustDomain, string Namespace, string AppId)
{
    /// <summary>The SPIFFE id in its certificate.</summary>
    public override string ToString() => $"spiffe://{TrustDomain}/ns/{Namespace}/{AppId}";
}
