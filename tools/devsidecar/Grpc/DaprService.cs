namespace WhatsAppMesh.DevSidecar.Grpc;

/// <summary>daprd's gRPC API, a part for each of its building blocks; <see cref="DaprMethods"/> binds their methods.</summary>
internal sealed class DaprService(
    StateCalls state, SecretCalls secrets, PublishCalls publish, SubscribeCalls subscribe, InvokeCalls invoke, MetadataCalls metadata, AbsentCalls absent)
{
    public StateCalls State => state;

    public SecretCalls Secrets => secrets;

    public PublishCalls Publish => publish;

    public SubscribeCalls Subscribe => subscribe;

    public InvokeCalls Invoke => invoke;

    public MetadataCalls Metadata => metadata;

    public AbsentCalls Absent => absent;
}
