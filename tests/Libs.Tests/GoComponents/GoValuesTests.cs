using System.Globalization;
using WhatsAppMesh.GoComponents;

namespace WhatsAppMesh.Libs.Tests.GoComponents;

/// <summary>Values as Go reads them; what stands here was asked of Go.</summary>
public sealed class GoValuesTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("5s", "00:00:05")]
    [InlineData("-1.5h", "-01:30:00")]
    [InlineData("+5s", "00:00:05")]
    [InlineData("1h15m30.918s", "01:15:30.9180000")]
    [InlineData(".5s", "00:00:00.5000000")]
    [InlineData("1.s", "00:00:01")]
    [InlineData("1h1h", "02:00:00")]
    [InlineData("100us", "00:00:00.0001000")]
    [InlineData("100µs", "00:00:00.0001000")]
    [InlineData("100ns", "00:00:00.0000001")]
    [InlineData("2562047h47m16.854s", "106751.23:47:16.8540000")]
    [InlineData("", null)]
    [InlineData("5", null)]
    [InlineData("-", null)]
    [InlineData("s", null)]
    [InlineData(".s", null)]
    [InlineData("1d", null)]
    [InlineData("1 s", null)]
    [InlineData("1S", null)]
    [InlineData("1h-5m", null)]
    [InlineData("1.2.3s", null)]
    [InlineData("2562048h", null)]
    public void Durations(string text, string? expected) =>
        Assert.Equal(expected is null ? null : TimeSpan.Parse(expected, CultureInfo.InvariantCulture), GoDuration.Parse(text));

    [Theory]
    [InlineData("12", 12L)]
    [InlineData("-3", -3L)]
    [InlineData("+3", 3L)]
    [InlineData("", 0L)]
    [InlineData("0x1F", 31L)]
    [InlineData("017", 15L)]
    [InlineData("0o17", 15L)]
    [InlineData("0b11", 3L)]
    [InlineData("1_000", 1000L)]
    [InlineData("0_7", 7L)]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("9223372036854775808", null)]
    [InlineData("1__0", null)]
    [InlineData("_1", null)]
    [InlineData("1_", null)]
    [InlineData("08", null)]
    [InlineData("0x", null)]
    [InlineData("1e3", null)]
    [InlineData("1.0", null)]
    [InlineData(" 1", null)]
    public void Whole_numbers_of_the_newer_components(string text, long? expected) => Assert.Equal(expected, GoValues.ParseAnyInt(text));

    [Theory]
    [InlineData("12", 12L)]
    [InlineData("-3", -3L)]
    [InlineData("007", 7L)]
    [InlineData("", null)]
    [InlineData("0x1F", null)]
    [InlineData("1_000", null)]
    [InlineData("12 ", null)]
    public void Whole_numbers_of_the_older_components(string text, long? expected) => Assert.Equal(expected, GoValues.ParseInt(text));

    [Theory]
    [InlineData("true", true, true)]
    [InlineData("T", true, true)]
    [InlineData("1", true, true)]
    [InlineData("yes", true, null)]
    [InlineData("On", true, null)]
    [InlineData(" true ", true, null)]
    [InlineData("tRue", true, null)]
    [InlineData("false", false, false)]
    [InlineData("0", false, false)]
    [InlineData("no", false, null)]
    [InlineData("", false, null)]
    [InlineData("truest", false, null)]
    public void Truth_is_told_in_two_ways(string text, bool truthy, bool? parsed) =>
        Assert.Equal((truthy, parsed), (GoValues.IsTruthy(text), GoValues.ParseBool(text)));
}
