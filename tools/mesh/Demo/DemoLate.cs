using System.Text.Json.Nodes;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Membership.V1;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Demo;

/// <summary>Third part of the demo: what comes late and twice, lists that are not whole, and what was taken away.</summary>
internal sealed class DemoLate(MeshClient client, DemoDoor door, DemoVerdicts verdicts, DateTimeOffset now)
{
    private const string Group = "120363000000000300@g.us";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        verdicts.Heading("What comes late, in part, or is taken away");
        await door.NewAsync("roster of a group of two, with a description", Roster(["desc"], DemoCast.Ana, DemoCast.Bia));
        await door.NewAsync("two hours late: somebody joined", Stub("GROUP_PARTICIPANT_ADD", now.AddMinutes(-130), "L1"));
        await door.NewAsync("two hours late: and left", Stub("GROUP_PARTICIPANT_LEAVE", now.AddMinutes(-125), "L2"));
        await door.NewAsync("the same leave, told without its time", GroupEvents.Participants(Group, DemoCast.Davi, "remove", [DemoCast.Davi]));
        await door.NewAsync("the same join, told without its time, last", GroupEvents.Participants(Group, DemoCast.Ana, "add", [DemoCast.Davi]));
        await door.NewAsync("a list of one that says itself that there are two", Roster([], DemoCast.Ana));
        await door.NewAsync("the description was removed", DescriptionRemoved());

        var group = await Eventually.AskAsync(
            async () => (await client.Membership.GetGroupAsync(new GetGroupRequest { Tenant = DemoCast.Tenant, GroupJid = Group }, cancellationToken: cancellationToken)).Group,
            static group => group.Description.Length == 0, Patience, cancellationToken);
        verdicts.Check(group is { Description.Length: 0 }, "the group has no description any more");
        var lids = await Eventually.AskAsync(() => MembersAsync(cancellationToken), IsRight, Patience, cancellationToken) ?? [];
        verdicts.Check(IsRight(lids), $"{lids.Count} members: the list in part removed nobody, and the late join brought nobody back");
        var stays = await Eventually.AskAsync(() => StaysOfDaviAsync(cancellationToken), static stays => stays.Count > 0, Patience, cancellationToken) ?? [];
        verdicts.Check(
            stays is [{ LeftAt: not null }] && stays[0].LeftAt.ToDateTimeOffset() - stays[0].JoinedAt.ToDateTimeOffset() == TimeSpan.FromMinutes(5),
            $"{stays.Count} stay of five minutes for a join and a leave that were told twice");
    }

    private static bool IsRight(List<string> lids) => lids.SequenceEqual([DemoCast.Ana.Lid, DemoCast.Bia.Lid]);

    private async Task<List<string>> MembersAsync(CancellationToken cancellationToken)
    {
        var request = new ListMembersRequest { Tenant = DemoCast.Tenant, GroupJid = Group };
        var answer = await client.Membership.ListMembersAsync(request, cancellationToken: cancellationToken);
        return [.. answer.Members.Select(static member => member.Lid).Order(StringComparer.Ordinal)];
    }

    private async Task<List<Stay>> StaysOfDaviAsync(CancellationToken cancellationToken)
    {
        var request = new ListMembershipHistoryRequest { Tenant = DemoCast.Tenant, GroupJid = Group };
        var answer = await client.Membership.ListMembershipHistoryAsync(request, cancellationToken: cancellationToken);
        return [.. answer.Stays.Where(static stay => stay.Lid == DemoCast.Davi.Lid)];
    }

    // A whole snapshot of two; what it lists may be less.
    private static CollectorEvent Roster(string[] texts, params GroupMember[] listed)
    {
        var payload = new JsonObject
        {
            ["id"] = Group,
            ["subject"] = "Grupo atrasado",
            ["size"] = 2,
            ["participants"] = new JsonArray([.. listed.Select(static member => (JsonNode)new JsonObject { ["id"] = member.Lid, ["phoneNumber"] = member.Phone })]),
        };
        foreach (var text in texts)
            payload[text] = "Regras do grupo";
        return Event("groups.metadata", payload);
    }

    private CollectorEvent Stub(string kind, DateTimeOffset at, string id) =>
        MessageEvents.MembershipStub(Group, DemoCast.Davi, kind, [DemoCast.Davi], $"3EB0{now.ToUnixTimeSeconds():X10}{id}", at);

    private CollectorEvent DescriptionRemoved() => Event("messages.upsert", new JsonObject
    {
        ["key"] = new JsonObject { ["remoteJid"] = Group, ["fromMe"] = false, ["id"] = $"3EB0{now.ToUnixTimeSeconds():X10}L3", ["participant"] = DemoCast.Ana.Lid },
        ["messageTimestamp"] = now.ToUnixTimeSeconds(),
        ["messageStubType"] = "GROUP_CHANGE_DESCRIPTION",
        ["participant"] = DemoCast.Ana.Lid,
    });

    private static CollectorEvent Event(string type, JsonObject payload) => CollectorEvent.Create(type, Group, System.Text.Encoding.UTF8.GetBytes(payload.ToJsonString()));
}
