using System.Text.Json;
using System.Text.Json.Nodes;
using Dapr;
using Dapr.Client;
using Dapr.Common.Exceptions;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

#pragma warning disable CS0618 // The recordings hold calls that Dapr has declared obsolete and its users still make.

namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>What the recordings saved, read and published as an object.</summary>
internal sealed record Widget(string Name, int Size, string? Note);

/// <summary>Makes recorded calls of the official client again. The cases tell the method and its main arguments; the rest is written here.</summary>
internal sealed partial class ClientReplay(RecordedSidecar recordedSidecar, string store)
{
    private const string Missing = "no-such-store";

    private readonly DaprClient _client = Create(recordedSidecar, recordedSidecar.Token);

    private string WrongETag => store == "pgstore" ? "11111111-2222-3333-4444-555555555555" : "987654";

    /// <summary>Makes the call of a case.</summary>
    /// <returns>How its result differs from the recorded one.</returns>
    public async Task<IReadOnlyList<string>> RunAsync(JsonNode recorded)
    {
        JsonNode here;
        try
        {
            here = new JsonObject { ["ok"] = true, ["value"] = ToJson(await CallAsync(recorded)) };
        }
        catch (Exception e) when (e is not (InvalidOperationException or Xunit.Sdk.XunitException))
        {
            here = new JsonObject { ["ok"] = false, ["exception"] = await DescribeAsync(e) };
        }

        var varying = RecordedCalls.Varying(recorded, "/result").Concat(["/value/headers/date", "/exception/response/headers/date"]).ToList();
        return RecordedCalls.Difference(recorded["result"], here, varying) is { } difference ? [difference] : [];
    }

    private static DaprClient Create(RecordedSidecar recordedSidecar, string? token)
    {
        var builder = new DaprClientBuilder()
            .UseHttpEndpoint(recordedSidecar.Sidecar.HttpAddress).UseGrpcEndpoint(recordedSidecar.Sidecar.GrpcAddress)
            .UseGrpcChannelOptions(new GrpcChannelOptions { ThrowOperationCanceledOnCancellation = true });
        return (token is null ? builder : builder.UseDaprApiToken(token)).Build();
    }

    private Task<object?> CallAsync(JsonNode recorded)
    {
        var name = RecordedCalls.NameOf(recorded);
        var method = recorded["method"]!.GetValue<string>();
        var arguments = recorded["arguments"] as JsonObject ?? [];
        if (name.StartsWith("client/state/", StringComparison.Ordinal))
            return StateAsync(name.Split('/', 4)[3], method, arguments);
        return name.StartsWith("token/", StringComparison.Ordinal) ? TokenAsync(name, method)
            : name.StartsWith("client/invoke", StringComparison.Ordinal) ? InvokeAsync(name, method, arguments)
            : OtherAsync(name, method, arguments);
    }

    private async Task<object?> TokenAsync(string name, string method)
    {
        var token = name.Split('/')[1] switch { "right" => recordedSidecar.Token, "wrong" => "wrong-token", _ => null };
        var environment = Environment.GetEnvironmentVariable("DAPR_API_TOKEN");
        using var client = Create(recordedSidecar, token);
        Assert.Null(environment);
        switch (method)
        {
            case "GetMetadataAsync":
                return (await client.GetMetadataAsync()).Id;
            case "CheckHealthAsync":
                return await client.CheckHealthAsync();
            default:
                await client.SaveBulkStateAsync(Missing, [new SaveStateItem<string>("k", "v", "")]);
                return "(returned)";
        }
    }

    private async Task<JsonObject> DescribeAsync(Exception e)
    {
        var json = new JsonObject { ["type"] = e.GetType().FullName, ["message"] = e.Message };
        if (e is DaprException dapr && dapr.TryGetExtendedErrorInfo(out var info))
        {
            json["extendedErrorInfo"] = new JsonObject
            {
                ["code"] = info.Code,
                ["message"] = info.Message,
                ["details"] = new JsonArray([.. info.Details.Select(detail => JsonValue.Create(detail.ToString()))]),
            };
        }

        if (e is RpcException rpc)
        {
            var failed = Answers.Failed(rpc, null);
            foreach (var part in new[] { "status", "trailers", "statusDetails" })
                json[part] = failed[part]?.DeepClone();
            (json["trailers"] as JsonObject)?.Remove("date");
            if (rpc.Status.DebugException is { } cause)
                json["madeByTheClient"] = $"{cause.GetType().FullName}: {cause.Message}";
        }

        if (e is InvocationException invocation)
        {
            json["appId"] = invocation.AppId;
            json["methodName"] = invocation.MethodName;
            json["response"] = invocation.Response is null ? null : await HttpReplay.ToJsonAsync(invocation.Response);
        }

        if (e is HttpRequestException { StatusCode: { } status })
            json["statusCode"] = (int)status;
        if (e.InnerException is { } inner)
            json["inner"] = await DescribeAsync(inner);
        return json;
    }

    private static JsonNode? ToJson(object? value) => value switch
    {
        null => null,
        JsonNode node => node,
        IMessage message => Answers.ToJson(message),
        ReadOnlyMemory<byte> bytes => Convert.ToBase64String(bytes.Span),
        _ => JsonSerializer.SerializeToNode(value),
    };
}
