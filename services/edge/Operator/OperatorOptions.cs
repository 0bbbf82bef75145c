namespace WhatsAppMesh.Edge.Operator;

/// <summary>The operator API: whom it asks, and what it may hold. The section <c>Edge:Operator</c>. Services are Dapr app ids, reached through edge's sidecar.</summary>
public sealed record OperatorOptions
{
    private static readonly string[] DefaultConsumers = ["membership", "dispatch"];

    /// <summary>The service that owns the lake. Default: <c>ingest</c>.</summary>
    public string Lake { get; init; } = "ingest";

    /// <summary>The service that knows groups and people. Default: <c>membership</c>.</summary>
    public string Membership { get; init; } = "membership";

    /// <summary>The service that automates and sends. Default: <c>dispatch</c>.</summary>
    public string Dispatch { get; init; } = "dispatch";

    /// <summary>Every service that consumes the log, so has an account and dead letters. Default (when empty): membership and dispatch.</summary>
    public IReadOnlyList<string> Consumers { get; init; } = [];

    /// <summary>Requests with a body, and requests on their way to dispatch, at once; more are answered 429. Default: 256.</summary>
    public int ConcurrentRequests { get; init; } = 256;

    /// <summary>Memory that their bodies may hold together, in bytes; more are answered 429. Default: 16 MiB.</summary>
    public long BufferedBytes { get; init; } = 16 * 1024 * 1024;

    internal IReadOnlyList<string> ConsumersOrDefault => Consumers.Count > 0 ? Consumers : DefaultConsumers;
}
