using System.Text.Json;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>Where the keys of a broker's messages stand; pure.</summary>
public class BrokerMessagesTests
{
    private const string Key = """{"remoteJid":"1@g.us","id":"A"}""";

    [Theory]
    [InlineData("""{"iid":"i","payload":{"messages":[{"key":KEY}]}}""", "i|1@g.us|A")]
    [InlineData("""{"iid":"i","payload":{"instanceId":"j","messages":[{"key":KEY}]}}""", "j|1@g.us|A")]
    [InlineData("""{"instanceId":"i","payload":[{"key":KEY}]}""", "i|1@g.us|A")]
    [InlineData("""{"instanceId":"i","payload":{"key":KEY,"message":{}}}""", "i|1@g.us|A")]
    [InlineData("""{"instance":"i","data":{"message":{"key":KEY}}}""", "i|1@g.us|A")]
    [InlineData("""{"key":KEY}""", "|1@g.us|A")]
    [InlineData("""{"messages":[{"key":KEY},{"key":KEY}]}""", "|1@g.us|A")]
    [InlineData("""{"messages":[{"key":{"remoteJid":"2@g.us","id":7}},{"key":KEY}]}""", "|1@g.us|A\n2@g.us|7")]
    [InlineData("""{"messages":[{"key":KEY},{"key":{"remoteJid":"2@g.us"}}]}""", "|1@g.us|A")]
    public void Keys_are_found_where_brokers_put_them(string item, string name) =>
        Assert.Equal(name, NameOf(item.Replace("KEY", Key, StringComparison.Ordinal)));

    [Theory]
    [InlineData("raw")]
    [InlineData("raw_json")]
    [InlineData("rawJson")]
    public void Keys_are_found_inside_json_that_is_a_text(string member)
    {
        var raw = JsonEncodedText.Encode($$$"""{"messages":[{"key":{{{Key}}}}]}""");
        Assert.Equal("i|1@g.us|A", NameOf($$$"""{"iid":"i","payload":{"messages":[],"{{{member}}}":"{{{raw}}}"}}"""));
        Assert.Equal("i|1@g.us|A", NameOf($$"""{"iid":"i","{{member}}":"{{raw}}"}"""));
    }

    [Fact]
    public void A_message_without_an_id_is_known_by_its_bytes_and_its_time_and_by_nothing_without_a_time()
    {
        static string Of(string text, string time) =>
            $$$"""{"iid":"i","payload":{"timestamp":{{{time}}},"messages":[{"key":{"remoteJid":"1@g.us"},"message":{"conversation":"{{{text}}}"}}]}}""";
        Assert.NotNull(NameOf(Of("oi", "1717243200")));
        Assert.Equal(NameOf(Of("oi", "1717243200")), NameOf(Of("oi", "1717243200")));
        Assert.NotEqual(NameOf(Of("oi", "1717243200")), NameOf(Of("oi", "1717243201")));
        Assert.NotEqual(NameOf(Of("oi", "1717243200")), NameOf(Of("ola", "1717243200")));
        Assert.Null(NameOf(Of("oi", "null")));
    }

    [Fact]
    public void An_envelope_that_was_normalised_is_known_by_its_message_and_contact() =>
        Assert.Equal("i|+12025550103|wamid-1", NameOf("""{"instanceId":"i","payload":{"contact":{"phone":"+12025550103"},"message":{"id":"wamid-1"}}}"""));

    [Theory]
    [InlineData("""{"type":"A"}""")]
    [InlineData("""{"payload":"{"}""")]
    [InlineData("""{"payload":{"raw":"[[[[[[[[[[[[[[[[]"}}""")]
    [InlineData("""{"payload":{"messages":[{"key":"A"},7,null]}}""")]
    [InlineData("""{"payload":{"messages":[{"message":{"protocolMessage":{"key":{"remoteJid":"1@g.us","id":"quoted"}}}}]}}""")]
    [InlineData("""{"payload":{"messages":[{"key":{"remoteJid":"1@g.us"},"message":{"key":{"remoteJid":"1@g.us","id":"inside"}}}]}}""")]
    public void What_names_no_message_has_no_name(string item) => Assert.Null(NameOf(item));

    [Fact]
    public void Json_in_json_in_json_is_followed_only_so_far()
    {
        var text = $$$"""{"messages":[{"key":{{{Key}}}}]}""";
        for (var i = 0; i < 6; i++)
            text = $$"""{"raw":{{JsonSerializer.Serialize(text)}}}""";
        Assert.Null(NameOf(text));
    }

    private static string? NameOf(string item)
    {
        using var document = JsonDocument.Parse(item);
        return BrokerMessages.NameOf(document.RootElement);
    }
}
