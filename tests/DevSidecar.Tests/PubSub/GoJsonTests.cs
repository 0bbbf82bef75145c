using System.Text;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;

namespace WhatsAppMesh.DevSidecar.Tests.PubSub;

/// <summary>JSON as Go writes it.</summary>
public sealed class GoJsonTests
{
    [Theory]
    [InlineData("""{"b":1,"a":2}""", """{"a":2,"b":1}""")]
    [InlineData("""{"b":{"d":1,"c":[{"f":1,"e":2}]},"a":null}""", """{"a":null,"b":{"c":[{"e":2,"f":1}],"d":1}}""")]
    [InlineData("""{"a":1,"b":2,"a":3}""", """{"a":3,"b":2}""")]
    [InlineData("""{"a":1,"\u0061":2}""", """{"a":2}""")]
    [InlineData("""{"é":1,"z":2,"\u00e9x":3}""", """{"z":2,"é":1,"éx":3}""")]
    [InlineData(""" [ 1 , "x" , { } , [ ] , true ] """, """[1,"x",{},[],true]""")]
    [InlineData("\"<a href='x'>&</a>\"", "\"\\u003ca href='x'\\u003e\\u0026\\u003c/a\\u003e\"")]
    [InlineData("\"\u2028\u2029\u2027\"", "\"\\u2028\\u2029\u2027\"")]
    [InlineData("""["\/","\u003c","\u0000","\b\f\n\r\t","\u0008","\"\\","\u0041"]""", """["/","\u003c","\u0000","\b\f\n\r\t","\b","\"\\","A"]""")]
    [InlineData("""["\ud83d\ude00","\ud83d","\ud83dx"]""", """["😀","�","�x"]""")]
    public void Values_come_out_as_Go_writes_them(string json, string expected) => Assert.Equal(expected, Rewrite(json, NumberRule.KeepText));

    [Theory]
    [InlineData("12345678901234567890", "12345678901234567000")]
    [InlineData("1.0", "1")]
    [InlineData("1e3", "1000")]
    [InlineData("-0", "-0")]
    [InlineData("0.0", "0")]
    [InlineData("-1.50", "-1.5")]
    [InlineData("1e20", "100000000000000000000")]
    [InlineData("1e21", "1e+21")]
    [InlineData("1.5e300", "1.5e+300")]
    [InlineData("0.000001", "0.000001")]
    [InlineData("0.0000001", "1e-7")]
    [InlineData("1.25e-9", "1.25e-9")]
    [InlineData("0.1", "0.1")]
    [InlineData("123456789012345", "123456789012345")]
    [InlineData("9007199254740993", "9007199254740992")]
    [InlineData("3.14159", "3.14159")]
    public void Numbers_come_out_of_a_double_as_Go_writes_them(string number, string expected)
    {
        Assert.Equal(expected, Rewrite(number, NumberRule.ThroughDouble));
        Assert.Equal(number, Rewrite(number, NumberRule.KeepText));
        Assert.Equal(expected == number, GoNumber.IsStable(Encoding.UTF8.GetBytes(number)));
    }

    [Fact]
    public void A_number_no_double_holds_is_an_overflow()
    {
        using var tape = new JsonTape();
        using var output = new ByteBuffer();
        Assert.True(tape.TryRead("[1e999999]"u8.ToArray()));
        var json = new GoJson(tape, NumberRule.KeepText);
        json.Write(0, output);
        Assert.True(json.HasOverflow);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{} {}")]
    [InlineData("\"\n\"")]
    [InlineData("[01]")]
    [InlineData("{'a':1}")]
    public void What_is_no_JSON_is_told(string text)
    {
        using var tape = new JsonTape();
        Assert.False(tape.TryRead(Encoding.UTF8.GetBytes(text)));
    }

    [Fact]
    public void Deep_nesting_is_no_JSON_rather_than_the_end_of_the_process()
    {
        using var tape = new JsonTape();
        Assert.True(tape.TryRead(Nested(500)));
        Assert.False(tape.TryRead(Nested(20_000)));
    }

    [Fact]
    public void Bytes_that_are_no_UTF8_become_replacement_characters()
    {
        using var text = new ByteBuffer();
        GoString.Write([(byte)'a', 0xFF, 0xE2, 0x80, (byte)'b'], text);
        Assert.Equal("""
            "a\ufffd\ufffd\ufffdb"
            """, Encoding.UTF8.GetString(text.Written));

        using var token = new ByteBuffer();
        GoString.Rewrite([(byte)'a', 0xFF, (byte)'b'], token);
        Assert.Equal("\"a\uFFFDb\"", Encoding.UTF8.GetString(token.Written));
    }

    private static byte[] Nested(int depth) => Encoding.UTF8.GetBytes(new string('[', depth) + new string(']', depth));

    private static string Rewrite(string json, NumberRule numbers)
    {
        using var tape = new JsonTape();
        using var output = new ByteBuffer();
        Assert.True(tape.TryRead(Encoding.UTF8.GetBytes(json)));
        new GoJson(tape, numbers).Write(0, output);
        return Encoding.UTF8.GetString(output.Written);
    }
}
