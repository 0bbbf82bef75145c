using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Resiliency;

/// <summary>Names of the policies of one target; each may be missing.</summary>
/// <param name="Timeout">Name of a timeout.</param>
/// <param name="Retry">Name of a retry policy.</param>
/// <param name="CircuitBreaker">Name of a circuit breaker.</param>
public sealed record TargetPolicies(string? Timeout, string? Retry, string? CircuitBreaker);

/// <summary>A Resiliency resource.</summary>
public sealed record ResiliencySpec
{
    /// <summary>metadata.name.</summary>
    public required string Name { get; init; }

    /// <summary>Timeouts by name.</summary>
    public required IReadOnlyDictionary<string, TimeSpan> Timeouts { get; init; }

    /// <summary>Retry policies by name.</summary>
    public required IReadOnlyDictionary<string, RetryPolicy> Retries { get; init; }

    /// <summary>Circuit breakers by name.</summary>
    public required IReadOnlyDictionary<string, BreakerPolicy> Breakers { get; init; }

    /// <summary>Targets by app id.</summary>
    public required IReadOnlyDictionary<string, TargetPolicies> Apps { get; init; }

    /// <summary>Inbound and outbound targets by component name; each side null when not given.</summary>
    public required IReadOnlyDictionary<string, (TargetPolicies? Inbound, TargetPolicies? Outbound)> Components { get; init; }

    internal static ResiliencySpec Read(ResourceDocument document)
    {
        var root = document.Root.Ignore("apiVersion", "kind", "metadata", "scopes");
        var spec = root.Object("spec");
        var policies = spec.Object("policies");
        var targets = spec.Object("targets");
        var resiliency = new ResiliencySpec
        {
            Name = document.Name,
            Timeouts = policies.TextMap("timeouts").ToDictionary(pair => pair.Key, pair => Duration(pair.Value, $"{policies.Place}: timeouts: {pair.Key}")),
            Retries = policies.ObjectMap("retries").ToDictionary(pair => pair.Key, pair => ReadRetry(pair.Value)),
            Breakers = policies.ObjectMap("circuitBreakers").ToDictionary(pair => pair.Key, pair => ReadBreaker(pair.Value)),
            Apps = targets.ObjectMap("apps").ToDictionary(pair => pair.Key, pair => ReadTarget(pair.Value.Ignore("circuitBreakerCacheSize"))),
            Components = targets.ObjectMap("components").ToDictionary(pair => pair.Key, pair => ReadComponent(pair.Value)),
        };
        if (targets.Object("actors").Exists)
            throw new StartFailure($"{targets.Place}: actors are not supported by the development sidecar.");

        policies.Done();
        targets.Done();
        spec.Done();
        root.Done();
        resiliency.CheckNames(root.Place);
        return resiliency;
    }

    private static RetryPolicy ReadRetry(YamlObject node)
    {
        var policy = node.Text("policy") ?? "constant";
        if (policy is not ("constant" or "exponential"))
            throw new StartFailure($"{node.Place}: policy must be constant or exponential, not '{policy}'.");

        var matching = node.Object("matching");
        var retry = new RetryPolicy
        {
            Exponential = policy == "exponential",
            Duration = OptionalDuration(node, "duration") ?? TimeSpan.FromSeconds(5),
            MaxInterval = OptionalDuration(node, "maxInterval") ?? TimeSpan.FromSeconds(60),
            MaxRetries = node.Number("maxRetries") ?? -1,
            HttpStatusCodes = Codes(matching, "httpStatusCodes"),
            GrpcStatusCodes = Codes(matching, "gRPCStatusCodes"),
        };
        matching.Done();
        node.Done();
        return retry;
    }

    private static BreakerPolicy ReadBreaker(YamlObject node)
    {
        var trip = node.Text("trip");
        var breaker = new BreakerPolicy
        {
            MaxRequests = Math.Max(node.Number("maxRequests") ?? 1, 1),
            Interval = OptionalDuration(node, "interval") ?? TimeSpan.Zero,
            Timeout = OptionalDuration(node, "timeout") is { } open && open > TimeSpan.Zero ? open : TimeSpan.FromSeconds(60),
            Trip = trip is null ? TripRule.Default : TripRule.Parse(trip) ?? throw new StartFailure(
                $"{node.Place}: the development sidecar only evaluates trip rules such as consecutiveFailures > 5, not '{trip}'."),
        };
        node.Done();
        return breaker;
    }

    private static (TargetPolicies? Inbound, TargetPolicies? Outbound) ReadComponent(YamlObject node)
    {
        var inbound = node.Object("inbound");
        var outbound = node.Object("outbound");
        node.Done();
        return (inbound.Exists ? ReadTarget(inbound) : null, outbound.Exists ? ReadTarget(outbound) : null);
    }

    private static TargetPolicies ReadTarget(YamlObject node)
    {
        var target = new TargetPolicies(node.Text("timeout"), node.Text("retry"), node.Text("circuitBreaker"));
        node.Done();
        return target;
    }

    private static CodeRanges? Codes(YamlObject matching, string name) => matching.Text(name) is not { } text
        ? null
        : CodeRanges.Parse(text) ?? throw new StartFailure($"{matching.Place}: {name} must be codes such as 429,500-599, not '{text}'.");

    private static TimeSpan? OptionalDuration(YamlObject node, string name) => node.Text(name) is { } text ? Duration(text, $"{node.Place}: {name}") : null;

    private static TimeSpan Duration(string text, string place) =>
        Durations.Parse(text) ?? throw new StartFailure($"{place} must be a duration such as 300ms or 5s, not '{text}'.");

    private void CheckNames(string place)
    {
        var used = Apps.Values.Concat(Components.Values.SelectMany(sides => new[] { sides.Inbound, sides.Outbound }).OfType<TargetPolicies>()).ToList();
        Check(used.Select(target => target.Timeout), Timeouts.Keys, "timeout");
        Check(used.Select(target => target.Retry), Retries.Keys, "retry policy");
        Check(used.Select(target => target.CircuitBreaker), Breakers.Keys, "circuit breaker");

        void Check(IEnumerable<string?> names, IEnumerable<string> known, string what)
        {
            if (names.FirstOrDefault(name => name is not null && !known.Contains(name)) is { } unknown)
                throw new StartFailure($"{place} {Name}: a target names the {what} {unknown}, which the resource does not define.");
        }
    }
}
