using System.Text;
using System.Text.Json.Nodes;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using WhatsAppMesh.DevSidecar.Tests.Running;

namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>Makes recorded unary calls again. ETags that differ from run to run are told apart by what was recorded for them.</summary>
internal sealed class RawReplay(CallInvoker invoker, string? token)
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create<byte[]>(bytes => bytes, bytes => bytes);
    private readonly Dictionary<string, string> _etags = [];

    /// <summary>Makes the calls of a case.</summary>
    /// <returns>How its answers differ from the recorded ones.</returns>
    public async Task<IReadOnlyList<string>> RunAsync(JsonNode recorded)
    {
        foreach (var (i, call) in (recorded["setup"]?.AsArray() ?? []).Index())
            Learn(call!["result"]!, await CallAsync(call["rpc"]!.GetValue<string>(), call["request"], recorded, $"/setup/{i}", []));

        var rpc = recorded["rpc"]!.GetValue<string>();
        var differences = new List<string>();
        var here = await CallAsync(rpc, recorded["request"], recorded, "", RecordedMetadata.Of(recorded, token));
        Learn(recorded["result"]!, here);
        if (Compare(recorded, recorded["result"]!, here, "/result", rpc) is { } difference)
            differences.Add(difference);
        foreach (var (i, call) in (recorded["after"]?.AsArray() ?? []).Index())
        {
            if (await CompareAfterAsync(recorded, call!, i) is { } afterwards)
                differences.Add($"after {i}: {afterwards}");
        }

        return differences;
    }

    private async Task<string?> CompareAfterAsync(JsonNode recorded, JsonNode call, int index)
    {
        string? difference = null;
        var rpc = call["rpc"]!.GetValue<string>();

        async Task<bool> IsSameAsync()
        {
            var here = await CallAsync(rpc, call["request"], recorded, $"/after/{index}", []);
            Learn(call["result"]!, here);
            difference = Compare(recorded, call["result"]!, here, $"/after/{index}/result", rpc);
            return difference is null;
        }

        if (!RecordedCalls.NameOf(recorded).Contains("read-after", StringComparison.Ordinal))
            return await IsSameAsync() ? null : difference;

        // The recording waited for a TTL to run out; here the answer is awaited instead.
        await Eventually.TrueAsync(IsSameAsync, RecordedCalls.NameOf(recorded));
        return null;
    }

    private static string? Compare(JsonNode recorded, JsonNode expected, JsonObject here, string pointer, string rpc)
    {
        var varying = RecordedCalls.Varying(recorded, pointer).ToList();
        // Only an app has headers to tell; the server's own date is none of them.
        if (!rpc.EndsWith("/InvokeService", StringComparison.Ordinal) && !rpc.StartsWith("/daprprobe.", StringComparison.Ordinal))
            varying.Add("/headers");
        varying.AddRange(["/headers/date", "/trailers/date", "/headers/server", "/trailers/server", "/response/appConnectionProperties/port"]);
        return RecordedCalls.Difference(expected, here, varying);
    }

    private async Task<JsonObject> CallAsync(string rpc, JsonNode? request, JsonNode recorded, string pointer, Metadata metadata)
    {
        var parts = rpc.Split('/');
        var descriptor = MethodsOf(parts[1])?.FindMethodByName(parts[2]);
        var message = Build(descriptor, request, recorded, pointer);
        if (pointer.Length > 0 && token is not null)
            metadata.Add("dapr-api-token", token);
        var name = RecordedCalls.NameOf(recorded);
        var deadline = name.Contains("deadline-already-over", StringComparison.Ordinal) ? DateTime.UtcNow.AddSeconds(-1)
            : name.EndsWith("/deadline", StringComparison.Ordinal) ? DateTime.UtcNow.AddMilliseconds(400)
            : DateTime.UtcNow.AddSeconds(60);
        using var cancel = new CancellationTokenSource();
        if (name.EndsWith("cancelled-by-the-client", StringComparison.Ordinal))
            cancel.CancelAfter(300);
        var method = new Method<byte[], byte[]>(MethodType.Unary, parts[1], parts[2], Bytes, Bytes);
        var call = invoker.AsyncUnaryCall(method, null, new CallOptions(metadata, deadline, cancel.Token), message.ToByteArray());
        try
        {
            var answer = await call.ResponseAsync;
            var response = descriptor!.OutputType.Parser.ParseFrom(answer);
            return Answers.Ok(ToJson(response), await call.ResponseHeadersAsync, call.GetTrailers());
        }
        catch (RpcException e)
        {
            var headers = call.ResponseHeadersAsync.IsCompletedSuccessfully ? await call.ResponseHeadersAsync : null;
            return Answers.Failed(e, headers);
        }
    }

    private static Google.Protobuf.Reflection.ServiceDescriptor? MethodsOf(string service) => service switch
    {
        "dapr.proto.runtime.v1.Dapr" => DaprReflection.Descriptor.Services[0],
        "daprprobe.v1.Probe" => ProbeReflection.Descriptor.Services[0],
        _ => null,
    };

    /// <summary>The recordings write the bytes of an untyped Any elsewhere.</summary>
    private static JsonNode ToJson(IMessage response)
    {
        if (response is not InvokeResponse invoked)
            return Answers.ToJson(response);
        var data = new JsonObject();
        if (!invoked.Data.Value.IsEmpty)
            data["value"] = Convert.ToBase64String(invoked.Data.Value.Span);
        return new JsonObject { ["data"] = data, ["contentType"] = invoked.ContentType };
    }

    private IMessage Build(MethodDescriptor? method, JsonNode? request, JsonNode recorded, string pointer)
    {
        var json = request?.DeepClone().AsObject() ?? [];
        Any? data = null;
        if (method?.Name == "InvokeService" && json["message"] is JsonObject message && message.Remove("data", out var any) && any is not null)
        {
            data = new Any { Value = ByteString.CopyFrom(Encoding.UTF8.GetBytes(RecordedCalls.TextAt(recorded, $"{pointer}/request/message/data/value") ?? "")) };
            data.TypeUrl = any["@type"]?.GetValue<string>() ?? "";
        }

        Prepare(json);
        var type = method?.InputType ?? ProbeRequest.Descriptor;
        var built = JsonParser.Default.Parse(json.ToJsonString(), type);
        if (data is not null)
            ((InvokeServiceRequest)built).Message.Data = data;
        return built;
    }

    /// <summary>Puts today's ETags in the place of the recorded ones, and makes again what was too large to record.</summary>
    private void Prepare(JsonObject json)
    {
        foreach (var (name, value) in json.ToList())
        {
            if (value is JsonObject { } shortened && shortened["$shortened"] is not null)
                json[name] = Convert.ToBase64String(new byte[shortened["length"]!.GetValue<long>() < 5_000_000 ? 3 * 1024 * 1024 : 5 * 1024 * 1024]);
            else if (name == "etag" && value?["value"]?.GetValue<string>() is { } etag && _etags.TryGetValue(etag, out var todays))
                json[name] = new JsonObject { ["value"] = todays };
            else if (value is JsonObject inner)
                Prepare(inner);
            foreach (var item in value is JsonArray list ? list.OfType<JsonObject>() : [])
                Prepare(item);
        }
    }

    private void Learn(JsonNode recorded, JsonObject here)
    {
        if (recorded["response"]?["etag"]?.GetValue<string>() is { Length: > 8 } etag && here["response"]?["etag"]?.GetValue<string>() is { } todays)
            _etags[etag] = todays;
    }
}
