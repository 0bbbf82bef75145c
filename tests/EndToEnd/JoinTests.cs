using WhatsAppMesh.Collector;
using WhatsAppMesh.Dispatch.V1;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.EndToEnd;

/// <summary>From what a collector tells of a join to the one job that follows from it.</summary>
[Collection(MeshCollection.Name)]
public sealed class JoinTests(MeshUnderTest test)
{
    private const string Group = "120363000000000031@g.us";
    private const string Phone = "5500900000302@s.whatsapp.net";

    private static readonly GroupMember Ana = new("999000000000301@lid", "5500900000301@s.whatsapp.net", "superadmin");
    private static readonly GroupMember BiaByPhone = new(Phone);
    private static readonly GroupMember BiaByLid = new("999000000000302@lid");
    private static readonly GroupMember Bia = new("999000000000302@lid", Phone);

    [Fact]
    public async Task A_join_told_three_ways_with_an_identity_found_in_between_is_one_job()
    {
        var tenant = test.NewTenant();
        var automation = await test.Client.Dispatch.CreateAutomationAsync(new CreateAutomationRequest
        {
            Tenant = tenant.Name,
            DefinitionJson = $$$"""
                {"name":"welcome","trigger":{"kind":"member_joined","group_jid":"{{{Group}}}"},
                 "steps":[{"step_id":"hello","delay":"PT1H","instance_id":"none","message":{"content":"Oi {{member.name}}"}}]}
                """,
        });
        var now = TimeProvider.System.GetUtcNow();
        await tenant.PostAsync(GroupEvents.Snapshot(Group, "Grupo", [Ana]));
        await TellAsync(tenant, GroupEvents.Participants(Group, Ana, "add", [BiaByPhone]));
        await TellAsync(tenant, MessageEvents.Text(Group, Bia, "3EB0JOIN", now, "Bia Exemplo", "oi"));
        await TellAsync(tenant, MessageEvents.MembershipStub(Group, Ana, "GROUP_PARTICIPANT_ADD", [BiaByLid], "3EB0STUB", now));
        await TellAsync(tenant, GroupEvents.Snapshot(Group, "Grupo", [Ana, Bia]), "edge-2");
        Assert.Equal(1, await Books.NumberAsync(test.Mesh, "dispatch", "select count(*) from jobs where tenant = $1", tenant.Name));
        var executions = await test.Client.Dispatch.ListExecutionsAsync(new ListExecutionsRequest { Tenant = tenant.Name, AutomationId = automation.Id });
        Assert.Equal("pending", Assert.Single(executions.Executions).Status);
    }

    /// <summary>Posts, and waits until both consumers have it and what membership derived from it.</summary>
    private async Task TellAsync(TestTenant tenant, CollectorEvent collected, string edge = "edge")
    {
        await tenant.PostAsync(collected, edge);
        await Books.QuietAsync(test.Mesh);
    }
}
