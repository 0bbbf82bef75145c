using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>
/// What a callee's sidecar makes of one caller's policy when its app speaks h2c (Dapr 1.17): names are lower-cased; a path is walked segment by
/// segment, and at each the first name that fits is taken and never left again. The path of an invoked HTTP method is lower-cased as well, a
/// proxied gRPC method is not.
/// </summary>
internal sealed class SidecarPolicy
{
    private readonly Node _root = new("");

    public SidecarPolicy(JsonNode policy)
    {
        foreach (var operation in policy["operations"]!.AsArray())
            Put(operation!["name"]!.GetValue<string>().ToLowerInvariant(), new Rule(operation["action"]!.GetValue<string>() == "allow", VerbsOf(operation)));
    }

    public bool AllowsGrpc(string method) => Find(method) is { Allows: true };

    public bool AllowsHttp(string path, string verb = "GET") => Find(path.ToLowerInvariant()) is { Allows: true } rule && (rule.Verbs.Contains("*") || rule.Verbs.Contains(verb));

    private static IReadOnlyList<string> VerbsOf(JsonNode operation) => [.. (operation["httpVerb"] as JsonArray ?? []).Select(verb => verb!.GetValue<string>())];

    private void Put(string name, Rule rule)
    {
        var node = _root;
        foreach (var segment in name.Split('/')[1..])
        {
            var next = node.Below.Find(below => below.Segment == segment);
            if (next is null)
                node.Below.Add(next = new Node(segment));
            node = next;
        }
        node.Rule ??= rule;
    }

    private Rule? Find(string path)
    {
        var node = _root;
        var segments = path.Split('/')[1..];
        for (var index = 0; index < segments.Length; index++)
        {
            var isLast = index == segments.Length - 1;
            if (node.Below.Find(below => below.Fits(segments[index], isLast)) is not { } next)
                return null;
            node = next;
            if (node.Rule is not null && (isLast || !node.Segment.EndsWith('*') || node.Segment.EndsWith("**", StringComparison.Ordinal)))
                return node.Rule;
        }
        return node.Below.Find(below => below.Segment == "*")?.Rule;
    }

    private sealed record Rule(bool Allows, IReadOnlyList<string> Verbs);

    private sealed class Node(string segment)
    {
        public string Segment { get; } = segment;

        public List<Node> Below { get; } = [];

        public Rule? Rule { get; set; }

        public bool Fits(string part, bool isLast) => Segment switch
        {
            _ when Segment == part => true,
            // One segment, and only the last.
            "*" => isLast,
            "**" => true,
            _ => Regex.IsMatch(part, $"^{Regex.Escape(Segment).Replace("\\*", ".*", StringComparison.Ordinal)}$"),
        };
    }
}
