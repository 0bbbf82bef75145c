using System.Text.Json;
using WhatsAppMesh.Dispatch.Sending;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>What the answers of brokers, and of the sidecar in their place, are taken to mean.</summary>
public sealed class BrokerAnswerTests
{
    [Theory]
    [InlineData("ok", "Sent", null, false)]
    [InlineData("ok_nested", "Sent", null, false)]
    [InlineData("no_content", "Sent", null, false)]
    [InlineData("auth", "Permanent", "permanent", false)]
    [InlineData("disconnected", "Offline", null, false)]
    [InlineData("invalid_to", "Permanent", "permanent", false)]
    [InlineData("rate", "Throttled", "throttled", false)]
    [InlineData("timeout", "Transient", "transient", true)]
    [InlineData("html_502", "Transient", "transient", true)]
    [InlineData("api_409", "Offline", null, false)]
    public void Recorded_answers_are_read(string name, string verdict, string? category, bool mayHaveLeft)
    {
        using var samples = JsonDocument.Parse(File.ReadAllText(Samples.Path("56_broker_outbound_responses.json")));
        var sample = samples.RootElement.GetProperty(name);
        var body = sample.GetProperty("body") is { ValueKind: JsonValueKind.String } text ? text.GetString()! : sample.GetProperty("body").GetRawText();

        var answer = BrokerAnswer.Read(new BrokerReply(sample.GetProperty("status").GetInt32(), body, TimeSpan.FromSeconds(2)));

        Assert.Equal((verdict, category), (answer.Verdict.ToString(), answer.Category));
        Assert.Equal(name.StartsWith("ok", StringComparison.Ordinal) ? "3EB0OUT00000000000001" : null, answer.ExternalId);
        Assert.Equal(verdict == "Sent" || mayHaveLeft, answer.MayHaveLeft);
        Assert.Equal(verdict == "Throttled" || name is "timeout" or "html_502" ? TimeSpan.FromSeconds(2) : null, answer.RetryAfter);
    }

    [Theory]
    [InlineData("whatsapp-broker does not answer: Connection refused (127.0.0.1:5140)", "Transient", false)]
    [InlineData("failed to invoke, id: whatsapp-broker, err: dial tcp 127.0.0.1:5140: connect: connection refused", "Transient", false)]
    [InlineData("whatsapp-broker does not answer: An error occurred while sending the request.", "Transient", true)]
    [InlineData("no answer within 00:00:10", "Transient", true)]
    [InlineData("failed getting app id: no host found with the given ID", "Transient", false)]
    [InlineData("failed to invoke, id: whatsapp-broker, err: couldn't find service: whatsapp-broker", "Transient", false)]
    [InlineData("failed to resolve address for 'whatsapp-broker'", "Transient", false)]
    [InlineData("the circuit breaker is open", "CircuitOpen", false)]
    [InlineData("something nobody has seen yet", "Transient", true)]
    public void The_sidecars_own_500_is_told_from_the_brokers(string message, string verdict, bool mayHaveLeft)
    {
        var body = JsonSerializer.Serialize(new { errorCode = "ERR_DIRECT_INVOKE", message });

        var answer = BrokerAnswer.Read(new BrokerReply(500, body));

        Assert.Equal((verdict, mayHaveLeft), (answer.Verdict.ToString(), answer.MayHaveLeft));
        Assert.True(BrokerAnswer.Read(new BrokerReply(500, """{"error":{"code":"BROKER_ERROR"}}""")).MayHaveLeft);
    }

    [Theory]
    [InlineData("""{"id":"a"}""", "a")]
    [InlineData("""{"result":{"message_id":"b"}}""", "b")]
    [InlineData("""{"payload":{"response":{"external_id":"c"}}}""", "c")]
    [InlineData("""{"message":"queued"}""", null)]
    [InlineData("""[{"id":"a"}]""", null)]
    [InlineData("", null)]
    [InlineData("""{"id":"a\u0000b","messageId":"c"}""", "c")]
    [InlineData("""{"id":"\ud83d","i\ud83d":"x","messageId":"c"}""", "c")]
    [InlineData("""{"id":"\ud83d"}""", null)]
    public void Message_id_is_found_wherever_brokers_put_it(string body, string? id) =>
        Assert.Equal((BrokerVerdict.Sent, id), (BrokerAnswer.Read(new BrokerReply(200, body)).Verdict, BrokerAnswer.Read(new BrokerReply(200, body)).ExternalId));

    [Theory]
    [InlineData("<html>please log in</html>")]
    [InlineData("not json")]
    [InlineData("\"ok\"")]
    [InlineData("{")]
    public void A_page_in_place_of_an_answer_is_no_success(string body)
    {
        var answer = BrokerAnswer.Read(new BrokerReply(200, body));

        Assert.Equal((BrokerVerdict.Unknown, true), (answer.Verdict, answer.MayHaveLeft));
    }

    [Theory]
    [InlineData(400, true)]
    [InlineData(413, true)]
    [InlineData(415, true)]
    [InlineData(422, true)]
    [InlineData(401, false)]
    [InlineData(403, false)]
    [InlineData(404, false)]
    [InlineData(409, false)]
    public void Only_some_refusals_are_of_the_message_itself(int status, bool ofMessage) =>
        Assert.Equal(ofMessage, BrokerAnswer.Read(new BrokerReply(status)).RefusesMessage);

    [Fact]
    public void Error_texts_hold_nothing_of_the_answer_but_a_code()
    {
        Assert.Equal("422 INVALID_TO", BrokerAnswer.Read(new BrokerReply(422, """{"error":{"code":"INVALID_TO","message":"12025550103 is wrong"}}""")).Error);
        Assert.Equal("422", BrokerAnswer.Read(new BrokerReply(422, """{"error":{"code":"to 12025550103"}}""")).Error);
    }

    [Fact]
    public void Operators_see_the_answer_without_numbers_and_addresses()
    {
        var shown = RedactedAnswer.Of("""{"to":"12025550103","jid":"999000000000003@lid","error":"+1 (202) 555-0103 has no WhatsApp","code":422}""")!;

        Assert.DoesNotContain("555", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("999000000000003", shown, StringComparison.Ordinal);
        Assert.Contains("has no WhatsApp", shown, StringComparison.Ordinal);
        Assert.Contains("422", shown, StringComparison.Ordinal);
        Assert.True(RedactedAnswer.Of(new string('x', 100_000))!.Length <= 2048);
        Assert.Null(RedactedAnswer.Of(""));
    }

    [Theory]
    [InlineData(2047)]
    [InlineData(4095)]
    public void Shown_answer_is_never_cut_between_the_halves_of_a_character(int before)
    {
        // What is cut at 4 KB is shown when redaction makes it shorter.
        var body = (before > 2048 ? new string('1', 2500) + new string('x', before - 2500) : new string('x', before)) + "\ud83d\ude00 and more";

        Assert.DoesNotContain(RedactedAnswer.Of(body)!, char.IsSurrogate);
    }
}
