using Grpc.Core;
using Grpc.Net.Client;
using WhatsAppMesh.Dispatch.Operator;
using WhatsAppMesh.Dispatch.Sending;
using WhatsAppMesh.Dispatch.Tests.Driving;
using WhatsAppMesh.Dispatch.V1;

namespace WhatsAppMesh.Dispatch.Tests;

/// <summary>Whose instances are whose, and what is saved under it.</summary>
public sealed class InstanceTenantsTests
{
    private static readonly DispatchOptions Options = new()
    {
        Instances = [new() { Id = "a1", Tenant = "acme" }, new() { Id = "a2", Tenant = "acme" }, new() { Id = "shared", Tenant = "*" }],
    };

    [Theory]
    [InlineData("acme", "a1", true)]
    [InlineData("acme", "a2", true)]
    [InlineData("acme", "shared", true)]
    [InlineData("beta", "shared", true)]
    [InlineData("beta", "a1", false)]
    [InlineData("acme", "b1", false)]
    [InlineData("acme", "A1", false)]
    [InlineData("*", "a1", false)]
    public void Instance_is_its_tenant_s(string tenant, string instance, bool isTheirs) => Assert.Equal(isTheirs, new InstanceTenants(Options).Has(tenant, instance));

    [Fact]
    public void While_none_is_listed_each_is_everybody_s()
    {
        var tenants = new InstanceTenants(new DispatchOptions());
        Assert.True(tenants.AreEverybodys && tenants.Has("acme", "a1") && tenants.MaySend("beta", "a1", "a2"));
    }

    [Fact]
    public void Entry_without_id_or_tenant_stops_the_start()
    {
        var options = new DispatchOptions { Instances = [new() { Id = "a1", Tenant = "acme" }, new() { Id = "a2" }, new() { Tenant = "acme" }] };
        Assert.Equal(["Dispatch:Instances:1", "Dispatch:Instances:2"], options.Validate().Select(static error => error[..error.IndexOf(": ", StringComparison.Ordinal)]));
    }

    [Theory]
    [InlineData("""[{"id":"a1","status":"x"},{"id":"b1"},"a2","b2",7,null,["a1"]]""", """[{"id":"a1","status":"x"},"a2"]""")]
    [InlineData("""{"instances":{"a1":{"status":"x"},"b1":{"status":"x"}},"b2":[{"id":"a1"}]}""", """{"instances":{"a1":{"status":"x"}}}""")]
    [InlineData("""{"total":2,"first":"b1","data":{"instances":[{"instanceId":"a2","id":"7"},{"instanceId":"b1","id":"a1"},{"name":"b2"}]}}""", """{"data":{"instances":[{"instanceId":"a2","id":"7"}]}}""")]
    [InlineData("7", "{}")]
    [InlineData("<html>", null)]
    public void Of_a_list_only_what_is_the_tenant_s_is_shown(string answer, string? shown) =>
        Assert.Equal(shown, InstanceList.Visible(answer, new InstanceTenants(Options).Of("acme")));

    [Fact]
    public async Task Automation_names_instances_of_its_tenant()
    {
        await using var dispatch = await DispatchProcess.StartAsync(("Dispatch:Instances:0:Id", "a1"), ("Dispatch:Instances:0:Tenant", "acme"));
        const string Body = """
            {"name":"x","trigger":{"kind":"stage_changed","stage_id":"offer"},"steps":[{"step_id":"a","instance_id":"a1","message":{"content":"Hi","sessionId":"a1"}}]}
            """;
        Assert.Equal(201, (await dispatch.SendAsync("POST", "/api/automations", Body)).Status);
        var answer = await dispatch.SendAsync("POST", "/api/automations", Body, tenant: "beta");
        Assert.Equal((422, "invalid_automation"), (answer.Status, answer.Code!));
        Assert.Equal(["steps[0].instance_id", "steps[0].message.sessionId"], answer.Fields);

        using var channel = GrpcChannel.ForAddress(dispatch.AppAddress);
        var client = new V1.Dispatch.DispatchClient(channel);
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await client.CreateAutomationAsync(
            new CreateAutomationRequest { Tenant = "beta", DefinitionJson = Body }, new Metadata { { "dapr-api-token", DispatchProcess.Token } }));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Equal(["1"], await dispatch.Database.RowsAsync("select count(*) from automations"));
    }
}
