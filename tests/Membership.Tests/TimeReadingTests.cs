using WhatsAppMesh.Membership.Tests.Driving;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>Every item of a list has the time of its own; the envelope's is for those that have none.</summary>
public sealed class TimeReadingTests
{
    private const string Group = "120363000000000001@g.us";

    private static string Stub(int type, string person, double hours) =>
        $$"""{"key":{"remoteJid":"{{Group}}","participant":"{{person}}"},"messageTimestamp":{{Reading.Time(hours)}},"messageStubType":{{type}},"messageStubParameters":["{{person}}"]}""";

    [Theory]
    [InlineData("{\"messages\":[$1,$2],\"type\":\"append\"}")]
    [InlineData("[$1,$2]")]
    [InlineData("[{\"messages\":[$1]},$2]")]
    public void Messages_of_a_batch_have_their_own_times(string shape)
    {
        var payload = shape.Replace("$1", Stub(32, "1@lid", -3), StringComparison.Ordinal).Replace("$2", Stub(27, "2@lid", -1), StringComparison.Ordinal);
        var seen = Reading.Of("messages.upsert", payload);
        Assert.Equal(["Remove -3 1@lid", "Add -1 2@lid"], seen.Facts());
        Assert.Equal(["1@lid -3", "2@lid -1"], seen.Seen());
        Assert.All(seen.Facts, static told => Assert.Equal(Collector.Noon, told.Fact.ReceivedAt));
    }

    [Fact]
    public void Item_without_a_time_has_the_envelopes()
    {
        var message = $$"""{"key":{"remoteJid":"{{Group}}"},"messageStubType":27,"messageStubParameters":["1@lid"]}""";
        Assert.Equal(["Add -2 1@lid"], Reading.Of("messages.upsert", message, occurredAt: Collector.Noon.AddHours(-2)).Facts());
        Assert.Equal(["Add 0? 1@lid"], Reading.Of("messages.upsert", $"[{message}]").Facts());
    }

    [Theory]
    [InlineData("\"1772355600\"")]
    [InlineData("1772355600000")]
    [InlineData("{\"low\":1772355600,\"high\":0,\"unsigned\":true}")]
    public void Time_of_an_item_has_any_form(string time)
    {
        var seen = Reading.Of("messages.upsert", $$"""[{"key":{"remoteJid":"{{Group}}"},"messageTimestamp":{{time}},"messageStubType":27,"messageStubParameters":["1@lid"]}]""");
        Assert.Equal(["Add -3 1@lid"], seen.Facts());
    }

    [Theory]
    [InlineData("messages.reaction", "{\"key\":{\"remoteJid\":\"$g\"},\"reaction\":{\"key\":{\"remoteJid\":\"$g\",\"participant\":\"1@lid\"},\"senderTimestampMs\":1772355600000}}")]
    [InlineData("messages.update", "{\"key\":{\"remoteJid\":\"$g\",\"participant\":\"1@lid\"},\"update\":{\"message\":{},\"messageTimestamp\":1772355600}}")]
    [InlineData("message-receipt.update", "{\"key\":{\"remoteJid\":\"$g\"},\"receipt\":{\"userJid\":\"1@lid\",\"readTimestamp\":1772355600}}")]
    [InlineData("group.member-tag.update", "{\"groupId\":\"$g\",\"participant\":\"1@lid\",\"label\":\"x\",\"messageTimestamp\":1772355600}")]
    [InlineData("call", "{\"from\":\"1@lid\",\"groupJid\":\"$g\",\"status\":\"offer\",\"date\":\"2026-03-01T09:00:00.000Z\"}")]
    public void Acts_in_a_list_have_their_own_times(string type, string item)
    {
        var seen = Reading.Of(type, $"[{item}]");
        Assert.Equal(["1@lid -3"], seen.Seen());
        Assert.All(seen.Tags, static tag => Assert.Equal(Collector.Noon.AddHours(-3), tag.Key.OrderAt));
    }
}
