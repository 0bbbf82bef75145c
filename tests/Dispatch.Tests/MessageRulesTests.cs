using System.Text.Json;
using WhatsAppMesh.Dispatch.Messages;

namespace WhatsAppMesh.Dispatch.Tests;

/// <summary>What is checked of a message before it is kept.</summary>
public sealed class MessageRulesTests
{
    [Theory]
    [InlineData("+55 (11) 99999-0000", "+5511999990000")]
    [InlineData(" 55.11.99999.0000 ", "5511999990000")]
    [InlineData("\u202A+55\u00A011\u2011999990000\u202C", "+5511999990000")]
    [InlineData("+1 [212] 555–0100", "+12125550100")]
    [InlineData("77@lid", "77@lid")]
    [InlineData("{{trigger.customer | +55 11}}", "{{trigger.customer | +55 11}}")]
    public void A_number_is_taken_as_people_write_it(string written, string plain)
    {
        var errors = new FieldErrors();
        Assert.Equal(plain, Read($$"""{"to":"{{written}}","content":"Hi"}""", errors).To);
        Assert.True(errors.IsEmpty, errors.ToString());
    }

    [Theory]
    [InlineData("12025550129")]
    [InlineData("12025550129.0")]
    [InlineData("1.2025550129e10")]
    public void A_number_is_taken_as_a_number_too(string json)
    {
        var errors = new FieldErrors();
        Assert.Equal("12025550129", Read($$"""{"to":{{json}},"content":"Hi"}""", errors).To);
        Assert.True(errors.IsEmpty, errors.ToString());
    }

    [Theory]
    [InlineData("-12025550129")]
    [InlineData("0")]
    [InlineData("1e999")]
    [InlineData("true")]
    [InlineData("[12025550129]")]
    public void What_is_neither_a_text_nor_a_number_of_a_phone_is_refused(string json)
    {
        var errors = new FieldErrors();
        Read($$"""{"to":{{json}},"content":"Hi"}""", errors);
        Assert.Equal(["to"], errors.ByField.Keys);
    }

    [Theory]
    [InlineData("+55 11 CALL-ME")]
    [InlineData("()")]
    [InlineData("55/11999990000")]
    public void What_is_no_number_is_refused(string written)
    {
        var errors = new FieldErrors();
        Read($$"""{"to":"{{written}}","content":"Hi"}""", errors);
        Assert.Equal(["to"], errors.ByField.Keys);
    }

    [Fact]
    public void A_placeholder_that_nobody_would_fill_in_is_refused_where_it_stands()
    {
        var errors = new FieldErrors();
        Read("""
            {"type":"image","content":"{{lead.name}}","sessionId":"{{lead.id}}","externalId":"{{lead.id}}","metadata":{"ref":["{{lead.id}}"],"{{x}}":1},
             "media":{"url":"https://x/{{lead.id}}","mimeType":"{{lead.attributes.type}}","fileName":"{{lead.name}}"}}
            """, errors);
        Read("""{"type":"template","template":{"name":"hi","parameters":[{"{{lead.name}}":"{{lead.name}}"}]}}""", errors);
        Assert.Equal(["externalId", "media.mimeType", "metadata", "metadata.ref", "sessionId", "template.parameters"], errors.ByField.Keys);
    }

    [Fact]
    public void A_direct_send_is_as_it_is()
    {
        var errors = new FieldErrors();
        using var body = JsonDocument.Parse("""{"to":"5511999990000","content":"{{}}","metadata":{"ref":"{{lead.id}}"},"externalId":"{{x"}""");
        MessageRules.Read(body.RootElement, "", hasPlaceholders: false, toRequired: true, errors);
        Assert.True(errors.IsEmpty, errors.ToString());
    }

    private static Message Read(string json, FieldErrors errors)
    {
        using var body = JsonDocument.Parse(json);
        return MessageRules.Read(body.RootElement.Clone(), "", hasPlaceholders: true, toRequired: false, errors);
    }
}
