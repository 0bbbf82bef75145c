using System.Text.RegularExpressions;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Components;

/// <summary>Reads the one form of rule this sidecar evaluates: <c>event.type == "x"</c>.</summary>
internal static partial class RouteRules
{
    public static RouteRule Always(string path) => new("", null, path);

    /// <exception cref="StartFailure">The rule is another expression.</exception>
    public static RouteRule Parse(string match, string path, string place)
    {
        if (string.IsNullOrWhiteSpace(match))
            return Always(path);

        var found = TypeRule().Match(match);
        return found.Success
            ? new RouteRule(match, found.Groups["type"].Value, path)
            : throw new StartFailure($"{place}: the development sidecar only evaluates rules of the form event.type == \"x\", not '{match}'.");
    }

    /// <summary>The real sidecar's defaults: 100 messages, 1 s.</summary>
    public static BulkSubscribe WithDefaults(BulkSubscribe bulk) => new(
        bulk.MaxMessages > 0 ? bulk.MaxMessages : 100,
        bulk.MaxAwait > TimeSpan.Zero ? bulk.MaxAwait : TimeSpan.FromSeconds(1));

    [GeneratedRegex("""^\s*event\.type\s*==\s*(?<quote>["'])(?<type>[^"'\\]*)\k<quote>\s*$""")]
    private static partial Regex TypeRule();
}
