using System.Text.Json.Nodes;

namespace WhatsAppMesh.Charts.Tests.Calls;

/// <summary>Holds access rules against the calls that are made.</summary>
internal static class AccessAudit
{
    /// <summary>What is wrong, a sentence each: a call that is denied or that nobody answers, and a permission that nobody uses.</summary>
    /// <param name="rules">The block <c>accessControl</c> by callee.</param>
    /// <param name="calls">Every call.</param>
    /// <param name="answered">Everything that the callees answer.</param>
    public static IReadOnlyList<string> Faults(IReadOnlyDictionary<string, JsonNode> rules, IReadOnlyList<Call> calls, IReadOnlyList<Answered> answered)
    {
        var policies = rules.SelectMany(static rule => rule.Value["policies"]!.AsArray().Select(policy =>
            (Callee: rule.Key, Caller: policy!["appId"]!.GetValue<string>(), Document: policy, Policy: new SidecarPolicy(policy)))).ToList();
        var byPair = policies.ToDictionary(static policy => (policy.Caller, policy.Callee), static policy => policy.Policy);
        return
        [
            .. calls.Where(call => !(byPair.TryGetValue((call.Caller, call.Callee), out var policy) && Allows(policy, call.Verb, call.Sample, call.Path)))
                .Select(static call => $"denied: {call}"),
            .. calls.Where(call => !answered.Any(answer => answer.IsAskedBy(call))).Select(static call => $"nobody answers: {call}"),
            .. byPair.SelectMany(pair => answered.Where(answer => answer.Callee == pair.Key.Callee && Allows(pair.Value, answer.Verb, answer.Sample, answer.Path))
                    .Select(answer => new Call(pair.Key.Caller, answer.Callee, answer.Verb, answer.Path)))
                .Where(allowed => !calls.Any(call => call.Caller == allowed.Caller && new Answered(allowed.Callee, allowed.Verb, allowed.Path).IsAskedBy(call)))
                .Select(static allowed => $"nobody calls: {allowed}"),
            .. policies.SelectMany(policy => policy.Document["operations"]!.AsArray()
                .Where(operation => !calls.Any(call => call.Caller == policy.Caller && call.Callee == policy.Callee && Allows(Alone(operation!), call.Verb, call.Sample, call.Path)))
                .Select(operation => $"for nothing: {policy.Caller} -> {policy.Callee} {operation!["name"]}")),
        ];
    }

    private static bool Allows(SidecarPolicy policy, string? verb, string sample, string path) => verb is null ? policy.AllowsGrpc(path) : policy.AllowsHttp(sample, verb);

    private static SidecarPolicy Alone(JsonNode operation) => new(new JsonObject { ["operations"] = new JsonArray(operation.DeepClone()) });
}
