using System.Collections.Concurrent;
using WhatsAppMesh.DevSidecar.Components;

namespace WhatsAppMesh.DevSidecar.Resiliency;

/// <summary>Finds the policy of an operation among the loaded Resiliency resources, defaults by name included.</summary>
/// <param name="specs">The resources, in order; the first that knows a target wins.</param>
/// <param name="time">Clock of waits, timeouts and breakers.</param>
public sealed class ResiliencyPolicies(IReadOnlyList<ResiliencySpec> specs, TimeProvider time)
{
    /// <summary>Breakers of components are keyed by the component's name alone: inbound and outbound share one, the first user's settings hold.</summary>
    private readonly ConcurrentDictionary<string, CircuitBreaker> _componentBreakers = new();
    private readonly ConcurrentDictionary<(string App, string Method), CircuitBreaker> _appBreakers = new();

    /// <summary>Dapr's built-in retries of sidecar-to-sidecar calls: constant 1 s, three times.</summary>
    public RetryPolicy BuiltInServiceRetries => Named(spec => spec.Retries, "DaprBuiltInServiceRetries") is { } named
        ? named with { MaxRetries = named.MaxRetries < 3 ? 3 : named.MaxRetries }
        : new RetryPolicy { Duration = TimeSpan.FromSeconds(1), MaxRetries = 3 };

    /// <summary>Whether a target or a default names the app.</summary>
    public bool HasAppPolicy(string appId) => specs.Any(spec => spec.Apps.ContainsKey(appId)) || DefaultTarget(["App", ""]) is not null;

    /// <summary>Policy of calls to an app or HTTP endpoint; breakers are per app and method.</summary>
    public Policy ForApp(string appId, string method)
    {
        var found = Find(spec => spec.Apps.TryGetValue(appId, out var listed) ? (spec, listed) : null) ?? DefaultTarget(["App", ""]);
        return Build(found, breaker => _appBreakers.GetOrAdd((appId, method), static (_, made) => made(), breaker));
    }

    /// <summary>Policy of deliveries from a component to the app; without a target: one attempt.</summary>
    public Policy ForInbound(Component component)
    {
        ArgumentNullException.ThrowIfNull(component);
        return ForComponent(component, inbound: true);
    }

    /// <summary>Policy of calls of a component; without a target: one attempt.</summary>
    public Policy ForOutbound(Component component)
    {
        ArgumentNullException.ThrowIfNull(component);
        return ForComponent(component, inbound: false);
    }

    private Policy ForComponent(Component component, bool inbound)
    {
        var direction = inbound ? "Inbound" : "Outbound";
        var type = component.Kind switch { ComponentKind.PubSub => "Pubsub", ComponentKind.State => "Statestore", _ => "Secretstore" };
        // A listed component without a policy for this direction gets none: the defaults are for components that are not listed.
        var found = specs.Any(spec => spec.Components.ContainsKey(component.Name))
            ? Find(spec => spec.Components.TryGetValue(component.Name, out var sides) && (inbound ? sides.Inbound : sides.Outbound) is { } side ? (spec, side) : null)
            : DefaultTarget([$"{type}Component{direction}", $"Component{direction}", "Component", ""]);
        return Build(found, breaker => _componentBreakers.GetOrAdd(component.Name, static (_, made) => made(), breaker));
    }

    private (ResiliencySpec Spec, TargetPolicies Target)? Find(Func<ResiliencySpec, (ResiliencySpec Spec, TargetPolicies Target)?> find) =>
        specs.Select(find).FirstOrDefault(found => found is not null);

    /// <summary>Policies that apply by their name, for example DefaultPubsubComponentInboundRetryPolicy; the most specific name wins.</summary>
    private (ResiliencySpec Spec, TargetPolicies Target)? DefaultTarget(string[] levels)
    {
        foreach (var spec in specs)
        {
            var target = new TargetPolicies(
                FirstKnown(spec.Timeouts.Keys, "TimeoutPolicy"),
                FirstKnown(spec.Retries.Keys, "RetryPolicy"),
                FirstKnown(spec.Breakers.Keys, "CircuitBreakerPolicy"));
            if (target is not (null, null, null))
                return (spec, target);
        }

        return null;

        string? FirstKnown(IEnumerable<string> names, string suffix) =>
            levels.Select(level => $"Default{level}{suffix}").FirstOrDefault(names.Contains);
    }

    private T? Named<T>(Func<ResiliencySpec, IReadOnlyDictionary<string, T>> policies, string name)
        where T : class =>
        specs.Select(spec => policies(spec).TryGetValue(name, out var policy) ? policy : null).FirstOrDefault(policy => policy is not null);

    private Policy Build((ResiliencySpec Spec, TargetPolicies Target)? found, Func<Func<CircuitBreaker>, CircuitBreaker> shared)
    {
        if (found is not var (spec, target))
            return Policy.None;

        var breaker = target.CircuitBreaker is { } name ? shared(() => new CircuitBreaker(spec.Breakers[name], time)) : null;
        var retry = target.Retry is { } retries ? spec.Retries[retries] : RetryPolicy.None;
        var timeout = target.Timeout is { } limit && spec.Timeouts[limit] > TimeSpan.Zero ? spec.Timeouts[limit] : (TimeSpan?)null;
        return new Policy(retry, timeout, breaker, time);
    }
}
