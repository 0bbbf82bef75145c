using System.Text;
using System.Text.Json;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>The metadata API over HTTP, where the rules of a subscription stand flat in it.</summary>
internal sealed class MetadataApi(SidecarMetadata metadata)
{
    public static void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/v1.0/metadata", (SidecarMetadata metadata) => Results.Bytes(new MetadataApi(metadata).Format(), "application/json"))
            .OnPort(SidecarPort.Http);
        endpoints.MapPut("/v1.0/metadata/{key}", PutAsync).OnPort(SidecarPort.Http);
    }

    private static async Task<IResult> PutAsync(HttpContext context, SidecarMetadata metadata)
    {
        var value = await RequestBody.ReadAsync(context);
        metadata.Note(RequestPath.Segment(context, 2), Encoding.UTF8.GetString(value.Span));
        return Results.NoContent();
    }

    private byte[] Format()
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            json.WriteString("id", metadata.Flags.AppId);
            json.WriteString("runtimeVersion", SidecarMetadata.RuntimeVersion);
            json.WriteStartArray("enabledFeatures");
            foreach (var feature in SidecarMetadata.EnabledFeatures)
                json.WriteStringValue(feature);
            json.WriteEndArray();
            WriteComponents(json);
            WriteTexts(json, "extended", metadata.Noted);
            WriteSubscriptions(json);
            WriteNames(json, "httpEndpoints", metadata.Resources.HttpEndpoints.Keys);
            WriteApp(json);
            json.WriteStartObject("actorRuntime");
            json.WriteString("runtimeStatus", "DISABLED");
            json.WriteBoolean("hostReady", false);
            json.WriteString("placement", "placement: disconnected");
            json.WriteEndObject();
            WriteNames(json, "resiliencies", metadata.Resources.Resiliencies.Select(r => r.Name));
            json.WriteEndObject();
        }

        return output.ToArray();
    }

    private void WriteComponents(Utf8JsonWriter json)
    {
        json.WriteStartArray("components");
        foreach (var component in metadata.Components)
        {
            json.WriteStartObject();
            json.WriteString("name", component.Name);
            json.WriteString("type", component.Type);
            json.WriteString("version", component.Version);
            json.WriteStartArray("capabilities");
            foreach (var capability in SidecarMetadata.CapabilitiesOf(component))
                json.WriteStringValue(capability);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteSubscriptions(Utf8JsonWriter json)
    {
        json.WriteStartArray("subscriptions");
        foreach (var subscription in metadata.Subscriptions)
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
            json.WriteString("type", subscription.Source.ToString().ToUpperInvariant());
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteApp(Utf8JsonWriter json)
    {
        json.WriteStartObject("appConnectionProperties");
        if (metadata.Flags.AppPort is { } port)
        {
            json.WriteNumber("port", port);
            json.WriteString("protocol", "h2c");
            json.WriteString("channelAddress", metadata.Flags.AppChannelAddress);
            if (metadata.Flags.AppMaxConcurrency is { } calls)
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
