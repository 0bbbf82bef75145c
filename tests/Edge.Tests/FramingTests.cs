using System.Text;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>Requests that two servers in a row might cut in different places, spoken byte by byte.</summary>
public sealed class FramingTests
{
    private static readonly string Headers =
        $"POST {Signing.V2} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Event-Id: {Signing.EventId}\r\n"
        + $"X-Signature: {Signing.Hmac(Signing.Secret, $"{Signing.EventId}.{Signing.Body}")}\r\n";

    private static readonly string Chunked = $"{Encoding.UTF8.GetByteCount(Signing.Body):x}\r\n{Signing.Body}\r\n0\r\n\r\n";

    private static readonly string Length = $"Content-Length: {Encoding.UTF8.GetByteCount(Signing.Body)}\r\n";

    private const string Smuggled = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

    [Theory]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")]
    public async Task Both_length_and_chunks_are_refused_and_the_rest_is_no_request(string framing)
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await using var raw = await RawConnection.OpenAsync(edge);
        await raw.SendAsync($"{Headers}{framing}\r\n{Chunked}{Smuggled}");
        await OnlyRefusedAsync(edge, raw, 400);
    }

    [Theory]
    [InlineData("Content-Length: 5\r\nContent-Length: 6\r\n")]
    [InlineData("Content-Length: 5\r\nContent-Length: 5\r\n")]
    [InlineData("Content-Length: 5, 5\r\n")]
    [InlineData("Content-Length: -1\r\n")]
    [InlineData("Content-Length: 0x5\r\n")]
    [InlineData("Content-Length: 99999999999999999999\r\n")]
    [InlineData("Content-Length : 5\r\n")]
    [InlineData("Transfer-Encoding: chunked, identity\r\n")]
    [InlineData("Transfer-Encoding: xchunked\r\n")]
    public async Task Length_that_is_no_single_number_is_refused(string framing)
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await using var raw = await RawConnection.OpenAsync(edge);
        await raw.SendAsync($"{Headers}{framing}\r\n{{}}   {Smuggled}");
        await OnlyRefusedAsync(edge, raw, 400);
    }

    [Theory]
    [InlineData("zz\r\n{}\r\n0\r\n\r\n")]
    [InlineData("-2\r\n{}\r\n0\r\n\r\n")]
    [InlineData("2;\r\n{}X0\r\n\r\n")]
    [InlineData("ffffffffffffffff\r\n{}\r\n0\r\n\r\n")]
    public async Task Broken_chunks_are_asked_for_again(string body)
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await using var raw = await RawConnection.OpenAsync(edge);
        await raw.SendAsync($"{Headers}Transfer-Encoding: chunked\r\n\r\n{body}{Smuggled}");
        await OnlyRefusedAsync(edge, raw, 408);
    }

    [Fact]
    public async Task Bytes_behind_a_body_are_the_next_request_and_not_part_of_this_one()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await using var raw = await RawConnection.OpenAsync(edge);
        await raw.SendAsync($"{Headers}{Length}\r\n{Signing.Body}{Headers}{Length}Connection: close\r\n\r\n{Signing.Body}");
        var answers = await raw.ReadToEndAsync();
        Assert.Equal(3, answers.Split("HTTP/1.1 202").Length);
        Assert.All(edge.Ingest.Requests, static request => Assert.Equal(Signing.Body, request.Text));
    }

    [Fact]
    public async Task Body_that_ends_early_reaches_nobody()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await using (var raw = await RawConnection.OpenAsync(edge))
            await raw.SendAsync($"{Headers}{Length}\r\n{Signing.Body[..20]}");
        await Answers.EventuallyAsync(() => Task.FromResult(edge.Metrics.Timed == 1), "the broken request is counted");
        Assert.Empty(edge.Ingest.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Body_cut_short_gets_no_answer_by_which_a_collector_would_give_it_up(bool chunked)
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await using var raw = await RawConnection.OpenAsync(edge);
        await raw.SendAsync(chunked ? $"{Headers}Transfer-Encoding: chunked\r\n\r\n{Chunked[..20]}" : $"{Headers}{Length}\r\n{Signing.Body[..20]}");
        raw.EndSending();
        Assert.Contains(RawConnection.StatusOf(await raw.ReadToEndAsync()), new[] { 0, 408 });
        Assert.Empty(edge.Ingest.Requests);
    }

    [Fact]
    public async Task Client_that_waits_for_a_go_ahead_gets_one()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await using var raw = await RawConnection.OpenAsync(edge);
        await raw.SendAsync($"{Headers}{Length}Expect: 100-continue\r\n\r\n");
        Assert.Equal(100, await raw.ReadStatusAsync());
        await raw.SendAsync(Signing.Body);
        var answer = await raw.ReadUntilAsync(static text => text.Contains("HTTP/1.1 202", StringComparison.Ordinal));
        Assert.Contains("HTTP/1.1 202", answer, StringComparison.Ordinal);
    }

    private static async Task OnlyRefusedAsync(EdgeUnderTest edge, RawConnection raw, int status)
    {
        var answers = await raw.ReadToEndAsync();
        Assert.Equal(status, RawConnection.StatusOf(answers));
        Assert.Equal(2, answers.Split("HTTP/1.1 ").Length);
        Assert.Empty(edge.Ingest.Requests);
    }
}
