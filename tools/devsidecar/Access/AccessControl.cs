using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Access;

/// <summary>
/// The access control of a callee's Configuration, decided as Dapr 1.18 does for an app that speaks HTTP, which h2c is (<c>pkg/acl</c>): names are
/// lower-cased when they are read; the path of an HTTP call is lower-cased too, the name of a gRPC method is not.
/// </summary>
internal sealed class AccessControl
{
    /// <summary>The trust domain of who names none.</summary>
    public const string DefaultTrustDomain = "public";

    private const string Allow = "allow";
    private const string Deny = "deny";

    private static readonly string[] Verbs = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

    private readonly string _defaultAction;
    private readonly Dictionary<(string AppId, string Namespace), AppPolicy> _policies = [];

    private AccessControl(string trustDomain, string defaultAction) => (TrustDomain, _defaultAction) = (trustDomain, defaultAction);

    /// <summary>The trust domain that this app's own certificate names.</summary>
    public string TrustDomain { get; }

    /// <summary>Reads the block <c>accessControl</c>; null when it says nothing, so that every call is let through.</summary>
    /// <exception cref="StartFailure">A policy lacks its app, its trust domain or its namespace, or a field is not known.</exception>
    public static AccessControl? Read(YamlObject block)
    {
        var (trustDomain, defaultAction) = (block.Text("trustDomain") ?? "", block.Text("defaultAction") ?? "");
        var hasPolicies = block.Keys.Contains("policies");
        var policies = block.Objects("policies");
        block.Done();
        if (trustDomain.Length == 0 && defaultAction.Length == 0 && policies.Count == 0)
            return null;
        if (defaultAction.Length == 0)
            defaultAction = hasPolicies && policies.Count == 0 ? Allow : Deny;
        var control = new AccessControl(trustDomain.Length == 0 ? DefaultTrustDomain : trustDomain, defaultAction);
        foreach (var policy in policies)
            control.Add(policy);
        return control;
    }

    /// <summary>Decides about one call.</summary>
    /// <param name="caller">Who calls; null = nobody knows, so the default action counts.</param>
    /// <param name="operation">gRPC method, or path without its query.</param>
    /// <param name="verb">HTTP verb; null = the call comes over gRPC.</param>
    /// <returns>Why it is denied, in daprd's words; null when it is allowed.</returns>
    public string? Refusal(CallerIdentity? caller, string operation, string? verb)
    {
        var known = verb is null ? null : VerbOf(verb);
        var action = ActionFor(caller, operation, known);
        return string.Equals(action, Allow, StringComparison.OrdinalIgnoreCase)
            ? null
            : $"access control policy has denied access to id: {caller} operation: {operation} verb: {known ?? "NONE"}";
    }

    private string ActionFor(CallerIdentity? caller, string operation, string? verb)
    {
        if (caller is null || !_policies.TryGetValue((caller.AppId, caller.Namespace), out var policy) || policy.TrustDomain != caller.TrustDomain)
            return _defaultAction;

        var otherwise = policy.DefaultAction.Length > 0 ? policy.DefaultAction : _defaultAction;
        var path = operation.StartsWith('/') ? operation : "/" + operation;
        if (policy.Operations.Find(verb is null ? path : path.ToLowerInvariant()) is not { } found)
            return otherwise;
        if (verb is null)
            return found.Action;
        return found.ByVerb.GetValueOrDefault(verb) ?? found.ByVerb.GetValueOrDefault("*") ?? otherwise;
    }

    private void Add(YamlObject policy)
    {
        var (appId, space) = (policy.Required("appId"), policy.Required("namespace"));
        var operations = new OperationTrie();
        foreach (var operation in policy.Objects("operations"))
        {
            var name = operation.Required("name");
            var action = operation.Text("action") ?? "";
            var byVerb = operation.Texts("httpVerb").Distinct(StringComparer.Ordinal).ToDictionary(verb => verb, _ => action, StringComparer.Ordinal);
            operation.Done();
            operations.Add((name.StartsWith('/') ? name : "/" + name).ToLowerInvariant(), new Operation(action, byVerb));
        }

        _policies[(appId, space)] = new AppPolicy(policy.Required("trustDomain"), policy.Text("defaultAction") ?? "", operations);
        policy.Done();
    }

    // Between sidecars a verb is one of Dapr's list; one that it does not know becomes POST.
    private static string VerbOf(string method) => Verbs.Contains(method.ToUpperInvariant()) ? method.ToUpperInvariant() : "POST";

    private sealed record AppPolicy(string TrustDomain, string DefaultAction, OperationTrie Operations);
}
