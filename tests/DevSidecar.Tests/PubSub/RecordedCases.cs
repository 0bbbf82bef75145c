using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using WhatsAppMesh.DevSidecar.Tests.Running;

namespace WhatsAppMesh.DevSidecar.Tests.PubSub;

/// <summary>One delivery a real sidecar was seen to make; without headers and body when it repeats the one before.</summary>
internal sealed record RecordedDelivery(string Path, int AfterMs, IReadOnlyDictionary<string, string>? Headers, string? Body);

/// <summary>One request to a real sidecar and what came of it.</summary>
internal sealed record RecordedCase(string Name, string Path, string? ContentType, byte[] Body, int Status, string? ErrorCode, string? Message, IReadOnlyList<RecordedDelivery> Deliveries);

/// <summary>Reads recorded cases, and compares what came with what was recorded.</summary>
internal static partial class RecordedCases
{
    private const string Trace = "00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]";
    private static readonly string[] OfTheConnection = ["host", "content-length", "dapr-api-token"];

    public static IReadOnlyList<RecordedCase> Read(string file)
    {
        var root = JsonNode.Parse(File.ReadAllText(SharedFiles.Vector(file)))!;
        return [.. root["cases"]!.AsArray().Select(node => Read(node!))];
    }

    /// <summary>The headers of a delivery that say something about it.</summary>
    public static SortedDictionary<string, string> Compared(IReadOnlyDictionary<string, string> headers) =>
        new(headers.Where(header => !OfTheConnection.Contains(header.Key)).ToDictionary());

    /// <summary>Fails unless the text is the recorded one, with values in the places that differ from run to run.</summary>
    public static void AssertMatches(string recorded, string text)
    {
        var pattern = Placeholder().Replace(Regex.Escape(recorded), match => match.Groups[1].Value switch
        {
            "uuid" => "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            "time" => @"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
            _ => Trace,
        });
        Assert.True(Regex.IsMatch(text, $"^{pattern}$", RegexOptions.Singleline), $"recorded: {recorded}\nhere:     {text}");
    }

    private static RecordedCase Read(JsonNode node)
    {
        var publish = node["publish"] ?? node["request"];
        var topic = node["publish"]?["topic"] is { } given ? $"/v1.0/publish/pubsub/{given}" : "/v1.0/publish/bulk/pubsub/pb";
        var query = publish?["query"] is { } text ? $"?{text}" : "";
        return new RecordedCase(
            node["name"]!.GetValue<string>(),
            node["path"]?.GetValue<string>() ?? topic + query,
            publish?["contentType"]?.GetValue<string>() ?? "application/json",
            BodyOf(publish?["body"]),
            node["status"]!.GetValue<int>(),
            (node["errorCode"] ?? node["answer"]?["errorCode"])?.GetValue<string>(),
            node["answer"]?["message"]?.GetValue<string>(),
            [.. (node["deliveries"]?.AsArray() ?? []).Select(delivery => ReadDelivery(delivery!))]);
    }

    private static byte[] BodyOf(JsonNode? body) => body switch
    {
        null => "{}"u8.ToArray(),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => Length().Match(value.GetValue<string>()) is { Success: true } size
            ? JsonSerializer.SerializeToUtf8Bytes(new string('x', int.Parse(size.Groups[1].Value) - 2))
            : System.Text.Encoding.UTF8.GetBytes(value.GetValue<string>()),
        _ => System.Text.Encoding.UTF8.GetBytes(body.ToJsonString()),
    };

    private static RecordedDelivery ReadDelivery(JsonNode node) => new(
        node["path"]!.GetValue<string>(),
        node["afterMs"]?.GetValue<int>() ?? 0,
        node["headers"]?.AsObject().ToDictionary(header => header.Key, header => header.Value!.GetValue<string>()),
        node["body"]?.GetValue<string>());

    [GeneratedRegex(@"\\\$(uuid|time|traceparent)")]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"^\(a string of (\d+) characters\)$")]
    private static partial Regex Length();
}
