using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dapr;
using Dapr.Client;

#pragma warning disable CS0618, DAPR_CRYPTOGRAPHY, DAPR_DISTRIBUTEDLOCK // The recordings hold calls that Dapr has declared obsolete or experimental.

namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>The calls of the recordings beside state.</summary>
internal sealed partial class ClientReplay
{
    private static readonly Widget W = new("w", 1, null);

    private async Task<object?> InvokeAsync(string name, string method, JsonObject arguments)
    {
        var app = arguments["app"]?.GetValue<string>() ?? "probe-app";
        var called = arguments["method"]?.GetValue<string>() ?? "";
        switch (method)
        {
            case "InvokeMethodAsync<JsonElement>(GET)":
                return await _client.InvokeMethodAsync<JsonElement>(HttpMethod.Get, app, called);
            case "InvokeMethodAsync<Widget,JsonElement>":
                return await _client.InvokeMethodAsync<Widget, JsonElement>(app, called, W);
            case "InvokeMethodAsync<Widget,JsonElement>(PUT)":
                return await _client.InvokeMethodAsync<Widget, JsonElement>(HttpMethod.Put, app, called, W);
            case "InvokeMethodWithResponseAsync":
                using (var request = _client.CreateInvokeMethodRequest(HttpMethod.Post, app, called, [new("q", "1 2")], W))
                {
                    request.Headers.Add("probe-text", "a b");
                    return await HttpReplay.ToJsonAsync(await _client.InvokeMethodWithResponseAsync(request));
                }

            case "InvokeMethodGrpcAsync<ProbeRequest,ProbeReply>":
                return await _client.InvokeMethodGrpcAsync<ProbeRequest, ProbeReply>(app, called, new ProbeRequest { Text = "hello" });
            case "InvokeMethodGrpcAsync<ProbeReply>":
                return await _client.InvokeMethodGrpcAsync<ProbeReply>(app, called);
            case "CreateInvocationInvoker":
                var probe = new Probe.ProbeClient(DaprClient.CreateInvocationInvoker(app, recordedSidecar.Sidecar.GrpcAddress, recordedSidecar.Token));
                return name.EndsWith("fail", StringComparison.Ordinal)
                    ? await probe.FailAsync(new FailRequest { Code = 9, Detail = "wanted", Rich = true })
                    : await probe.UnaryAsync(new ProbeRequest { Text = "hello" });
            default:
                return await InvokeOverHttpAsync(name, arguments);
        }
    }

    private async Task<object?> InvokeOverHttpAsync(string name, JsonObject arguments)
    {
        var verb = arguments["method"]!.GetValue<string>();
        var path = arguments["path"]!.GetValue<string>();
        using var http = DaprClient.CreateInvokeHttpClient("probe-app", recordedSidecar.Sidecar.HttpAddress, recordedSidecar.Token);
        using var request = new HttpRequestMessage(new HttpMethod(verb), path);
        request.Headers.Add("probe-text", "a b");
        if (arguments["headerBytes"]!.GetValue<int>() is > 0 and var size)
            request.Headers.Add("probe-large", new string('h', size));
        if (verb == "POST" && !name.EndsWith("post-empty", StringComparison.Ordinal))
        {
            var body = name.EndsWith("large-body", StringComparison.Ordinal) ? new byte[5 * 1024 * 1024] : "{\"a\":1}"u8.ToArray();
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-8");
        }

        using var response = await http.SendAsync(request);
        return await HttpReplay.ToJsonAsync(response);
    }

    private async Task<object?> OtherAsync(string name, string method, JsonObject arguments)
    {
        string Text(string argument) => arguments[argument]?.GetValue<string>() ?? "";
        switch (method)
        {
            case "GetSecretAsync":
                return await _client.GetSecretAsync(Text("store"), Text("key"));
            case "GetBulkSecretAsync":
                return await _client.GetBulkSecretAsync(Text("store"));
            case "CheckHealthAsync" when name.StartsWith("client/nobody-there", StringComparison.Ordinal):
                using (var nobody = new DaprClientBuilder().UseHttpEndpoint("http://127.0.0.1:1").UseGrpcEndpoint("http://127.0.0.1:1").Build())
                    return await nobody.CheckHealthAsync();
            case "GetStateAsync" when name.StartsWith("client/nobody-there", StringComparison.Ordinal):
                using (var nobody = new DaprClientBuilder().UseHttpEndpoint("http://127.0.0.1:1").UseGrpcEndpoint("http://127.0.0.1:1").Build())
                    return await nobody.GetStateAsync<string>("pgstore", "k");
            case "CheckHealthAsync":
                return await _client.CheckHealthAsync();
            case "CheckOutboundHealthAsync":
                return await _client.CheckOutboundHealthAsync();
            case "WaitForSidecarAsync":
                await _client.WaitForSidecarAsync();
                return "(returned)";
            case "GetMetadataAsync":
                return await _client.GetMetadataAsync();
            case "SetMetadataAsync":
                await _client.SetMetadataAsync(Text("name"), Text("value"));
                return (await _client.GetMetadataAsync()).Extended;
            case "SubscribeConfiguration":
                await foreach (var _ in (await _client.SubscribeConfiguration(Text("store"), ["a"])).Source)
                    return "something came";
                return "nothing came";
            case "UnsubscribeConfiguration":
                return await _client.UnsubscribeConfiguration(Text("store"), Text("id"));
            case "Lock":
                return await _client.Lock(Text("store"), "r", "o", 5);
            case "Unlock":
                return await _client.Unlock(Text("store"), "r", "o");
            case "InvokeBindingAsync":
                await _client.InvokeBindingAsync(Text("binding"), Text("operation"), "data");
                return "(returned)";
            case "EncryptAsync":
                var encrypted = await _client.EncryptAsync(Text("vault"), Encoding.UTF8.GetBytes("text"), Text("key"), new EncryptionOptions(KeyWrapAlgorithm.Rsa));
                return Encoding.UTF8.GetString(encrypted.Span);
            case "cancelled-before-the-call":
                return await _client.GetStateAsync<string>("pgstore", "k", cancellationToken: new CancellationToken(canceled: true));
            default:
                return await PublishAsync(name, method, Text("pubsub"), Text("topic"), arguments);
        }
    }

    private async Task<object?> PublishAsync(string name, string method, string pubSub, string topic, JsonObject arguments)
    {
        switch (method)
        {
            case "PublishEventAsync<Widget>" when Metadata(arguments) is { } metadata:
                await _client.PublishEventAsync(pubSub, topic, W, metadata);
                return "(returned)";
            case "PublishEventAsync<Widget>":
                await _client.PublishEventAsync(pubSub, topic, W);
                return "(returned)";
            case "PublishEventAsync":
                await _client.PublishEventAsync(pubSub, topic);
                return "(returned)";
            case "PublishEventAsync<CloudEvent<Widget>>":
                await _client.PublishEventAsync(pubSub, topic, new CloudEvent<Widget>(W) { Source = new Uri("urn:probe"), Type = "own.type" });
                return "(returned)";
            case "PublishByteEventAsync":
                await _client.PublishByteEventAsync(pubSub, topic, new byte[] { 0, 255 }, "application/octet-stream");
                return "(returned)";
            case "BulkPublishEventAsync<object>":
                var events = arguments["events"]!.AsArray().Select(e => e is JsonObject ? (object)W : e!.GetValueKind() == JsonValueKind.Number ? 12
                    : e.GetValue<string>() == "AP8=" ? new byte[] { 0, 255 } : e.GetValue<string>()).ToList();
                return (await _client.BulkPublishEventAsync<object>(pubSub, topic, events)).FailedEntries.Select(failed => failed.ErrorMessage);
            default:
                throw new InvalidOperationException($"No call is written for {name}.");
        }
    }
}
