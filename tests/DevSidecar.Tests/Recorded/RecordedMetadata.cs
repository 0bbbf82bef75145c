using System.Text.Json.Nodes;
using Grpc.Core;

namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>The metadata that were sent with a recorded call: the recordings tell them by the names of the cases.</summary>
internal static class RecordedMetadata
{
    private const string Trace = "00-33333333333333333333333333333333-4444444444444444-01";

    public static Metadata Of(JsonNode recorded, string? token)
    {
        var name = RecordedCalls.NameOf(recorded);
        var metadata = new Metadata();
        if (TokenOf(name, token) is { } shown)
            metadata.Add("dapr-api-token", shown);
        if (name.EndsWith("of-the-app-in-authorization", StringComparison.Ordinal))
            metadata.Add("authorization", $"Bearer {token}");
        if (AppIdOf(name) is var (key, appId))
            metadata.Add(key, appId);
        if (name is "publish/request-traceparent" or "invoke/request-metadata")
            metadata.Add("traceparent", Trace);
        if (name is "invoke/request-metadata")
            metadata.Add("probe-text", "a b");
        if (name.StartsWith("limits/request-headers-", StringComparison.Ordinal))
            metadata.Add("probe-large", new string('h', 1000 * int.Parse(name.Split('-')[2])));
        return metadata;
    }

    private static string? TokenOf(string name, string? token) =>
        name.StartsWith("token/missing/", StringComparison.Ordinal) || name.StartsWith("token/of-the-app", StringComparison.Ordinal) ? null
        : name.StartsWith("token/wrong/", StringComparison.Ordinal) ? "wrong-token"
        : token;

    private static (string Key, string AppId)? AppIdOf(string name) => name switch
    {
        "proxy/callee-app-id" => ("dapr-callee-app-id", "probe-app"),
        "proxy/empty-app-id" => ("dapr-app-id", ""),
        "proxy/unknown-app-id" or "proxy/server-stream-unknown-app" => ("dapr-app-id", "no-such-app"),
        "proxy/missing-app-id" or "proxy/unknown-service-no-app-id" or "proxy/dapr-service-unknown-method" or "proxy/health-service-no-app-id" => null,
        _ when name.StartsWith("proxy/", StringComparison.Ordinal) || name.StartsWith("limits/proxy", StringComparison.Ordinal)
            || (name.StartsWith("token/", StringComparison.Ordinal) && name.EndsWith("/proxy", StringComparison.Ordinal)) => ("dapr-app-id", "probe-app"),
        _ => null,
    };
}
