using System.Net;
using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.Membership.V1;

namespace WhatsAppMesh.EndToEnd;

/// <summary>Each sample event of the design, with the signature it came with, through every process to what must come of it.</summary>
[Collection(MeshCollection.Name)]
public sealed class SampleEventsTests(MeshUnderTest test)
{
    private const string Group = "120363000000000001@g.us";
    private const string One = "999000000000001@lid";
    private const string Two = "999000000000002@lid";
    private const string Three = "999000000000003@lid";
    private const string Four = "999000000000004@lid";
    private const string Six = "999000000000006@lid";
    private const string Seven = "999000000000007@lid";

    public static TheoryData<string> Files() => [.. Samples.All.Select(s => s.File)];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Sample_is_accepted_kept_byte_for_byte_and_handled(string file)
    {
        var sample = Samples.Of(file);
        var tenant = test.NewTenant();

        using var answer = await tenant.SendAsync(sample.Post);

        Assert.Equal(sample.IsFirstGeneration ? HttpStatusCode.Accepted : HttpStatusCode.Created, answer.StatusCode);
        var stored = await test.Client.Lake.GetEventAsync(new GetEventRequest { Tenant = tenant.Name, EventId = sample.EventId });
        Assert.Equal((sample.Type, 0, sample.Payload), (stored.Event.Type, stored.Event.Revision, stored.Event.PayloadJson));
        await tenant.SettledAsync();
    }

    [Fact]
    public async Task Full_roster_makes_four_members_with_their_roles()
    {
        var members = await AfterAsync(test.NewTenant(), 4, "33_");

        Assert.Equal(
            [(One, Role.Superadmin), (Two, Role.Admin), (Three, Role.Unspecified), (Four, Role.Unspecified)],
            members.Select(m => (m.Lid, m.Role)).Order());
        Assert.Equal("12025550101@s.whatsapp.net", members.Single(m => m.Lid == One).PhoneJid);
        Assert.Equal("", members.Single(m => m.Lid == Four).PhoneJid);
    }

    [Theory]
    [InlineData("35_")]
    [InlineData("36_")]
    public async Task Missing_or_empty_roster_changes_nobody(string file)
    {
        var tenant = test.NewTenant();
        var before = await AfterAsync(tenant, 4, "33_");

        Assert.Equal(before, await AfterAsync(tenant, 4, file));
    }

    [Fact]
    public async Task Same_people_under_their_phones_are_the_same_persons()
    {
        var tenant = test.NewTenant();
        var before = await AfterAsync(tenant, 4, "33_");

        await AfterAsync(tenant, null, "38_");

        var known = before.ToDictionary(m => m.Lid, m => m.ParticipantId);
        Assert.All(await tenant.EverMembersAsync(Group), m => Assert.Equal(known[m.Lid], m.ParticipantId));
    }

    [Fact]
    public async Task Added_members_are_active()
    {
        var members = await AfterAsync(test.NewTenant(), 2, "24_");

        Assert.Equal([Six, Seven], members.Select(m => m.Lid).Order());
    }

    [Fact]
    public async Task Member_who_leaves_is_kept_with_the_time()
    {
        var tenant = test.NewTenant();
        await AfterAsync(tenant, 2, "24_");

        var members = await AfterAsync(tenant, 1, "25_");

        Assert.Equal([Seven], members.Select(m => m.Lid));
        Assert.NotNull((await tenant.EverMembersAsync(Group)).Single(m => m.Lid == Six).LeftAt);
    }

    [Fact]
    public async Task Promotion_and_demotion_set_the_role_whatever_the_participant_says()
    {
        var tenant = test.NewTenant();
        await AfterAsync(tenant, 4, "33_");
        var promoted = Subject("27_");
        var demoted = Subject("28_");

        await AfterAsync(tenant, null, "27_");
        Assert.Equal(Role.Admin, (await tenant.EverMembersAsync(Group)).Single(m => m.Lid == promoted).Role);

        await AfterAsync(tenant, null, "28_");
        Assert.Equal(Role.Unspecified, (await tenant.EverMembersAsync(Group)).Single(m => m.Lid == demoted).Role);
    }

    [Fact]
    public async Task Notification_in_a_message_makes_a_member_with_its_own_time()
    {
        var tenant = test.NewTenant();

        var members = await AfterAsync(tenant, null, "12_");

        var added = members.Single(m => m.Lid == Six);
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1717243200), added.JoinedAt.ToDateTimeOffset());
    }

    [Fact]
    public async Task Delta_changes_its_own_field_only()
    {
        var tenant = test.NewTenant();
        await AfterAsync(tenant, 4, "33_");

        await AfterAsync(tenant, 4, "31_", "32_");

        var group = (await test.Client.Membership.GetGroupAsync(new GetGroupRequest { Tenant = tenant.Name, GroupJid = Group })).Group;
        Assert.Equal("Grupo Sintético (novo nome)", group.Subject);
        Assert.Equal("Descrição de teste", group.Description);
        Assert.True(group.Announce);
    }

    [Theory]
    [InlineData("42_")]
    [InlineData("43_")]
    public async Task Full_metadata_counts_as_a_roster_whatever_event_brings_it(string file) =>
        Assert.Equal([One, Two, Three, Four], (await AfterAsync(test.NewTenant(), 4, file)).Select(m => m.Lid).Order());

    [Fact]
    public async Task Join_request_is_no_membership()
    {
        var tenant = test.NewTenant();
        var before = await AfterAsync(tenant, 4, "33_");

        Assert.Equal(before, await AfterAsync(tenant, 4, "44_"));
    }

    [Fact]
    public async Task Largest_group_has_all_its_members()
    {
        var tenant = test.NewTenant();
        using var answer = await tenant.SendAsync(Samples.Of("41_").Post);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);

        var members = await tenant.MembersAsync("120363000000001024@g.us", m => m.Count == 1024);

        Assert.Equal(1024, members.Count);
        Assert.Equal((1, 7), (members.Count(m => m.Role == Role.Superadmin), members.Count(m => m.Role == Role.Admin)));
    }

    [Fact]
    public async Task Sender_of_a_message_is_known_with_name_and_both_identities()
    {
        var tenant = test.NewTenant();
        await AfterAsync(tenant, null, "02_");

        var person = (await test.Client.Membership.GetParticipantAsync(
            new GetParticipantRequest { Tenant = tenant.Name, Jid = "12025550103@s.whatsapp.net" })).Participant;

        Assert.Equal((Three, "Bia Exemplo"), (person.Lid, person.PushName));
    }

    /// <summary>Posts samples one after the other, waits until each is handled, and gives the group's active members.</summary>
    private static async Task<IReadOnlyList<Member>> AfterAsync(TestTenant tenant, int? count, params string[] files)
    {
        foreach (var file in files)
        {
            using var answer = await tenant.SendAsync(Samples.Of(file).Post);
            Assert.True(answer.IsSuccessStatusCode);
            await tenant.SettledAsync();
        }
        var members = await tenant.MembersAsync(Group, m => count is null || m.Count == count);
        if (count is not null)
            Assert.Equal(count, members.Count);
        return members;
    }

    private static string Subject(string file)
    {
        using var payload = System.Text.Json.JsonDocument.Parse(Samples.Of(file).Payload);
        return payload.RootElement.GetProperty("participants")[0].GetProperty("id").GetString()!;
    }
}
