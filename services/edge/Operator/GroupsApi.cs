using Microsoft.AspNetCore.Http.HttpResults;
using WhatsAppMesh.Membership.V1;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>Groups, who is and was in them, and who is who.</summary>
internal static class GroupsApi
{
    /// <summary>The routes.</summary>
    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/groups", ListAsync).ForViewers("page_size", "page_token");
        api.MapGet("/groups/{jid}", GetAsync).ForViewers();
        api.MapGet("/groups/{jid}/members", MembersAsync).ForViewers("as_of", "admins_only", "include_left", "page_size", "page_token");
        api.MapGet("/groups/{jid}/history", HistoryAsync).ForViewers("participant", "page_size", "page_token");
        api.MapGet("/participants/{jid}", PersonAsync).ForViewers();
        api.MapPost("/identities/link", LinkAsync).ForOperators();
        api.MapPost("/identities/unlink", UnlinkAsync).ForOperators();
    }

    private static async Task<JsonHttpResult<GroupPage>> ListAsync(OperatorCall call, ServiceCalls services)
    {
        var request = new ListGroupsRequest { Tenant = call.Tenant, PageSize = call.Query.PageSize, PageToken = call.Query.PageToken };
        var page = await services.Membership.ListGroupsAsync(request, cancellationToken: call.Aborted);
        return Answer.Json(new GroupPage([.. page.Groups.Select(GroupView.Of)], page.NextPageToken.NullIfEmpty()));
    }

    private static async Task<JsonHttpResult<GroupView>> GetAsync(string jid, OperatorCall call, ServiceCalls services)
    {
        var request = new GetGroupRequest { Tenant = call.Tenant, GroupJid = jid };
        return Answer.Json(GroupView.Of((await services.Membership.GetGroupAsync(request, cancellationToken: call.Aborted)).Group));
    }

    private static async Task<JsonHttpResult<MemberPage>> MembersAsync(string jid, OperatorCall call, ServiceCalls services)
    {
        var request = new ListMembersRequest
        {
            Tenant = call.Tenant,
            GroupJid = jid,
            AsOf = call.Query.Time("as_of"),
            AdminsOnly = call.Query.Flag("admins_only"),
            IncludeLeft = call.Query.Flag("include_left"),
            PageSize = call.Query.PageSize,
            PageToken = call.Query.PageToken,
        };
        if (request.AsOf is not null && request.IncludeLeft)
            throw OperatorRefusal.Invalid("include_left", "does not go with as_of, which says who was in the group at one moment");
        var page = await services.Membership.ListMembersAsync(request, cancellationToken: call.Aborted);
        return Answer.Json(new MemberPage([.. page.Members.Select(MemberView.Of)], page.NextPageToken.NullIfEmpty()));
    }

    private static async Task<JsonHttpResult<StayPage>> HistoryAsync(string jid, OperatorCall call, ServiceCalls services)
    {
        var request = new ListMembershipHistoryRequest
        {
            Tenant = call.Tenant,
            GroupJid = jid,
            Jid = call.Query.Text("participant"),
            PageSize = call.Query.PageSize,
            PageToken = call.Query.PageToken,
        };
        var page = await services.Membership.ListMembershipHistoryAsync(request, cancellationToken: call.Aborted);
        return Answer.Json(new StayPage([.. page.Stays.Select(StayView.Of)], page.NextPageToken.NullIfEmpty()));
    }

    private static async Task<JsonHttpResult<ParticipantView>> PersonAsync(string jid, OperatorCall call, ServiceCalls services)
    {
        var request = new GetParticipantRequest { Tenant = call.Tenant, Jid = jid };
        return Answer.Json(ParticipantView.Of((await services.Membership.GetParticipantAsync(request, cancellationToken: call.Aborted)).Participant));
    }

    private static async Task<JsonHttpResult<ParticipantView>> LinkAsync(HttpContext context, OperatorCall call, ServiceCalls services, OperatorBody body)
    {
        var order = await body.ReadAsync(context, OperatorJson.Api.LinkOrder);
        var request = new LinkIdentityRequest
        {
            Tenant = call.Tenant,
            Lid = OrderFields.Text("lid", order.Lid),
            PhoneJid = OrderFields.Text("phone_jid", order.PhoneJid),
            Since = OrderFields.Time("since", order.Since),
            Reason = OrderFields.Text("reason", order.Reason),
        };
        var linked = await services.Membership.LinkIdentityAsync(request, deadline: services.PatientDeadline, cancellationToken: call.Aborted);
        return Answer.Json(ParticipantView.Of(linked.Participant));
    }

    private static async Task<NoContent> UnlinkAsync(HttpContext context, OperatorCall call, ServiceCalls services, OperatorBody body)
    {
        var order = await body.ReadAsync(context, OperatorJson.Api.UnlinkOrder);
        var request = new UnlinkIdentityRequest
        {
            Tenant = call.Tenant,
            Lid = OrderFields.Text("lid", order.Lid),
            PhoneJid = OrderFields.Text("phone_jid", order.PhoneJid),
            Reason = OrderFields.Text("reason", order.Reason),
        };
        await services.Membership.UnlinkIdentityAsync(request, deadline: services.PatientDeadline, cancellationToken: call.Aborted);
        return TypedResults.NoContent();
    }
}
