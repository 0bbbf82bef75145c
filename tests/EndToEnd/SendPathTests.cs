using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Dispatch.V1;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.EndToEnd;

/// <summary>From what happened at a door to the message that the broker got: one path through every service.</summary>
[Collection(MeshCollection.Name)]
public sealed class SendPathTests(MeshUnderTest test)
{
    private const string Group = "120363000000000061@g.us";
    private const string Phone = "5500900000602@s.whatsapp.net";

    private static readonly GroupMember Ana = new("999000000000601@lid", "5500900000601@s.whatsapp.net", "superadmin");
    private static readonly GroupMember BiaByLid = new("999000000000602@lid");
    private static readonly GroupMember Bia = new("999000000000602@lid", Phone);

    [Fact]
    public async Task A_person_who_joined_under_a_LID_is_written_to_at_the_number_that_membership_knows()
    {
        var tenant = test.NewTenant();
        var now = TimeProvider.System.GetUtcNow();
        await SaveAsync(tenant.Name, $$"""{"kind":"member_joined","group_jid":"{{Group}}"}""", "Oi {{member.name}}, bem-vinda a {{group.subject}}");
        await tenant.PostAsync(GroupEvents.Snapshot(Group, "Grupo de teste", [Ana]));
        await tenant.PostAsync(MessageEvents.Text("120363000000000062@g.us", Bia, "3EB0OTHER", now, "Bia Exemplo", "oi"));
        await Books.SettledAsync(test.Mesh);

        await tenant.PostAsync(GroupEvents.Participants(Group, Ana, "add", [BiaByLid]));

        var sent = Assert.Single(await SentAsync(await SentExecutionAsync(tenant.Name)))!;
        var body = JsonNode.Parse(sent["body"]!.GetValue<string>())!;
        Assert.Equal(("5500900000602", "Oi Bia Exemplo, bem-vinda a Grupo de teste"), (body["to"]!.GetValue<string>(), body["text"]!.GetValue<string>()));
    }

    [Fact]
    public async Task One_trace_leads_from_the_door_to_the_broker()
    {
        const string Trace = "7af7651916cd43dd8448eb211c80319d";
        await SaveAsync(MeshUnderTest.CrmTenant, """{"kind":"stage_changed","stage_id":"trace"}""", "Oi {{lead.name}}");
        using var client = new HttpClient { BaseAddress = test.Mesh.Service("edge").HttpAddress };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/leads/lead-of-the-trace/stage")
        {
            Content = new StringContent("""{"stage_id":"trace","name":"Ana","phone":"5500900000601"}""", Encoding.UTF8, "application/json"),
            Headers = { { "X-API-Key", MeshUnderTest.CrmKey }, { "Idempotency-Key", "one" }, { "traceparent", $"00-{Trace}-b7ad6b7169203331-01" } },
        };

        using var answer = await client.SendAsync(request);

        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var sent = Assert.Single(await SentAsync(await SentExecutionAsync(MeshUnderTest.CrmTenant)))!;
        Assert.Equal(Trace, sent["traceparent"]!.GetValue<string>().Split('-')[1]);
    }

    private async Task SaveAsync(string tenant, string trigger, string text)
    {
        var definition = new JsonObject
        {
            ["name"] = "path",
            ["trigger"] = JsonNode.Parse(trigger),
            ["steps"] = new JsonArray(new JsonObject { ["step_id"] = "first", ["delay"] = "PT0S", ["instance_id"] = "path", ["message"] = new JsonObject { ["content"] = text } }),
        };
        await test.Client.Dispatch.CreateAutomationAsync(new CreateAutomationRequest { Tenant = tenant, DefinitionJson = definition.ToJsonString() });
    }

    private async Task<Execution> SentExecutionAsync(string tenant) => (await Eventually.AskAsync(
        async () => (await test.Client.Dispatch.ListExecutionsAsync(new ListExecutionsRequest { Tenant = tenant })).Executions.SingleOrDefault(),
        static execution => execution?.Status == "sent", MeshUnderTest.Patience))!;

    /// <summary>What the broker saw under an execution's key.</summary>
    private async Task<JsonArray> SentAsync(Execution execution)
    {
        using var broker = new HttpClient { BaseAddress = test.Mesh.BrokerAddress };
        return JsonNode.Parse(await broker.GetStringAsync($"/sim/sends?key={execution.IdempotencyKey}"))!.AsArray();
    }
}
