using WhatsAppMesh.Edge.Limits;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>
/// What requests of the operator API may hold while they are answered. Apart from the doors' budget: however slow operators or the services
/// behind edge are, a collector finds its place.
/// </summary>
internal sealed class OperatorBudget(OperatorOptions options)
{
    /// <summary>Places and bytes.</summary>
    public BodyBudget Bodies { get; } = new(options.ConcurrentRequests, options.BufferedBytes);
}
