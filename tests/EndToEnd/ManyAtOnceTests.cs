using WhatsAppMesh.Collector;
using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.Membership.V1;

namespace WhatsAppMesh.EndToEnd;

/// <summary>The same event from several sides at the same moment, over two processes of each service.</summary>
[Collection(MeshCollection.Name)]
public sealed class ManyAtOnceTests(MeshUnderTest test)
{
    private const string Group = "120363000000000021@g.us";

    private static readonly GroupMember Ana = new("999000000000201@lid", "5500900000201@s.whatsapp.net", "superadmin");
    private static readonly GroupMember Bia = new("999000000000202@lid", "5500900000202@s.whatsapp.net");
    private static readonly GroupMember Caio = new("999000000000203@lid");

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    [Fact]
    public async Task One_event_posted_a_hundred_times_at_once_over_two_replicas_is_one_row()
    {
        var tenant = test.NewTenant();
        var message = MessageEvents.Text(Group, Bia, "3EB0HUNDRED", Now, "Bia Exemplo", "uma vez só");

        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => tenant.PostAsync(message, i % 2 == 0 ? "edge" : "edge-2")));

        Assert.Equal(1, await tenant.LakeRowsAsync());
        await tenant.SettledAsync();
    }

    [Fact]
    public async Task Placeholder_and_its_text_that_race_on_two_replicas_are_both_kept()
    {
        var tenant = test.NewTenant();
        for (var round = 0; round < 20; round++)
        {
            var placeholder = MessageEvents.Placeholder(Group, Bia, $"3EB0RACE{round}", Now);
            var text = MessageEvents.Text(Group, Bia, $"3EB0RACE{round}", Now, "Bia Exemplo", "agora legível");
            Assert.Equal(placeholder.EventId, text.EventId);

            await Task.WhenAll(tenant.PostAsync(placeholder, "edge"), tenant.PostAsync(text, "edge-2"));

            var bodies = await Task.WhenAll(RevisionAsync(tenant, text.EventId, 0), RevisionAsync(tenant, text.EventId, 1));
            Assert.Single(bodies, body => body.Contains("messageStubType", StringComparison.Ordinal));
            Assert.Single(bodies, body => body.Contains("agora legível", StringComparison.Ordinal));
        }
        Assert.Equal(40, await tenant.LakeRowsAsync());
        await tenant.SettledAsync();
    }

    [Fact]
    public async Task Two_tenants_that_post_the_same_event_both_have_it()
    {
        TestTenant[] tenants = [test.NewTenant(), test.NewTenant()];
        var roster = GroupEvents.Snapshot(Group, "Grupo de dois inquilinos", [Ana, Bia]);

        await Task.WhenAll(tenants.Select((t, i) => t.PostAsync(roster, i == 0 ? "edge" : "edge-2")));

        foreach (var tenant in tenants)
        {
            Assert.Equal(1, await tenant.LakeRowsAsync());
            Assert.Equal(2, (await tenant.MembersAsync(Group, m => m.Count == 2)).Count);
        }
    }

    [Fact]
    public async Task Roster_told_again_heals_a_rejoin_that_was_never_told()
    {
        var tenant = test.NewTenant();
        var roster = GroupEvents.Snapshot(Group, "Grupo que se cura", [Ana, Bia, Caio]);
        await tenant.PostAsync(roster);
        await tenant.SettledAsync();
        var joined = (await tenant.MembersAsync(Group, m => m.Count == 3)).Single(m => m.Lid == Bia.Lid).JoinedAt;
        await tenant.PostAsync(GroupEvents.Participants(Group, Ana, "remove", [Bia]));
        await tenant.SettledAsync();
        Assert.Equal(2, (await tenant.MembersAsync(Group, m => m.Count == 2)).Count);

        // The collector gives the same roster the same id for ever. As an observation it counts again a quarter of an hour after its newest copy,
        // which a test cannot wait for: the first one was received earlier.
        await Books.ExecuteAsync(test.Mesh, "ingest", $"update seen set received_at = received_at - interval '16 minutes' where event_id = '{roster.EventId}'");
        await tenant.PostAsync(roster);
        await tenant.SettledAsync();

        var members = await tenant.MembersAsync(Group, m => m.Count == 3);
        Assert.Equal(joined, members.Single(m => m.Lid == Bia.Lid).JoinedAt);
        Assert.Null(members.Single(m => m.Lid == Bia.Lid).LeftAt);
    }

    private async Task<string> RevisionAsync(TestTenant tenant, Guid eventId, int revision)
    {
        var answer = await test.Client.Lake.GetEventAsync(new GetEventRequest { Tenant = tenant.Name, EventId = eventId.ToString(), Revision = revision });
        return answer.Event.PayloadJson;
    }
}
