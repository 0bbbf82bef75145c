using System.Text;
using System.Text.Json;

namespace WhatsAppMesh.Events.Tests;

public class WireNumberTests
{
    public static TheoryData<string, long?> SharedVectors()
    {
        var data = new TheoryData<string, long?>();
        using var vectors = JsonDocument.Parse(File.ReadAllBytes(SharedFiles.Payload("00_vectors.json")));
        foreach (var vector in vectors.RootElement.GetProperty("longs").EnumerateArray())
        {
            var value = vector.GetProperty("value");
            data.Add(vector.GetProperty("in").GetRawText(), value.ValueKind == JsonValueKind.Null ? null : value.GetInt64());
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(SharedVectors))]
    [InlineData("1717243200.9", 1717243200L)]
    [InlineData("1.7172432e9", 1717243200L)]
    [InlineData("\" 1717243200 \"", 1717243200L)]
    [InlineData("\"\\u0031\\u0037\"", 17L)]
    [InlineData("-3", -3L)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("9223372036854775808", null)]
    [InlineData("1e999999", null)]
    [InlineData("\"1e999999\"", null)]
    [InlineData("\"Infinity\"", null)]
    [InlineData("\"0x10\"", null)]
    [InlineData("\"\\ud800\"", null)]
    [InlineData("true", null)]
    [InlineData("[1]", null)]
    [InlineData("{}", null)]
    [InlineData("{\"low\":1}", null)]
    [InlineData("{\"low\":\"1\",\"high\":0}", null)]
    [InlineData("{\"low\":1,\"high\":99999999999}", null)]
    [InlineData("{\"low\":{\"low\":1},\"high\":[0],\"more\":{\"a\":[1]}}", null)]
    [InlineData("{\"low\":4294967295,\"high\":0,\"unsigned\":true}", 4294967295L)]
    [InlineData("{\"low\":-1,\"high\":-1,\"unsigned\":true}", null)]
    [InlineData("{\"unsigned\":false,\"high\":399,\"low\":-743718277,\"x\":null}", 1717243200123L)]
    public void Every_form_gives_the_same_number_from_reader_and_element(string json, long? expected)
    {
        // The value stands in an array, so that where the reader stops is seen too.
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes($"[{json},7]"));
        reader.Read();
        reader.Read();
        Assert.Equal(expected, WireNumber.Read(ref reader));
        Assert.True(reader.Read());
        Assert.Equal(7, reader.GetInt32());

        using var document = JsonDocument.Parse(json);
        if (!json.Contains("ud800", StringComparison.Ordinal))
            Assert.Equal(expected, WireNumber.Read(document.RootElement));
    }
}
