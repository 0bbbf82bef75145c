using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Events.Tests;

/// <summary>What starts something is believed of one teller alone.</summary>
public class EventOriginTests
{
    private static readonly string[] Sources =
    [
        "default", "membership", "trigger", "service:membership", "service:dispatch", "service:ingest", "service:membership2", "trigger:orders", "crm:hub",
        "broker:hub", "waha:hub", "evolution:hub", "Service:membership", "",
    ];

    [Theory]
    [InlineData("member.joined", "service:membership")]
    [InlineData("identity.linked", "service:membership")]
    [InlineData("identity.unlinked", "service:membership")]
    [InlineData("deadletter.discarded", "service:membership service:dispatch service:ingest service:membership2")]
    [InlineData("person.erased", "service:ingest")]
    [InlineData("trigger.fired", "trigger:orders")]
    [InlineData("lead.stage_changed", "crm:hub")]
    public void A_type_that_starts_something_is_believed_of_its_teller_alone(string type, string tellers) =>
        Assert.Equal(tellers.Split(' '), Sources.Where(source => EventOrigin.IsBelieved(new CollectedEvent { Type = type, Source = source })));

    [Fact]
    public void Whatever_else_is_told_is_believed_of_anybody() =>
        Assert.All(Sources, static source => Assert.True(EventOrigin.IsBelieved(new CollectedEvent { Type = "messages.upsert", Source = source })));

    [Theory]
    [InlineData("wpp-tui", true)]
    [InlineData("", false)]
    [InlineData(":", false)]
    [InlineData("service:membership", false)]
    public void A_name_cannot_pass_for_another_doors(string name, bool isName) => Assert.Equal(isName, EventOrigin.IsName(name));
}
