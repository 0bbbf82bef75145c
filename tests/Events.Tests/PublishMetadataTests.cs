using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace WhatsAppMesh.Events.Tests;

public class PublishMetadataTests
{
    [Theory]
    [InlineData("120363000000000001@g.us", "120363000000000001@g.us")]
    [InlineData("whatsapp.messages.upsert", "whatsapp.messages.upsert")]
    [InlineData("acme/wpp-tui_1~x:y", "acme/wpp-tui_1~x:y")]
    [InlineData("a\nb\u007f", "a%0Ab%7F")]
    [InlineData("100% é", "100%25%20%C3%A9")]
    [InlineData("👍", "%F0%9F%91%8D")]
    [InlineData("", "")]
    public void Only_visible_ascii_is_left(string value, string encoded) => Assert.Equal(encoded, PublishMetadata.Encode(value));

    [Fact]
    public void A_lone_surrogate_becomes_a_replacement_character() => Assert.Equal("a%EF%BF%BD", PublishMetadata.Encode("a\ud800"));

    [Fact]
    public void Encoding_is_reversible_and_safe_in_a_header() => Check.QuickThrowOnFailure(Prop.ForAll<UnicodeString>(text =>
    {
        var valid = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text.Get));
        var encoded = PublishMetadata.Encode(valid);
        return encoded.All(c => c is > ' ' and < '\u007f') && Uri.UnescapeDataString(encoded) == valid;
    }));
}
