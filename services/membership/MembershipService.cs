using System.Globalization;
using Grpc.Core;
using WhatsAppMesh.Membership.Outgoing;
using WhatsAppMesh.Membership.Queries;
using WhatsAppMesh.Membership.V1;
using static WhatsAppMesh.Membership.Queries.Requests;

namespace WhatsAppMesh.Membership;

/// <summary>The gRPC contract of membership: who is in which group, now and at any past time.</summary>
internal sealed class MembershipService(GroupQueries groups, MemberQueries members, PersonQueries people, DecisionSender decisions) : V1.Membership.MembershipBase
{
    private const int MaxJids = 1000;
    private const int MaxReasonLength = 500;

    public override async Task<GetGroupResponse> GetGroup(GetGroupRequest request, ServerCallContext context)
    {
        var (tenant, jid) = (Tenant(request.Tenant), Group(request.GroupJid));
        return new GetGroupResponse { Group = await groups.GetAsync(tenant, jid, context.CancellationToken) ?? throw NoGroup() };
    }

    public override async Task<ListGroupsResponse> ListGroups(ListGroupsRequest request, ServerCallContext context)
    {
        var (tenant, size) = (Tenant(request.Tenant), PageSize(request.PageSize));
        var bound = new ListGroupsRequest { Tenant = tenant };
        var after = PageKey(request.PageToken, bound, 1);
        var found = await groups.ListAsync(tenant, after?[0] ?? "", size + 1, context.CancellationToken);
        var response = new ListGroupsResponse { Groups = { found.Take(size) } };
        if (found.Count > size)
            response.NextPageToken = PageToken.Write(bound, found[size - 1].Jid);
        return response;
    }

    public override async Task<ListMembersResponse> ListMembers(ListMembersRequest request, ServerCallContext context)
    {
        var (tenant, jid, size) = (Tenant(request.Tenant), Group(request.GroupJid), PageSize(request.PageSize));
        var asOf = Time(request.AsOf, "as_of");
        var bound = new ListMembersRequest(request) { PageSize = 0, PageToken = "", GroupJid = jid };
        var after = PageKey(request.PageToken, bound, 1) is { } key ? Number(key[0]) : 0;
        var group = await members.GroupIdAsync(tenant, jid, context.CancellationToken) ?? throw NoGroup();
        var found = asOf is { } at
            ? await members.ListAsOfAsync(tenant, group, at, request.AdminsOnly, after, size + 1, context.CancellationToken)
            : await members.ListAsync(group, request.AdminsOnly, request.IncludeLeft, after, size + 1, context.CancellationToken);
        var response = new ListMembersResponse { Members = { found.Take(size) } };
        if (found.Count > size)
            response.NextPageToken = PageToken.Write(bound, found[size - 1].ParticipantId.ToString(CultureInfo.InvariantCulture));
        return response;
    }

    public override async Task<GetParticipantResponse> GetParticipant(GetParticipantRequest request, ServerCallContext context)
    {
        var tenant = Tenant(request.Tenant);
        return new GetParticipantResponse { Participant = await FindAsync(tenant, request.Jid, context.CancellationToken) };
    }

    public override async Task<ResolveJidsResponse> ResolveJids(ResolveJidsRequest request, ServerCallContext context)
    {
        var tenant = Tenant(request.Tenant);
        Require(request.Jids.Count <= MaxJids, "jids", $"must be at most {MaxJids}");
        var asked = request.Jids.Select(static (jid, index) => (AsAsked: jid, Jid: Person(jid, $"jids[{index}]"))).ToList();
        var resolved = await people.ResolveAsync(tenant, [.. asked.Select(static jid => jid.Jid).Distinct()], context.CancellationToken);
        var response = new ResolveJidsResponse();
        foreach (var (asAsked, jid) in asked)
        {
            if (resolved.TryGetValue(jid, out var person))
                response.Resolved.Add(new ResolvedJid(person) { Jid = asAsked });
        }
        return response;
    }

    public override async Task<ListMembershipHistoryResponse> ListMembershipHistory(ListMembershipHistoryRequest request, ServerCallContext context)
    {
        var (tenant, size) = (Tenant(request.Tenant), PageSize(request.PageSize));
        Require(request.GroupJid.Length + request.Jid.Length > 0, "group_jid", "or jid is required");
        var bound = new ListMembershipHistoryRequest(request) { PageSize = 0, PageToken = "" };
        var after = PageKey(request.PageToken, bound, 4) is { } key ? (StayKey?)ReadKey(key) : null;
        long? group = request.GroupJid.Length == 0
            ? null
            : await members.GroupIdAsync(tenant, Group(request.GroupJid), context.CancellationToken) ?? throw NoGroup();
        long? person = request.Jid.Length == 0
            ? null
            : (await FindAsync(tenant, request.Jid, context.CancellationToken)).ParticipantId;
        var found = await people.ListStaysAsync(tenant, group, person, after, size + 1, context.CancellationToken);
        var response = new ListMembershipHistoryResponse { Stays = { found.Take(size).Select(static stay => stay.Stay) } };
        if (found.Count > size)
            response.NextPageToken = PageToken.Write(bound, WriteKey(found[size - 1].Key));
        return response;
    }

    public override async Task<LinkIdentityResponse> LinkIdentity(LinkIdentityRequest request, ServerCallContext context)
    {
        var (tenant, lid, phone) = (Tenant(request.Tenant), Lid(request.Lid), Phone(request.PhoneJid));
        await decisions.DecideAsync(new Decision(tenant, lid, phone, true, Time(request.Since, "since"), Reason(request.Reason)), context.CancellationToken);
        return new LinkIdentityResponse { Participant = await people.GetAsync(tenant, lid, context.CancellationToken) ?? throw NobodyIs("lid") };
    }

    public override async Task<UnlinkIdentityResponse> UnlinkIdentity(UnlinkIdentityRequest request, ServerCallContext context)
    {
        var (tenant, lid, phone) = (Tenant(request.Tenant), Lid(request.Lid), Phone(request.PhoneJid));
        await decisions.DecideAsync(new Decision(tenant, lid, phone, false, null, Reason(request.Reason)), context.CancellationToken);
        return new UnlinkIdentityResponse();
    }

    private async Task<Participant> FindAsync(string tenant, string jid, CancellationToken cancellationToken)
    {
        var person = IsUsername(jid, out var username)
            ? await people.GetByUsernameAsync(tenant, username, cancellationToken)
            : await people.GetAsync(tenant, Person(jid), cancellationToken);
        return person ?? throw NobodyIs("jid");
    }

    private static string Reason(string reason)
    {
        Require(reason.Length <= MaxReasonLength, "reason", $"must have at most {MaxReasonLength} characters");
        return reason;
    }

    private static string[] WriteKey(StayKey key) =>
    [
        Text(key.JoinedAt.UtcTicks), Text(key.GroupId), Text(key.ParticipantId), Text(key.Number),
    ];

    private static StayKey ReadKey(string[] key)
    {
        var ticks = Number(key[0]);
        Require(ticks >= 0 && ticks <= DateTimeOffset.MaxValue.UtcTicks && Number(key[3]) is >= 0 and <= int.MaxValue, "page_token", "is not a token of this request: start again without it");
        return new StayKey(new DateTimeOffset(ticks, TimeSpan.Zero), Number(key[1]), Number(key[2]), (int)Number(key[3]));
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    // JIDs stay out of messages, which end up in logs: even a group's may hold the phone of whoever made it.
    private static RpcException NoGroup() => new(new Status(StatusCode.NotFound, "No group is known by the group_jid asked for."));

    private static RpcException NobodyIs(string field) => new(new Status(StatusCode.NotFound, $"Nobody is known by the {field} asked for."));
}
