using Grpc.Core;

namespace WhatsAppMesh.Deliveries;

/// <summary>The lake, or a sidecar on the way to it, cannot answer now: whoever waits for it should come again.</summary>
/// <param name="cause">What the call said.</param>
public sealed class LakeException(RpcException cause) : Exception($"The lake cannot be asked now ({cause.StatusCode}): {cause.Status.Detail}", cause);
