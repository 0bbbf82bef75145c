using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Rpc;
using Grpc.Core;

namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>Answers of gRPC calls in the form of the recordings.</summary>
internal static class Answers
{
    private const string Details = "grpc-status-details-bin";

    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default
        .WithFormatDefaultValues(true).WithTypeRegistry(TypeRegistry.FromFiles(ErrorDetailsReflection.Descriptor)));

    public static JsonNode ToJson(IMessage message) => JsonNode.Parse(Formatter.Format(message))!;

    public static JsonObject Ok(JsonNode response, Metadata headers, Metadata trailers) =>
        new() { ["ok"] = true, ["response"] = response, ["headers"] = ToJson(headers), ["trailers"] = ToJson(trailers) };

    public static JsonObject Failed(RpcException e, Metadata? headers)
    {
        var failed = new JsonObject
        {
            ["ok"] = false,
            ["status"] = new JsonObject { ["code"] = e.StatusCode.ToString(), ["number"] = (int)e.StatusCode, ["detail"] = e.Status.Detail },
            ["trailers"] = ToJson(e.Trailers),
            ["headers"] = headers is null ? null : ToJson(headers),
        };
        if (e.Trailers.GetValueBytes(Details) is { } bytes)
            failed["statusDetails"] = ToJson(Google.Rpc.Status.Parser.ParseFrom(bytes));
        return failed;
    }

    public static JsonObject ToJson(Metadata metadata)
    {
        var json = new JsonObject();
        foreach (var entry in metadata.Where(entry => entry.Key is not (Details or "grpc-status" or "grpc-message")))
            json[entry.Key] = entry.IsBinary ? Convert.ToBase64String(entry.ValueBytes) : entry.Value;
        return json;
    }
}
