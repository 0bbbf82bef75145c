namespace WhatsAppMesh.Edge.Operator;

/// <summary>Whom the operator API asks: the section <c>Edge:Operator</c>. All are Dapr app ids, reached through edge's sidecar.</summary>
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

    internal IReadOnlyList<string> ConsumersOrDefault => Consumers.Count > 0 ? Consumers : DefaultConsumers;
}
