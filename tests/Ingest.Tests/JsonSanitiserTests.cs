using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace WhatsAppMesh.Ingest.Tests;

public class JsonSanitiserTests
{
    [Theory]
    [InlineData("""{"a\u0000b":"c\u0000d\u0000"}""", """{"ab":"cd"}""")]
    [InlineData("""{"a":"\\u0000"}""", """{"a":"\\u0000"}""")]
    [InlineData("""{"a":"\\\u0000"}""", """{"a":"\\"}""")]
    [InlineData("""{"a":"\ud83d\ude00"}""", """{"a":"\ud83d\ude00"}""")]
    [InlineData("""{"a":"x\ud83dy"}""", """{"a":"x�y"}""")]
    [InlineData("""{"a":"\uDE00\uD83D"}""", """{"a":"��"}""")]
    [InlineData("""{"a":"\ud83d\u0000\ude00"}""", """{"a":"��"}""")]
    [InlineData("""{"a":"\ud83d\n"}""", """{"a":"�\n"}""")]
    [InlineData("""{"a":"\u0001\u00e9\/"}""", """{"a":"\u0001\u00e9\/"}""")]
    [InlineData("""{ "a" : 1.0 , "b" : 1e999999 , "a" : 12345678901234567890 }""", """{ "a" : 1.0 , "b" : 1e999999 , "a" : 12345678901234567890 }""")]
    public void Only_what_cannot_be_kept_is_changed(string sent, string kept) => Assert.Equal(kept, Clean(Encoding.UTF8.GetBytes(sent)));

    [Theory]
    [InlineData("22 61 00 62 22", "\"ab\"")]
    [InlineData("22 61 FF 62 22", "\"a\uFFFDb\"")]
    [InlineData("22 C3 22", "\"\uFFFD\"")]
    [InlineData("22 ED A0 80 22", "\"\uFFFD\uFFFD\uFFFD\"")]
    [InlineData("22 F0 9F 98 80 00 22", "\"\U0001F600\"")]
    public void Raw_bytes_that_are_no_text_are_replaced(string hex, string kept) => Assert.Equal(kept, Clean(Hex(hex)));

    [Theory]
    [InlineData("22 5C 75 30 30 00 30 30 22")]
    [InlineData("22 5C 00 6E 22")]
    [InlineData("22 5C 75 31 32 5C 75 30 30 30 30 33 34 22")]
    [InlineData("7B 00 7D")]
    [InlineData("22 5C")]
    [InlineData("22 5C 75 64")]
    public void What_is_no_json_before_is_no_json_after(string hex) => Assert.False(IsJson(JsonSanitiser.Clean(Hex(hex)).Span));

    [Fact]
    public void Clean_bytes_are_not_even_copied()
    {
        ReadOnlyMemory<byte> clean = """{"a":"é👍\u00e9"}"""u8.ToArray();
        Assert.True(clean.Equals(JsonSanitiser.Clean(clean)));
    }

    [Fact]
    public void Whatever_the_strings_hold_the_result_is_json_in_utf8_without_nul() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(2_000), Prop.ForAll(
        Pieces().ToArbitrary(), pieces =>
        {
            byte[] sent = [.. "{\""u8, .. pieces, .. "\":[\""u8, .. pieces, .. "\"]}"u8];
            var cleaned = JsonSanitiser.Clean(sent).Span;
            using var document = JsonDocument.Parse(cleaned.ToArray());
            var key = document.RootElement.EnumerateObject().Single();
            return !cleaned.Contains((byte)0) && System.Text.Unicode.Utf8.IsValid(cleaned)
                && !key.Name.Contains('\0') && key.Name == key.Value[0].GetString() && !key.Name.EnumerateRunes().Any(rune => rune.Value == 0);
        }));

    [Fact]
    public void Whatever_the_bytes_are_cleaning_twice_changes_nothing_more_and_never_throws() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(2_000), Prop.ForAll(Pieces().ToArbitrary(), pieces =>
        {
            var once = JsonSanitiser.Clean(pieces);
            return once.Span.SequenceEqual(JsonSanitiser.Clean(once).Span);
        }));

    [Fact]
    public void Valid_text_without_nul_is_untouched() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(1_000), Prop.ForAll<UnicodeString>(text =>
    {
        var valid = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text.Get)).Replace("\0", "", StringComparison.Ordinal);
        var json = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { [valid] = valid });
        return JsonSanitiser.Clean(json).Span.SequenceEqual(json);
    }));

    // Pieces that are each well-formed inside a JSON string, or bytes that are no UTF-8: their sequences hit every edge of the scan.
    private static Gen<byte[]> Pieces() => Gen.Elements(
            "a"u8.ToArray(), "é"u8.ToArray(), "👍"u8.ToArray(), [0], [0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF0, 0x9F], @"\\"u8.ToArray(), @"\n"u8.ToArray(),
            @"\"""u8.ToArray(), @"\u0000"u8.ToArray(), @"\ud83d"u8.ToArray(), @"\uDE00"u8.ToArray(), @"\u00e9"u8.ToArray(), @"\ud83d\ude00"u8.ToArray(), "u0000"u8.ToArray())
        .ListOf().Select(static pieces => pieces.SelectMany(static piece => piece).ToArray());

    private static string Clean(byte[] json) => Encoding.UTF8.GetString(JsonSanitiser.Clean(json).Span);

    private static byte[] Hex(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    private static bool IsJson(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            while (reader.Read())
            {
            }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
