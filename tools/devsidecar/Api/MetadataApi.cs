using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.PubSub.Delivering;

namespace WhatsAppMesh.DevSidecar.Api;

/// <summary>
/// What the sidecar is made of, in the shape that daprd's HTTP API has (the rules of a subscription stand flat in it), and the
/// values that whoever started it has noted there: the Dapr CLI keeps process ids and log files in them.
/// </summary>
internal sealed class MetadataApi(SidecarFlags flags, ResourceSet resources, SubscriptionSet subscriptions)
{
    /// <summary>The release of Dapr whose behaviour is followed.</summary>
    public const string RuntimeVersion = "1.18.0-devsidecar";

    private readonly ConcurrentDictionary<string, string> _extended = new() { ["daprRuntimeVersion"] = RuntimeVersion };

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/v1.0/metadata", (MetadataApi api) => Results.Bytes(api.Format(), "application/json")).OnPort(SidecarPort.Http);
        endpoints.MapPut("/v1.0/metadata/{key}", PutAsync).OnPort(SidecarPort.Http);
    }

    private static async Task<IResult> PutAsync(HttpContext context, MetadataApi api)
    {
        var value = await RequestBody.ReadAsync(context);
        api._extended[RequestPath.Segment(context, 2)] = Encoding.UTF8.GetString(value.Span);
        return Results.NoContent();
    }

    private byte[] Format()
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            json.WriteString("id", flags.AppId);
            json.WriteString("runtimeVersion", RuntimeVersion);
            WriteComponents(json);
            WriteTexts(json, "extended", _extended);
            WriteSubscriptions(json);
            WriteNames(json, "httpEndpoints", resources.HttpEndpoints.Keys);
            WriteApp(json);
            json.WriteStartObject("actorRuntime");
            json.WriteString("runtimeStatus", "DISABLED");
            json.WriteBoolean("hostReady", false);
            json.WriteEndObject();
            WriteNames(json, "resiliencies", resources.Resiliencies.Select(r => r.Name));
            json.WriteEndObject();
        }

        return output.ToArray();
    }

    private void WriteComponents(Utf8JsonWriter json)
    {
        json.WriteStartArray("components");
        foreach (var component in resources.Components.Values)
        {
            json.WriteStartObject();
            json.WriteString("name", component.Name);
            json.WriteString("type", component.Type);
            json.WriteString("version", component.Version);
            json.WriteStartArray("capabilities");
            foreach (var capability in component.Kind == ComponentKind.State ? StateCapabilities : [])
                json.WriteStringValue(capability);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static readonly string[] StateCapabilities = ["ETAG", "TRANSACTIONAL", "TTL"];

    private void WriteSubscriptions(Utf8JsonWriter json)
    {
        json.WriteStartArray("subscriptions");
        foreach (var subscription in subscriptions.Current)
        {
            json.WriteStartObject();
            json.WriteString("pubsubname", subscription.PubSubName);
            json.WriteString("topic", subscription.Topic);
            WriteTexts(json, "metadata", subscription.Metadata);
            json.WriteStartArray("rules");
            foreach (var rule in subscription.Rules)
            {
                json.WriteStartObject();
                if (rule.Match.Length > 0)
                    json.WriteString("match", rule.Match);
                json.WriteString("path", rule.Path);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteString("deadLetterTopic", subscription.DeadLetterTopic ?? "");
            json.WriteString("type", subscription.Source == SubscriptionSource.Declarative ? "DECLARATIVE" : "PROGRAMMATIC");
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteApp(Utf8JsonWriter json)
    {
        json.WriteStartObject("appConnectionProperties");
        if (flags.AppPort is { } port)
        {
            json.WriteNumber("port", port);
            json.WriteString("protocol", "h2c");
            json.WriteString("channelAddress", flags.AppChannelAddress);
            if (flags.AppMaxConcurrency is { } calls)
                json.WriteNumber("maxConcurrency", calls);
        }

        json.WriteEndObject();
    }

    private static void WriteNames(Utf8JsonWriter json, string property, IEnumerable<string> names)
    {
        json.WriteStartArray(property);
        foreach (var name in names)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteTexts(Utf8JsonWriter json, string property, IEnumerable<KeyValuePair<string, string>> texts)
    {
        json.WriteStartObject(property);
        foreach (var (name, value) in texts)
            json.WriteString(name, value);
        json.WriteEndObject();
    }
}
