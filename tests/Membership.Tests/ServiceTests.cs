using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Npgsql;
using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Membership.Tests.Driving;
using WhatsAppMesh.Membership.V1;
using static WhatsAppMesh.Membership.Tests.Driving.Collector;
using static WhatsAppMesh.Membership.Tests.Driving.MembershipProcess;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>The service over gRPC: queries, pages, errors, operators' decisions, and joins announced through the lake.</summary>
public sealed class ServiceTests : IAsyncLifetime
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

    private async Task<List<Member>> MembersAsync(DateTimeOffset? asOf = null, bool includeLeft = false, string tenant = "acme", string group = GroupJid)
    {
        var request = new ListMembersRequest { Tenant = tenant, GroupJid = group, IncludeLeft = includeLeft, AsOf = asOf is { } at ? Timestamp.FromDateTimeOffset(at) : null };
        return [.. (await Client.ListMembersAsync(request)).Members.OrderBy(static member => member.Lid + member.PhoneJid, StringComparer.Ordinal)];
    }

    private async Task<string[]> LidsAsync(DateTimeOffset? asOf = null) => [.. (await MembersAsync(asOf)).Select(static member => member.Lid)];

    [Fact]
    public async Task Group_and_members_are_told_with_all_that_is_known()
    {
        _lake.Add(_collector.Sample("33_groups_metadata_lid_with_phone.json"), _collector.Message(Noon, Lid(3), Phone(3), "Bia"));
        await EventuallyAsync(async () => Assert.Equal(4, (await MembersAsync()).Count));
        var group = (await Client.GetGroupAsync(new GetGroupRequest { Tenant = "acme", GroupJid = GroupJid })).Group;
        Assert.Equal(("Grupo Sintético", "Descrição de teste", "lid", true, 4, 604800L),
            (group.Subject, group.Description, group.AddressingMode, group.Restrict, group.MemberCount, group.EphemeralDuration));
        var members = await MembersAsync();
        Assert.Equal((Role.Superadmin, "12025550101@s.whatsapp.net"), (members[0].Role, members[0].PhoneJid));
        Assert.Equal((Role.Admin, Noon), (members[1].Role, members[1].JoinedAt.ToDateTimeOffset()));
        Assert.Equal("", members[3].PhoneJid);
    }

    [Fact]
    public async Task Members_of_a_past_time_are_those_of_that_time_with_the_roles_of_that_time()
    {
        _lake.Add(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon, Person(Lid(1)), Person(Lid(2))));
        _lake.Add(_collector.Stub("GROUP_PARTICIPANT_PROMOTE", Noon.AddHours(1), Person(Lid(2))));
        _lake.Add(_collector.Stub("GROUP_PARTICIPANT_REMOVE", Noon.AddHours(2), Person(Lid(2))));
        await EventuallyAsync(async () => Assert.Equal([Lid(1)], await LidsAsync()));
        Assert.Empty(await LidsAsync(Noon.AddMinutes(-1)));
        Assert.Equal([Lid(1), Lid(2)], await LidsAsync(Noon));
        Assert.Equal(Role.Unspecified, (await MembersAsync(Noon.AddMinutes(59)))[1].Role);
        Assert.Equal(Role.Admin, (await MembersAsync(Noon.AddMinutes(119)))[1].Role);
        Assert.Equal([Lid(1)], await LidsAsync(Noon.AddHours(2)));
        Assert.Equal(2, (await MembersAsync(includeLeft: true)).Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Pages_hold_every_member_once(bool asOf)
    {
        _lake.Add(_collector.Sample("41_groups_metadata_1024_members.json"));
        var request = new ListMembersRequest { Tenant = "acme", GroupJid = "120363000000001024@g.us", PageSize = 300, AsOf = asOf ? Timestamp.FromDateTimeOffset(Noon) : null };
        await EventuallyAsync(async () => Assert.Equal(300, (await Client.ListMembersAsync(request)).Members.Count));
        var seen = new List<long>();
        do
        {
            var page = await Client.ListMembersAsync(request);
            seen.AddRange(page.Members.Select(static member => member.ParticipantId));
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        Assert.Equal(1024, seen.Count);
        Assert.Equal(1024, seen.Distinct().Count());
    }

    [Fact]
    public async Task Admins_can_be_asked_for_alone()
    {
        _lake.Add(_collector.Sample("41_groups_metadata_1024_members.json"));
        var request = new ListMembersRequest { Tenant = "acme", GroupJid = "120363000000001024@g.us", AdminsOnly = true };
        await EventuallyAsync(async () => Assert.Equal(8, (await Client.ListMembersAsync(request)).Members.Count));
        request.AsOf = Timestamp.FromDateTimeOffset(Noon);
        Assert.Equal(8, (await Client.ListMembersAsync(request)).Members.Count);
    }

    [Fact]
    public async Task Page_token_is_bound_to_its_request_and_tenant()
    {
        _lake.Add(_collector.Sample("33_groups_metadata_lid_with_phone.json"));
        var request = new ListMembersRequest { Tenant = "acme", GroupJid = GroupJid, PageSize = 1 };
        await EventuallyAsync(async () => Assert.NotEmpty((await Client.ListMembersAsync(request)).NextPageToken));
        var token = (await Client.ListMembersAsync(request)).NextPageToken;
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await Client.ListMembersAsync(new ListMembersRequest(request) { AdminsOnly = true, PageToken = token }));
        Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
        Assert.StartsWith("page_token", failure.Status.Detail, StringComparison.Ordinal);
        failure = await Assert.ThrowsAsync<RpcException>(async () => await Client.ListGroupsAsync(new ListGroupsRequest { Tenant = "acme", PageToken = token }));
        Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
    }

    [Fact]
    public async Task History_tells_every_stay_and_groups_are_listed_in_pages()
    {
        _lake.Add(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon, Person(Lid(1))));
        _lake.Add(_collector.Stub("GROUP_PARTICIPANT_REMOVE", Noon.AddHours(1), Person(Lid(1))));
        _lake.Add(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon.AddHours(2), Person(Lid(1))));
        _lake.Add(_collector.StubOf("120363000000000002@g.us", "GROUP_PARTICIPANT_ADD", Noon.AddHours(3), Person(Lid(1), Phone(1))));
        var history = new ListMembershipHistoryRequest { Tenant = "acme", Jid = Lid(1), PageSize = 2 };
        await EventuallyAsync(async () => Assert.NotEmpty((await Client.ListMembershipHistoryAsync(history)).NextPageToken));
        var first = await Client.ListMembershipHistoryAsync(history);
        Assert.Equal([(Noon, Noon.AddHours(1)), (Noon.AddHours(2), null)],
            first.Stays.Select(static stay => (stay.JoinedAt.ToDateTimeOffset(), stay.LeftAt?.ToDateTimeOffset())));
        history.PageToken = first.NextPageToken;
        var second = await Client.ListMembershipHistoryAsync(history);
        Assert.Equal("120363000000000002@g.us", Assert.Single(second.Stays).GroupJid);
        Assert.Equal("", second.NextPageToken);

        var groups = await Client.ListGroupsAsync(new ListGroupsRequest { Tenant = "acme", PageSize = 1 });
        Assert.Equal(GroupJid, Assert.Single(groups.Groups).Jid);
        groups = await Client.ListGroupsAsync(new ListGroupsRequest { Tenant = "acme", PageSize = 1, PageToken = groups.NextPageToken });
        Assert.Equal("120363000000000002@g.us", Assert.Single(groups.Groups).Jid);
    }

    [Fact]
    public async Task People_are_found_by_any_of_their_jids_in_the_order_asked()
    {
        _lake.Add(_collector.Snapshot(Person(Lid(1), Phone(1)), Person(Lid(2))), _collector.Message(Noon.AddMinutes(3), Lid(1), Phone(1), "Ana"));
        await EventuallyAsync(async () => Assert.Equal("Ana", (await Client.GetParticipantAsync(new GetParticipantRequest { Tenant = "acme", Jid = Phone(1) })).Participant.PushName));
        var person = (await Client.GetParticipantAsync(new GetParticipantRequest { Tenant = "acme", Jid = Lid(1) })).Participant;
        Assert.Equal((Lid(1), Phone(1), Noon.AddMinutes(3)), (person.Lid, person.PhoneJid, person.LastSeenAt.ToDateTimeOffset()));
        Assert.Equal([Phone(1), Lid(1)], person.Jids);
        var resolved = (await Client.ResolveJidsAsync(new ResolveJidsRequest { Tenant = "acme", Jids = { Lid(2), Phone(9), "12025550001:7@s.whatsapp.net" } })).Resolved;
        Assert.Equal([(Lid(2), Lid(2), ""), ("12025550001:7@s.whatsapp.net", Lid(1), Phone(1))], resolved.Select(static one => (one.Jid, one.Lid, one.PhoneJid)));
    }

    [Fact]
    public async Task Wrong_requests_name_the_field_and_unknown_keys_are_not_found()
    {
        await EventuallyAsync(async () => await Client.ListGroupsAsync(new ListGroupsRequest { Tenant = "acme" }));
        await RefusedAsync(StatusCode.InvalidArgument, "tenant", () => Client.ListGroupsAsync(new ListGroupsRequest()).ResponseAsync);
        await RefusedAsync(StatusCode.InvalidArgument, "page_size", () => Client.ListGroupsAsync(new ListGroupsRequest { Tenant = "acme", PageSize = 501 }).ResponseAsync);
        await RefusedAsync(StatusCode.InvalidArgument, "group_jid", () => Client.GetGroupAsync(new GetGroupRequest { Tenant = "acme", GroupJid = Lid(1) }).ResponseAsync);
        await RefusedAsync(StatusCode.InvalidArgument, "jid", () => Client.GetParticipantAsync(new GetParticipantRequest { Tenant = "acme", Jid = "x" }).ResponseAsync);
        await RefusedAsync(StatusCode.InvalidArgument, "jids[1]", () => Client.ResolveJidsAsync(new ResolveJidsRequest { Tenant = "acme", Jids = { Lid(1), "" } }).ResponseAsync);
        await RefusedAsync(StatusCode.InvalidArgument, "phone_jid", () => Client.LinkIdentityAsync(new LinkIdentityRequest { Tenant = "acme", Lid = Lid(1), PhoneJid = Lid(2) }).ResponseAsync);
        await RefusedAsync(StatusCode.InvalidArgument, "group_jid", () => Client.ListMembershipHistoryAsync(new ListMembershipHistoryRequest { Tenant = "acme" }).ResponseAsync);
        await RefusedAsync(StatusCode.NotFound, "No group", () => Client.GetGroupAsync(new GetGroupRequest { Tenant = "acme", GroupJid = GroupJid }).ResponseAsync);
        await RefusedAsync(StatusCode.NotFound, "Nobody", () => Client.GetParticipantAsync(new GetParticipantRequest { Tenant = "acme", Jid = Lid(1) }).ResponseAsync);
    }

    public static TheoryData<string> HostileFields() => [.. Hostile.Keys];

    private static readonly Dictionary<string, Func<V1.Membership.MembershipClient, Task>> Hostile = new()
    {
        ["tenant: NUL"] = client => client.ListGroupsAsync(new ListGroupsRequest { Tenant = "ac\0me" }).ResponseAsync,
        ["group_jid: NUL"] = client => client.GetGroupAsync(new GetGroupRequest { Tenant = "acme", GroupJid = "1\0@g.us" }).ResponseAsync,
        ["jid: NUL"] = client => client.GetParticipantAsync(new GetParticipantRequest { Tenant = "acme", Jid = "1\0@lid" }).ResponseAsync,
        ["jids[1]: NUL"] = client => client.ResolveJidsAsync(new ResolveJidsRequest { Tenant = "acme", Jids = { Lid(1), "\0@lid" } }).ResponseAsync,
        ["jids must be: too many"] = client => client.ResolveJidsAsync(new ResolveJidsRequest { Tenant = "acme", Jids = { Enumerable.Repeat(Lid(1), 1001) } }).ResponseAsync,
        ["page_token: NUL"] = client => client.ListGroupsAsync(new ListGroupsRequest { Tenant = "acme", PageToken = "\0" }).ResponseAsync,
        ["as_of: before all time"] = client => client.ListMembersAsync(new ListMembersRequest { Tenant = "acme", GroupJid = GroupJid, AsOf = new Timestamp { Seconds = long.MinValue } }).ResponseAsync,
        ["as_of: after all time"] = client => client.ListMembersAsync(new ListMembersRequest { Tenant = "acme", GroupJid = GroupJid, AsOf = new Timestamp { Seconds = long.MaxValue, Nanos = 1 } }).ResponseAsync,
        ["since: nanoseconds"] = client => client.LinkIdentityAsync(new LinkIdentityRequest { Tenant = "acme", Lid = Lid(1), PhoneJid = Phone(1), Since = new Timestamp { Nanos = -1 } }).ResponseAsync,
        ["reason: NUL"] = client => client.UnlinkIdentityAsync(new UnlinkIdentityRequest { Tenant = "acme", Lid = Lid(1), PhoneJid = Phone(1), Reason = "\0" }).ResponseAsync,
        ["reason must have: too long"] = client => client.UnlinkIdentityAsync(new UnlinkIdentityRequest { Tenant = "acme", Lid = Lid(1), PhoneJid = Phone(1), Reason = new string('x', 501) }).ResponseAsync,
    };

    [Theory]
    [MemberData(nameof(HostileFields))]
    public async Task What_no_method_could_take_is_refused_by_name(string name)
    {
        await EventuallyAsync(async () => await Client.ListGroupsAsync(new ListGroupsRequest { Tenant = "acme" }));

        await RefusedAsync(StatusCode.InvalidArgument, name.Split(": ")[0], async () => { await Hostile[name](Client); return true; });

        Assert.Empty(_lake.Of("identity.linked"));
        Assert.Empty(_lake.Of("identity.unlinked"));
    }

    [Fact]
    public async Task Decision_that_the_lake_cannot_take_is_unavailable_in_our_own_words()
    {
        await EventuallyAsync(async () => await Client.ListGroupsAsync(new ListGroupsRequest { Tenant = "acme" }));
        await _lake.DisposeAsync();

        await RefusedAsync(StatusCode.Unavailable, "The lake cannot be asked now", () => Client.LinkIdentityAsync(new LinkIdentityRequest { Tenant = "acme", Lid = Lid(1), PhoneJid = Phone(1) }).ResponseAsync);
    }

    private static async Task RefusedAsync<T>(StatusCode status, string start, Func<Task<T>> call)
    {
        var failure = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal(status, failure.StatusCode);
        Assert.StartsWith(start, failure.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_tenant_never_sees_another()
    {
        _lake.Add(_collector.Snapshot(Person(Lid(1), Phone(1))), new Collector("other").Snapshot(Person(Lid(2), Phone(1))));
        await EventuallyAsync(async () => Assert.Equal([Lid(2)], (await MembersAsync(tenant: "other")).Select(static member => member.Lid)));
        Assert.Equal([Lid(1)], await LidsAsync());
        await RefusedAsync(StatusCode.NotFound, "Nobody", () => Client.GetParticipantAsync(new GetParticipantRequest { Tenant = "acme", Jid = Lid(2) }).ResponseAsync);
        Assert.Equal(Lid(1), (await Client.GetParticipantAsync(new GetParticipantRequest { Tenant = "acme", Jid = Phone(1) })).Participant.Lid);
    }

    [Fact]
    public async Task Operators_link_and_unlink_and_the_answer_shows_it()
    {
        _lake.Add(_collector.Snapshot(Person(Lid(1)), Person(Phone(1))));
        await EventuallyAsync(async () => Assert.Equal(2, (await MembersAsync()).Count));
        var linked = await Client.LinkIdentityAsync(new LinkIdentityRequest { Tenant = "acme", Lid = Lid(1), PhoneJid = Phone(1), Reason = "same voice" });
        Assert.Equal(Phone(1), linked.Participant.PhoneJid);
        Assert.Equal([Lid(1)], await LidsAsync());
        await Client.UnlinkIdentityAsync(new UnlinkIdentityRequest { Tenant = "acme", Lid = Lid(1), PhoneJid = Phone(1) });
        Assert.Equal(2, (await MembersAsync()).Count);
        await Client.LinkIdentityAsync(new LinkIdentityRequest { Tenant = "acme", Lid = Lid(1), PhoneJid = Phone(1) });
        Assert.Single(await MembersAsync());
        Assert.Equal(2, _lake.Of("identity.linked").Count);
    }

    [Fact]
    public async Task Join_is_announced_once_and_again_only_for_a_new_stay()
    {
        _lake.Add(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon, Person(Lid(1), Phone(1))));
        await EventuallyAsync(() => { Assert.Single(_lake.Of("member.joined")); });
        _lake.Add(_collector.Update("add", Person(Lid(1), Phone(1))), _collector.Snapshot(Person(Lid(1)), Person(Lid(2))));
        _lake.Add(_collector.Stub("GROUP_PARTICIPANT_REMOVE", Noon.AddHours(1), Person(Lid(1))));
        _lake.Add(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon.AddHours(2), Person(Lid(1))));
        await EventuallyAsync(() => Assert.True(_lake.Of("member.joined").Count >= 2));
        await ConfirmedAsync(2);

        var joins = _lake.Of("member.joined");
        Assert.Equal(2, joins.Count);
        using var payload = JsonDocument.Parse(joins[0].PayloadJson);
        Assert.Equal((GroupJid, Lid(1), Phone(1), Noon, 1L), (
            payload.RootElement.GetProperty("group_jid").GetString()!, payload.RootElement.GetProperty("lid").GetString()!,
            payload.RootElement.GetProperty("phone_jid").GetString()!, payload.RootElement.GetProperty("joined_at").GetDateTimeOffset(),
            payload.RootElement.GetProperty("evidence").GetProperty("position").GetInt64()));
    }

    [Fact]
    public async Task Reads_are_unavailable_and_say_how_far_it_is_while_an_emptied_service_fills_itself()
    {
        await _service.DisposeAsync();
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _lake.Before = one => one.Position == 601 ? release.Task : Task.CompletedTask;
        _lake.Add(Enumerable.Range(1, 1200).Select(i => _collector.Message(Noon.AddSeconds(i), Lid(i % 50 + 1), Phone(i % 50 + 1), "Bia")));
        await using var emptied = await TestDatabase.CreateAsync();
        _service = await StartAsync(emptied, _lake);
        try
        {
            await EventuallyAsync(() => RefusedAsync(
                StatusCode.Unavailable, "Membership is being rebuilt from the lake: 500 of 1200 events", () => Client.ListGroupsAsync(new ListGroupsRequest { Tenant = "acme" }).ResponseAsync));
            release.SetResult();
            await EventuallyAsync(async () => Assert.Single((await Client.ListGroupsAsync(new ListGroupsRequest { Tenant = "acme" })).Groups));
        }
        finally
        {
            release.TrySetResult();
            await _service.DisposeAsync();
            _service = await StartAsync(_database, _lake);
        }
    }

    [Fact]
    public async Task Emptied_service_rebuilds_the_same_members_and_announces_nothing_twice()
    {
        for (var i = 1; i <= 20; i++)
        {
            _lake.Add(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon.AddMinutes(i), Person(Phone(i))));
            _lake.Add(_collector.Message(Noon.AddMinutes(i + 1), Lid(i), Phone(i)), _collector.Update("add", Person(Lid(i), Phone(i))));
        }
        await EventuallyAsync(() => Assert.Equal(20, _lake.Of("member.joined").Count));
        await ConfirmedAsync(20);
        var before = (await MembersAsync()).Select(static member => (member.Lid, member.PhoneJid, member.JoinedAt, member.Role)).ToList();

        await _service.DisposeAsync();
        await using (var emptied = await TestDatabase.CreateAsync())
        {
            await using var rebuilt = await StartAsync(emptied, _lake);
            _service = rebuilt;
            await EventuallyAsync(async () => Assert.Equal(before, (await MembersAsync()).Select(static member => (member.Lid, member.PhoneJid, member.JoinedAt, member.Role))));
            _lake.Add(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon.AddHours(5), Person(Lid(99))));
            await EventuallyAsync(() => Assert.Contains(_lake.Of("member.joined"), static join => join.ParticipantJid == Lid(99)));
            Assert.Equal(21, _lake.Of("member.joined").Count);
        }
        _service = await StartAsync(_database, _lake);
    }

    private Task ConfirmedAsync(int joins) => EventuallyAsync(async () =>
    {
        await using var connection = new NpgsqlConnection(_database.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("select count(*) filter (where state = 'confirmed'), count(*) filter (where state = 'pending') from member_joins", connection);
        await using var row = await command.ExecuteReaderAsync();
        await row.ReadAsync();
        Assert.Equal((joins, 0), ((int)row.GetInt64(0), (int)row.GetInt64(1)));
    });
}
