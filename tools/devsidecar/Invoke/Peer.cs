namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>A running sidecar that others may call.</summary>
/// <param name="AppId">The app it stands for.</param>
/// <param name="Instance">Which replica; new at every start.</param>
/// <param name="Address">Base address of its internal port.</param>
/// <param name="Key">What a caller must show on that port, so that only sidecars of this mesh get past the API token.</param>
internal sealed record Peer(string AppId, Guid Instance, string Address, string Key);
