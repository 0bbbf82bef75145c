using System.Net;
using System.Text.Json;

namespace WhatsAppMesh.Hostile;

/// <summary>Bodies above 30,000,000 bytes, the limit that Kestrel has by itself, through a real edge and a real ingest.</summary>
public sealed class LargeBodyTests
{
    private const string Limit = "Mesh__MaxBodyBytes";

    [Fact]
    public async Task One_setting_lets_a_body_above_30_million_bytes_into_the_lake_and_what_is_larger_is_413()
    {
        var settings = new Dictionary<string, string> { [Limit] = "40000000" };
        await using var doors = await Doors.StartAsync(settings, settings);
        using var client = new HttpClient { BaseAddress = doors.Edge };
        var large = new Mark(1).Body(",\"x\":\"" + new string('Q', 31_000_000) + "\"");

        Assert.Equal((201, null), await PostAsync(client, Request.V2(large)));
        Assert.Equal((201, null), await PostAsync(client, Request.V2(large), isChunked: true));
        var signature = "X-Signature: " + Request.Sign(Senders.TriggerSecret, large);
        Assert.Equal((200, null), await PostAsync(client, Request.At("/api/triggers/on-plain/webhook", large, signature)));
        var larger = new Mark(2).Body(",\"x\":\"" + new string('x', 40_000_000) + "\"");
        Assert.Equal((413, "body_too_large"), await PostAsync(client, Request.V2(larger)));

        Assert.Equal([31_000_000, 31_000_000, 31_000_000], (await doors.LakeAsync()).Select(static row => row.Payload.Count(static c => c == 'Q')));
    }

    [Fact]
    public async Task What_ingest_alone_refuses_is_413_and_not_503_for_ever()
    {
        await using var doors = await Doors.StartAsync(
            new() { ["Edge__Limits__BodyBytes"] = "60000000" }, new() { ["Ingest__MaxBodyBytes"] = "9000000" });
        using var client = new HttpClient { BaseAddress = doors.Edge };
        foreach (var size in new[] { 9_000_000, 31_000_000, 59_000_000 })
        {
            var body = new Mark(size).Body(",\"x\":\"" + new string('x', size) + "\"");
            Assert.Equal((413, "body_too_large"), await PostAsync(client, Request.V2(body)));
        }

        Assert.Equal((201, null), await PostAsync(client, Request.V2(new Mark(3).Body())));
        Assert.Single(await doors.LakeAsync());
    }

    // What a machine that is busy, or an ingest that makes its schema, answers at first; a sender repeats it, so do we, a few times.
    private static async Task<(int Status, string? Code)> PostAsync(HttpClient client, Request request, bool isChunked = false)
    {
        var answer = await PostOnceAsync(client, request, isChunked);
        for (var i = 0; i < 20 && answer.Status == 503; i++)
            answer = await PostOnceAsync(client, request, isChunked);
        return answer;
    }

    private static async Task<(int Status, string? Code)> PostOnceAsync(HttpClient client, Request request, bool isChunked)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, request.Line.Split(' ')[1]) { Content = new ByteArrayContent(request.Body) };
        message.Content.Headers.ContentType = new("application/json");
        message.Headers.TransferEncodingChunked = isChunked;

        // Whoever is refused for what he announces hears it before he sends anything.
        message.Headers.ExpectContinue = true;
        foreach (var line in request.Headers)
            message.Headers.TryAddWithoutValidation(line.Split(": ")[0], line.Split(": ", 2)[1]);
        using var answer = await client.SendAsync(message);
        var text = await answer.Content.ReadAsStringAsync();
        var isProblem = answer.StatusCode >= HttpStatusCode.BadRequest;
        return ((int)answer.StatusCode, isProblem ? JsonDocument.Parse(text).RootElement.GetProperty("code").GetString() : null);
    }
}
