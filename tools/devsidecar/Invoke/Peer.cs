using System.Security.Cryptography;
using System.Text;
using WhatsAppMesh.DevSidecar.Access;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>A running sidecar that others may call.</summary>
/// <param name="Identity">The app it stands for, and who it is to others' access control.</param>
/// <param name="Instance">Which replica; new at every start.</param>
/// <param name="Address">Base address of its internal port.</param>
/// <param name="Key">What its proofs are made with. Apps know neither the table nor a key, so none can call in another's name.</param>
internal sealed record Peer(CallerIdentity Identity, Guid Instance, string Address, string Key)
{
    /// <summary>The app it stands for.</summary>
    public string AppId => Identity.AppId;

    /// <summary>What it shows to another sidecar: good for that one only.</summary>
    public string ProofTo(Guid callee) => Convert.ToHexString(HMACSHA256.HashData(Encoding.ASCII.GetBytes(Key), callee.ToByteArray()));
}
