using System.Text;
using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Edge.Limits;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>Bodies that are too large, too slow or too many.</summary>
public sealed class BodyLimitTests
{
    private const int Cap = 100_000;

    private static readonly string Post = $"POST {Signing.V2} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

    [Fact]
    public async Task Body_of_exactly_the_cap_is_taken_with_and_without_an_announced_length()
    {
        await using var edge = await EdgeUnderTest.StartAsync(Settings("BodyBytes", Cap));
        var body = "\"" + new string('a', Cap - 2) + "\"";
        await edge.AcceptedAsync(Signing.SignedV2(body));
        var chunked = Signing.SignedV2(body);
        chunked.Headers.TransferEncodingChunked = true;
        await edge.AcceptedAsync(chunked);
        await edge.RefusedAsync(Signing.SignedV2(body + " "), 413, "body_too_large");
        var chunkedOver = Signing.SignedV2(body + " ");
        chunkedOver.Headers.TransferEncodingChunked = true;
        await edge.RefusedAsync(chunkedOver, 413, "body_too_large");
        Assert.All(edge.Ingest.Requests, request => Assert.Equal(body, request.Text));
        Assert.Equal(2, edge.Ingest.Requests.Count);
    }

    [Fact]
    public async Task Announced_large_body_is_refused_before_a_byte_of_it_is_sent()
    {
        await using var edge = await EdgeUnderTest.StartAsync(Settings("BodyBytes", Cap));
        await using var raw = await RawConnection.OpenAsync(edge);
        await raw.SendAsync($"{Post}Content-Length: {Cap + 1}\r\n\r\n");
        Assert.Equal(413, await raw.ReadStatusAsync());
    }

    [Fact]
    public async Task Endless_chunks_are_refused_at_the_cap_and_the_connection_ends()
    {
        await using var edge = await EdgeUnderTest.StartAsync(Settings("BodyBytes", Cap));
        await using var raw = await RawConnection.OpenAsync(edge);
        await raw.SendAsync($"{Post}Transfer-Encoding: chunked\r\n\r\n");
        var chunk = $"1000\r\n{new string('a', 0x1000)}\r\n";
        await raw.SendUntilClosedAsync(chunk, (Cap / 0x1000) + 1);
        Assert.Equal(413, await raw.ReadStatusAsync());
        await NothingHeldAsync(edge);
    }

    [Fact]
    public async Task Body_without_an_end_in_time_is_refused_and_holds_nothing_more()
    {
        await using var edge = await EdgeUnderTest.StartAsync(new(Settings("BodyTimeoutSeconds", 1)) { ["Edge:Limits:MinBodyBytesPerSecond"] = "0" });
        await using var raw = await RawConnection.OpenAsync(edge);
        await raw.SendAsync($"{Post}Content-Length: 100\r\n\r\n{{");
        Assert.Equal(408, await raw.ReadStatusAsync());
        await NothingHeldAsync(edge);
    }

    [Fact]
    public async Task Body_below_the_lowest_rate_is_refused_and_holds_nothing_more()
    {
        var settings = Settings("MinBodyBytesPerSecond", 100_000);
        settings["Edge:Limits:MinBodyRateGraceSeconds"] = "2";
        await using var edge = await EdgeUnderTest.StartAsync(settings);
        await using var raw = await RawConnection.OpenAsync(edge);
        await raw.SendAsync($"{Post}Content-Length: 1000000\r\n\r\n{{");
        Assert.Equal(408, await raw.ReadStatusAsync());
        await NothingHeldAsync(edge);
    }

    [Fact]
    public async Task Announcing_a_large_body_holds_only_what_has_arrived()
    {
        await using var edge = await EdgeUnderTest.StartAsync(Settings("MinBodyBytesPerSecond", 0));
        await using var raw = await RawConnection.OpenAsync(edge);
        await raw.SendAsync($"{Post}Content-Length: 4000000\r\n\r\n{new string('a', 100)}");
        var budget = edge.Services.GetRequiredService<BodyBudget>();
        await Answers.EventuallyAsync(() => Task.FromResult(budget.Bodies == 1 && budget.Bytes > 0), "the body's beginning is read");
        Assert.InRange(budget.Bytes, 100, 16 * 1024);
    }

    [Fact]
    public async Task More_bodies_at_once_than_allowed_are_told_to_come_back()
    {
        await using var edge = await EdgeUnderTest.StartAsync(new(Settings("ConcurrentBodies", 2)) { ["Edge:Limits:MinBodyBytesPerSecond"] = "0" });
        await using var first = await OpenUnfinishedAsync(edge);
        await using var second = await OpenUnfinishedAsync(edge);
        var budget = edge.Services.GetRequiredService<BodyBudget>();
        await Answers.EventuallyAsync(() => Task.FromResult(budget.Bodies == 2), "both bodies are being read");
        using var answer = await edge.RefusedAsync(Signing.Post(Signing.V2, "x", "text/plain"), 429, "rate_limited");
        Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter!.Delta);
        await first.SendAsync("}");
        Assert.Equal(401, await first.ReadStatusAsync());
        await edge.AcceptedAsync(Signing.SignedV2());
    }

    [Fact]
    public async Task One_address_cannot_take_every_place()
    {
        await using var edge = await EdgeUnderTest.StartAsync(
            new(Settings("AddressConcurrentBodies", 2)) { ["Edge:Limits:MinBodyBytesPerSecond"] = "0", ["Edge:Proxies:0"] = "127.0.0.0/8" });
        await using var first = await OpenUnfinishedAsync(edge);
        await using var second = await OpenUnfinishedAsync(edge);
        var budget = edge.Services.GetRequiredService<BodyBudget>();
        await Answers.EventuallyAsync(() => Task.FromResult(budget.Bodies == 2), "both bodies are being read");
        await edge.RefusedAsync(Signing.SignedV2(), 429, "rate_limited");
        await edge.AcceptedAsync(Signing.SignedV2().With("X-Forwarded-For", "10.1.2.3"));
    }

    [Fact]
    public async Task More_memory_than_allowed_is_refused_whoever_asks_for_it()
    {
        await using var edge = await EdgeUnderTest.StartAsync(
            new(Settings("MinBodyBytesPerSecond", 0)) { ["Edge:Limits:BodyBytes"] = "200000", ["Edge:Limits:BufferedBytes"] = "400000" });
        await using var first = await OpenUnfinishedAsync(edge, new string('a', 140_000));
        var budget = edge.Services.GetRequiredService<BodyBudget>();
        await Answers.EventuallyAsync(() => Task.FromResult(budget.Bytes >= 140_000), "the first body has arrived");
        using var answer = await edge.RefusedAsync(Signing.SignedV2("\"" + new string('b', 199_000) + "\""), 429, "rate_limited");
        Assert.NotNull(answer.Headers.RetryAfter);
        await edge.AcceptedAsync(Signing.SignedV2());
        await first.DisposeAsync();
        await NothingHeldAsync(edge);
        await edge.AcceptedAsync(Signing.SignedV2("\"" + new string('b', 199_000) + "\""));
    }

    [Theory]
    [InlineData("Mesh:MaxBodyBytes")]
    [InlineData("Edge:Limits:BodyBytes")]
    public async Task One_setting_lets_a_body_above_30_million_bytes_through_every_limit_of_edge(string key)
    {
        await using var edge = await EdgeUnderTest.StartAsync(new() { [key] = "40000000" });
        var body = "\"" + new string('a', 39_000_000) + "\"";
        await edge.AcceptedAsync(Signing.SignedV2(body));
        Assert.Equal(body.Length, edge.Ingest.Single().Body.Length);
        await edge.RefusedAsync(Signing.SignedV2("\"" + new string('a', 40_000_000) + "\""), 413, "body_too_large");
        await NothingHeldAsync(edge);
    }

    [Fact]
    public async Task A_413_of_ingest_is_the_clients_answer()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        edge.Ingest.Answer = static context => FakeIngest.AnswerAsync(context, 413, """{"code":"body_too_large"}""");
        using var answer = await edge.Client.SendAsync(Signing.SignedV2());
        Assert.Equal(413, (int)answer.StatusCode);
        await Answers.EventuallyAsync(() => Task.FromResult(edge.Metrics.HasReason("ingest_413")), "the reason is counted");
    }

    [Fact]
    public async Task Many_bodies_of_all_sizes_at_once_arrive_unmixed()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        var bodies = Enumerable.Range(0, 200).Select(static i => $"{{\"n\":{i},\"text\":\"{new string((char)('a' + (i % 26)), i * i)}\"}}").ToArray();
        await Task.WhenAll(bodies.Select(body => edge.AcceptedAsync(Signing.SignedV2(body))));
        Assert.Equal(bodies.Order(StringComparer.Ordinal), edge.Ingest.Requests.Select(static request => request.Text).Order(StringComparer.Ordinal));
        await NothingHeldAsync(edge);
    }

    private static async Task<RawConnection> OpenUnfinishedAsync(EdgeUnderTest edge, string beginning = "{")
    {
        var raw = await RawConnection.OpenAsync(edge);
        await raw.SendAsync($"{Post}Content-Length: {Encoding.UTF8.GetByteCount(beginning) + 1}\r\n\r\n{beginning}");
        return raw;
    }

    private static Task NothingHeldAsync(EdgeUnderTest edge)
    {
        var budget = edge.Services.GetRequiredService<BodyBudget>();
        return Answers.EventuallyAsync(() => Task.FromResult(budget is { Bodies: 0, Bytes: 0 }), "no body is held any more");
    }

    private static Dictionary<string, string?> Settings(string limit, int value) => new() { [$"Edge:Limits:{limit}"] = value.ToString() };
}
