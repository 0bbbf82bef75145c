using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace WhatsAppMesh.Events.Tests;

public class WireTimeTests
{
    [Theory]
    [InlineData("1717243200", "2024-06-01T12:00:00.0000000Z")]
    [InlineData("1717243200000", "2024-06-01T12:00:00.0000000Z")]
    [InlineData("1717243200123", "2024-06-01T12:00:00.1230000Z")]
    [InlineData("1717243200.5", "2024-06-01T12:00:00.5000000Z")]
    [InlineData("\"1717243200\"", "2024-06-01T12:00:00.0000000Z")]
    [InlineData("{\"low\":1717156800,\"high\":0,\"unsigned\":true}", "2024-05-31T12:00:00.0000000Z")]
    [InlineData("{\"low\":-743718277,\"high\":399,\"unsigned\":false}", "2024-06-01T12:00:00.1230000Z")]
    [InlineData("\"2024-06-01T12:00:00.000Z\"", "2024-06-01T12:00:00.0000000Z")]
    [InlineData("\"2024-06-01T09:00:00-03:00\"", "2024-06-01T12:00:00.0000000Z")]
    [InlineData("\"2024-06-01 12:00:00\"", "2024-06-01T12:00:00.0000000Z")]
    [InlineData("\"2024-06-01\"", "2024-06-01T00:00:00.0000000Z")]
    [InlineData("\"20240601T120000Z\"", "2024-06-01T12:00:00.0000000Z")]
    [InlineData("1000000000000", null)]
    [InlineData("253402300800", null)]
    [InlineData("9223372036854775807", null)]
    [InlineData("1e999999", null)]
    [InlineData("0", null)]
    [InlineData("-1", null)]
    [InlineData("\"\"", null)]
    [InlineData("\"NaN\"", null)]
    [InlineData("\"1 June 2024\"", null)]
    [InlineData("\"2024-13-45\"", null)]
    [InlineData("\"2024-06-01junk\"", null)]
    [InlineData("\"\\udc00\"", null)]
    [InlineData("null", null)]
    [InlineData("true", null)]
    [InlineData("[]", null)]
    public void Every_form_gives_the_same_time(string json, string? expected)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        reader.Read();
        Assert.Equal(expected, WireTime.Read(ref reader)?.UtcDateTime.ToString("O"));
        using var document = JsonDocument.Parse(json);
        if (!json.Contains("udc00", StringComparison.Ordinal))
            Assert.Equal(expected, WireTime.Read(document.RootElement)?.UtcDateTime.ToString("O"));
    }

    [Fact]
    public void No_text_and_no_number_throws() => Check.QuickThrowOnFailure(Prop.ForAll<string?, decimal>((text, number) =>
    {
        WireTime.FromText(text);
        WireTime.FromNumber(number);
    }));
}
