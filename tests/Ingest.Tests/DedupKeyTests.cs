using System.Text;

namespace WhatsAppMesh.Ingest.Tests;

public class DedupKeyTests
{
    private static readonly DateTimeOffset Noon = new(2024, 6, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("groups.metadata", """{"id":"1@g.us"}""", true, true)]
    [InlineData("groups.upsert", """{"id":"1@g.us","participants":[]}""", true, true)]
    [InlineData("groups.update", """{"id":"1@g.us","participants":[{"id":"1@lid"}]}""", true, true)]
    [InlineData("groups.update", """{"id":"1@g.us","announce":true}""", true, false)]
    [InlineData("groups.update", """{"id":"1@g.us","subject":"S","x":{"participants":[]}}""", true, false)]
    [InlineData("groups.update", """[{"id":"1@g.us","announce":true}]""", true, false)]
    [InlineData("group-participants.update", """{"participants":[]}""", true, true)]
    [InlineData("chats.update", """{"id":"1@g.us","ephemeralExpiration":null}""", true, false)]
    [InlineData("group.member-tag.update", """{"groupId":"1@g.us","label":"x"}""", true, false)]
    [InlineData("messages.upsert", """{"participants":[]}""", false, false)]
    [InlineData("contacts.update", """[]""", false, false)]
    public void What_says_how_something_is_may_be_said_again(string type, string payload, bool untimed, bool timed)
    {
        var body = Encoding.UTF8.GetBytes(payload);
        foreach (var (isUntimed, isObservation) in new[] { (true, untimed), (false, timed) })
        {
            var key = DedupKey.Of(type, body, isUntimed, Noon);
            var later = DedupKey.Of(type, body, isUntimed, Noon.AddMicroseconds(1));
            Assert.Equal(key.Observation, later.Observation);
            Assert.Equal(isObservation ? BodyHash.Of(type, body) : null, key.Observation);
            Assert.Equal(isObservation, key.Hash != later.Hash);
            Assert.Equal(isObservation, key.Hash != BodyHash.Of(type, body));
            Assert.Equal(key, DedupKey.Of(type, body, isUntimed, Noon.AddTicks(9)));
        }
    }
}
