using System.Globalization;
using System.Text;
using WhatsAppMesh.DevSidecar.State;

namespace WhatsAppMesh.DevSidecar.Tests.State;

public sealed class StateJsonTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("-0", "-0")]
    [InlineData("1.0", "1")]
    [InlineData("100", "100")]
    [InlineData("-12.50", "-12.5")]
    [InlineData("1e3", "1000")]
    [InlineData("12345678901234567890", "12345678901234567000")]
    [InlineData("9007199254740993", "9007199254740992")]
    [InlineData("1e20", "100000000000000000000")]
    [InlineData("1e21", "1e+21")]
    [InlineData("1.5e300", "1.5e+300")]
    [InlineData("0.000001", "0.000001")]
    [InlineData("0.00000012", "1.2e-7")]
    [InlineData("5e-324", "5e-324")]
    [InlineData("0.1", "0.1")]
    public void Numbers_are_doubles_in_their_shortest_form(string json, string encoded) => Assert.Equal(encoded, Encode(json));

    [Theory]
    [InlineData("""{"b":1,"a":{"z":[],"y":{}}}""", """{"a":{"y":{},"z":[]},"b":1}""")]
    [InlineData("""{"a":1,"a":2}""", """{"a":2}""")]
    [InlineData("""{"\ud83d\ude00":1,"\uff5e":2}""", """{"～":2,"😀":1}""")]
    [InlineData(""" [ true , false , null ] """, "[true,false,null]")]
    [InlineData("""{"\ud800":"a\ud800b"}""", """{"�":"a�b"}""")]
    [InlineData("""{"\"\\\n":1}""", """{"\"\\\n":1}""")]
    public void Structure_is_kept_with_sorted_keys(string json, string encoded) => Assert.Equal(encoded, Encode(json));

    [Fact]
    public void Text_is_escaped_where_it_could_end_a_script_or_a_line() =>
        Assert.Equal("\"\\u003ca href='x'\\u003e\\u0026\\u2028\\u2029\\b\\f\\n\\r\\t\\u0001\u007f/–\"", Encode("\"<a href='x'>&\u2028\u2029\\b\\f\\n\\r\\t\\u0001\u007f\\/–\""));

    [Fact]
    public void Bytes_that_are_not_utf8_become_replacement_characters()
    {
        using var document = StateJson.Parse(new byte[] { (byte)'"', 0xFF, (byte)'"' });
        Assert.Equal("\"\uFFFD\"", Encoding.UTF8.GetString(StateJson.Encode(document.RootElement)));
    }

    [Fact]
    public void Number_beyond_a_double_is_refused() => Assert.Throws<System.Text.Json.JsonException>(() => Encode("[1e999]"));

    [Fact]
    public void Any_double_reads_back_as_itself()
    {
        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
        {
            var value = BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue));
            if (double.IsFinite(value))
                Assert.Equal(value, double.Parse(Encode(value.ToString("R", CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture));
        }
    }

    private static string Encode(string json)
    {
        using var document = StateJson.Parse(Encoding.UTF8.GetBytes(json));
        return Encoding.UTF8.GetString(StateJson.Encode(document.RootElement));
    }
}
