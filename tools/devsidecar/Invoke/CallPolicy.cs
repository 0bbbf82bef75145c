using WhatsAppMesh.DevSidecar.Resiliency;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>The policy of one call.</summary>
/// <param name="Policy">Retries, timeout, breaker.</param>
/// <param name="BuiltIn">
/// The policy is Dapr's own for calls between sidecars: it retries only when the other sidecar was not reached, whatever its app says.
/// </param>
internal sealed record CallPolicy(Policy Policy, bool BuiltIn)
{
    public static CallPolicy None { get; } = new(Policy.None, BuiltIn: false);

    /// <summary>Policy of a call over HTTP: the target's own, else, to other sidecars, the built-in one.</summary>
    public static CallPolicy ForHttp(CallTarget target, string pathAndQuery, ResiliencyPolicies policies, TimeProvider time)
    {
        if (target is CallTarget.Outside outside)
            return new CallPolicy(policies.ForApp(target.Name, $"{target.Name}:{outside.Endpoint.BaseUrl}"), BuiltIn: false);
        if (target is CallTarget.OwnApp || policies.HasAppPolicy(target.Name))
            return new CallPolicy(policies.ForApp(target.Name, $"{target.Name}:{pathAndQuery.Split('?', 2)[0].TrimStart('/')}"), BuiltIn: false);

        return new CallPolicy(new Policy(policies.BuiltInServiceRetries with { GrpcStatusCodes = Unreached }, null, null, time), BuiltIn: true);
    }

    /// <summary>Policy of a proxied gRPC call: other apps only, and never the built-in one.</summary>
    public static CallPolicy ForGrpc(CallTarget target, string method, ResiliencyPolicies policies) => target is CallTarget.OtherApp
        ? new CallPolicy(policies.ForApp(target.Name, $"{target.Name}:{method}"), BuiltIn: false)
        : None;

    private static readonly CodeRanges Unreached = CodeRanges.Parse("14,16")!;
}
