using System.Text.Json;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>Evolution API's date_time is the wall clock of a zone that nobody names, with a Z behind it.</summary>
public class SenderClockTests
{
    private static readonly DateTimeOffset ReceivedAt = new(2026, 6, 1, 13, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("2026-06-01T12:59:58.500Z", "2026-06-01T12:59:58.500Z")]
    [InlineData("2026-06-01T09:59:58.500Z", "2026-06-01T12:59:58.500Z")]
    [InlineData("2026-06-01T18:29:58.500Z", "2026-06-01T12:59:58.500Z")]
    [InlineData("2026-06-01T18:44:58.500Z", "2026-06-01T12:59:58.500Z")]
    [InlineData("2026-06-02T02:59:59.000Z", "2026-06-01T12:59:59Z")]
    [InlineData("2026-06-01T01:00:00.000Z", "2026-06-01T13:00:00Z")]
    [InlineData("2026-06-01T12:48:00.000Z", "2026-06-01T12:48:00Z")]
    [InlineData("2026-06-01T09:48:00.000Z", "2026-06-01T12:48:00Z")]
    [InlineData("2026-06-01T13:01:00.000Z", "2026-06-01T13:00:00Z")]
    [InlineData("2026-06-01T12:46:30.000Z", "2026-06-01T13:00:00Z")]
    [InlineData("2024-06-01T12:00:00.000Z", "2024-06-01T12:00:00Z")]
    [InlineData("2026-06-03T12:00:00.000Z", null)]
    [InlineData("soon", null)]
    [InlineData("", null)]
    public void Zone_is_what_whole_quarters_of_an_hour_lie_between_it_and_the_receipt(string written, string? at)
    {
        using var json = JsonDocument.Parse($"\"{written}\"");
        Assert.Equal(at is null ? null : DateTimeOffset.Parse(at, null), SenderClock.Read(json.RootElement, ReceivedAt));
    }

    [Fact]
    public void Every_zone_of_the_world_gives_the_same_moment()
    {
        var moment = ReceivedAt.AddSeconds(-40);
        Assert.All(TimeZoneInfo.GetSystemTimeZones(), zone =>
        {
            var wall = TimeZoneInfo.ConvertTime(moment, zone).DateTime;
            using var json = JsonDocument.Parse($"\"{wall:yyyy-MM-ddTHH:mm:ss.fff}Z\"");
            Assert.Equal(moment, SenderClock.Read(json.RootElement, ReceivedAt));
        });
    }
}
