namespace WhatsAppMesh.DevSidecar.Grpc;

/// <summary>daprd's gRPC API, a part for each of its building blocks; <see cref="DaprMethods"/> binds their methods.</summary>
internal sealed class DaprService(StateCalls state, SecretCalls secrets, PublishCalls publish, MetadataCalls metadata)
{
    public StateCalls State => state;

    public SecretCalls Secrets => secrets;

    public PublishCalls Publish => publish;

    public MetadataCalls Metadata => metadata;
}
