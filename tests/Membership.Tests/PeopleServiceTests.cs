using System.Text.Json.Nodes;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Membership.Tests.Driving;
using WhatsAppMesh.Membership.V1;
using static WhatsAppMesh.Membership.Tests.Driving.Collector;
using static WhatsAppMesh.Membership.Tests.Driving.MembershipProcess;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>What the service tells over gRPC of changed numbers, usernames and sizes.</summary>
public sealed class PeopleServiceTests : IAsyncLifetime
{
    private readonly Collector _collector = new();
    private TestDatabase _database = null!;
    private LakeInMemory _lake = null!;
    private MembershipProcess _service = null!;

    private V1.Membership.MembershipClient Client => _service.Client;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _lake = await LakeInMemory.StartAsync();
        _service = await StartAsync(_database, _lake);
    }

    public async Task DisposeAsync()
    {
        await _service.DisposeAsync();
        await _lake.DisposeAsync();
        await _database.DisposeAsync();
    }

    private async Task<List<Member>> MembersAsync(DateTimeOffset? asOf = null) =>
        [.. (await Client.ListMembersAsync(new ListMembersRequest { Tenant = "acme", GroupJid = GroupJid, AsOf = asOf is { } at ? Timestamp.FromDateTimeOffset(at) : null })).Members
            .OrderBy(static member => member.Lid + member.PhoneJid, StringComparer.Ordinal)];

    private async Task<Participant> PersonAsync(string jid, string tenant = "acme") =>
        (await Client.GetParticipantAsync(new GetParticipantRequest { Tenant = tenant, Jid = jid })).Participant;

    private async Task<Group> GroupAsync() => (await Client.GetGroupAsync(new GetGroupRequest { Tenant = "acme", GroupJid = GroupJid })).Group;

    private static async Task RefusedAsync(StatusCode status, string start, Func<Task> call)
    {
        var failure = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal(status, failure.StatusCode);
        Assert.StartsWith(start, failure.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Changed_number_is_one_person_by_either_number_and_at_any_time()
    {
        _lake.Add(_collector.SnapshotOf(GroupJid, Noon, Person(Phone(1), null, "admin"), Person(Phone(2), null, "admin")));
        await EventuallyAsync(async () => Assert.Equal(2, (await MembersAsync()).Count));
        var id = (await PersonAsync(Phone(2))).ParticipantId;
        _collector.Clock = Noon.AddHours(1);
        _lake.Add(_collector.ChangedNumber(Noon.AddHours(1), Phone(2), Phone(9)), _collector.Modified(Phone(2), Phone(9)));
        await EventuallyAsync(async () => Assert.Equal([Phone(1), Phone(9)], (await MembersAsync()).Select(static member => member.PhoneJid)));

        var member = (await MembersAsync())[1];
        Assert.Equal((id, Role.Admin, Noon, null), (member.ParticipantId, member.Role, member.JoinedAt.ToDateTimeOffset(), member.LeftAt));
        foreach (var asOf in new[] { Noon.AddMinutes(1), Noon.AddHours(2) })
            Assert.Equal([Phone(1), Phone(9)], (await MembersAsync(asOf)).Select(static one => one.PhoneJid));
        var person = await PersonAsync(Phone(2));
        Assert.Equal((id, Phone(9)), (person.ParticipantId, person.PhoneJid));
        Assert.Equal([Phone(2), Phone(9)], person.Jids);
        Assert.Equal(person, await PersonAsync(Phone(9)));
        var history = await Client.ListMembershipHistoryAsync(new ListMembershipHistoryRequest { Tenant = "acme", GroupJid = GroupJid, Jid = Phone(2) });
        Assert.Equal((Phone(9), Noon, null), (Assert.Single(history.Stays).PhoneJid, history.Stays[0].JoinedAt.ToDateTimeOffset(), history.Stays[0].LeftAt));
        var resolved = await Client.ResolveJidsAsync(new ResolveJidsRequest { Tenant = "acme", Jids = { Phone(2), Phone(9) } });
        Assert.Equal([(Phone(2), id, Phone(9)), (Phone(9), id, Phone(9))], resolved.Resolved.Select(static one => (one.Jid, one.ParticipantId, one.PhoneJid)));
        Assert.Empty(_lake.Of("member.joined"));
    }

    [Fact]
    public async Task Members_of_a_past_time_are_found_through_a_change_that_no_fact_of_the_group_tells()
    {
        _lake.Add(_collector.SnapshotOf(GroupJid, Noon, Person(Phone(2))), _collector.ChangedNumber(Noon.AddHours(1), Phone(2), Phone(8), "120363000000000002@g.us"));
        _lake.Add(_collector.ChangedNumber(Noon.AddHours(2), Phone(8), Phone(9), "120363000000000002@g.us"), _collector.Message(Noon.AddHours(3), Lid(2), Phone(9)));
        await EventuallyAsync(async () => Assert.Equal([Lid(2)], (await MembersAsync()).Select(static member => member.Lid)));
        Assert.Equal([(Lid(2), Phone(9))], (await MembersAsync(Noon.AddMinutes(1))).Select(static member => (member.Lid, member.PhoneJid)));
    }

    [Fact]
    public async Task Username_is_shown_wherever_the_person_is()
    {
        _lake.Add(_collector.SnapshotOf(GroupJid, Noon, Person(Lid(1)), Person(Lid(2))), _collector.MessageOf(Noon.AddMinutes(1), Lid(1), "Ana.Maria"));
        await EventuallyAsync(async () => Assert.Equal(["Ana.Maria", ""], (await MembersAsync()).Select(static member => member.Username)));
        Assert.Equal(["Ana.Maria", ""], (await MembersAsync(Noon.AddHours(1))).Select(static member => member.Username));
        Assert.Equal("Ana.Maria", (await PersonAsync(Lid(1))).Username);
        var history = await Client.ListMembershipHistoryAsync(new ListMembershipHistoryRequest { Tenant = "acme", GroupJid = GroupJid });
        Assert.Equal(["", "Ana.Maria"], history.Stays.Select(static stay => stay.Username).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Person_is_found_by_username_in_any_case_and_in_no_other_tenant()
    {
        _lake.Add(_collector.SnapshotOf(GroupJid, Noon, Person(Lid(1), Phone(1))), _collector.MessageOf(Noon.AddMinutes(1), Lid(1), "Ana.Maria"));
        _lake.Add(new Collector("other").MessageOf(Noon, Lid(7), "bia"));
        await EventuallyAsync(async () => Assert.Equal(Lid(1), (await PersonAsync("@Ana.Maria")).Lid));
        Assert.Equal(await PersonAsync(Phone(1)), await PersonAsync("@ANA.MARIA"));
        Assert.Single((await Client.ListMembershipHistoryAsync(new ListMembershipHistoryRequest { Tenant = "acme", Jid = "@ana.maria" })).Stays);
        await EventuallyAsync(async () => Assert.Equal(Lid(7), (await PersonAsync("@bia", "other")).Lid));
        await RefusedAsync(StatusCode.NotFound, "Nobody", () => PersonAsync("@bia"));
        await RefusedAsync(StatusCode.NotFound, "Nobody", () => PersonAsync("@ana"));
        await RefusedAsync(StatusCode.NotFound, "Nobody", () => PersonAsync("@ana%maria"));
    }

    [Fact]
    public async Task Username_that_went_to_somebody_else_finds_whoever_was_seen_with_it_last()
    {
        _lake.Add(_collector.MessageOf(Noon.AddHours(2), Lid(2), "ana"), _collector.MessageOf(Noon.AddHours(1), Lid(1), "ANA"), _collector.MessageOf(Noon, Lid(3), "ana"));
        await EventuallyAsync(async () => Assert.Equal("ana", (await PersonAsync(Lid(3))).Username));
        Assert.Equal(Lid(2), (await PersonAsync("@ana")).Lid);
        _lake.Add(_collector.Nameless(Noon.AddHours(3), Lid(2)));
        await EventuallyAsync(async () => Assert.Equal(Lid(1), (await PersonAsync("@ana")).Lid));
    }

    [Theory]
    [InlineData("@")]
    [InlineData("@a b")]
    [InlineData("@a\0b")]
    [InlineData("@a\tb")]
    public async Task Username_that_nobody_can_have_is_refused_by_name(string username)
    {
        await EventuallyAsync(async () => await Client.ListGroupsAsync(new ListGroupsRequest { Tenant = "acme" }));
        await RefusedAsync(StatusCode.InvalidArgument, "jid", () => PersonAsync(username));
        await RefusedAsync(StatusCode.InvalidArgument, "jid", () => PersonAsync("@" + new string('a', 101)));
        await RefusedAsync(StatusCode.InvalidArgument, "jid", () => Client.ListMembershipHistoryAsync(new ListMembershipHistoryRequest { Tenant = "acme", Jid = username }).ResponseAsync);
    }

    [Fact]
    public async Task Reported_size_stands_beside_the_number_listed_and_is_absent_while_nobody_told_it()
    {
        _lake.Add(_collector.Snapshot(Person(Lid(1)), Person(Lid(2))));
        await EventuallyAsync(async () => Assert.Equal(2, (await GroupAsync()).Listed));
        Assert.False((await GroupAsync()).HasReportedSize);
        _collector.Clock += TimeSpan.FromHours(1);
        var snapshot = _collector.Snapshot(Person(Lid(1)), Person(Lid(2)), Person(Lid(3)));
        var payload = JsonNode.Parse(snapshot.PayloadJson)!;
        payload["size"] = 29;
        snapshot.PayloadJson = payload.ToJsonString();
        _lake.Add(snapshot);
        await EventuallyAsync(async () => Assert.Equal((29, 3, 3), ((await GroupAsync()).ReportedSize, (await GroupAsync()).Listed, (await GroupAsync()).MemberCount)));
        Assert.Equal(29, Assert.Single((await Client.ListGroupsAsync(new ListGroupsRequest { Tenant = "acme" })).Groups).ReportedSize);
    }
}
