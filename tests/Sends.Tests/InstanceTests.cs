using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>The broker's instances, once it is said whose they are.</summary>
public sealed class InstanceTests
{
    private static readonly (string, string)[] Listed =
    [
        ("Dispatch:Instances:0:Id", "a1"), ("Dispatch:Instances:0:Tenant", "acme"),
        ("Dispatch:Instances:1:Id", "b1"), ("Dispatch:Instances:1:Tenant", "beta"),
        ("Dispatch:Instances:2:Id", "shared"), ("Dispatch:Instances:2:Tenant", "*"),
        ("Dispatch:Instances:3:Id", "b2"), ("Dispatch:Instances:3:Tenant", "beta"),
    ];

    [Fact]
    public async Task Tenant_sees_and_uses_its_own_instances_alone()
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings(Listed));
        foreach (var instance in (string[])["a1", "b1", "shared", "nobodys"])
            world.Broker.Instances.Set(instance, "qr_required");

        Assert.Equal(["a1", "shared"], await ListAsync(dispatch, "acme"));
        Assert.Equal(["b1", "shared"], await ListAsync(dispatch, "beta"));
        Assert.Equal(["shared"], await ListAsync(dispatch, "gamma"));
        foreach (var instance in (string[])["a1", "nobodys", "A1"])
        {
            foreach (var action in (string[])["status", "groups", "metrics", "qr"])
                Assert.Equal((404, "not_found"), await AskAsync(dispatch, "GET", $"/api/whatsapp/instances/{instance}/{action}", "beta"));
            foreach (var action in (string[])["exists", "connect", "messages"])
                Assert.Equal((404, "not_found"), await AskAsync(dispatch, "POST", $"/api/integrations/whatsapp/instances/{instance}/{action}", "beta", """{"to":"12025550103","content":"Oi"}"""));
        }

        Assert.Equal((200, null), await AskAsync(dispatch, "GET", "/api/whatsapp/instances/shared/status", "beta"));
        Assert.Equal((200, null), await AskAsync(dispatch, "POST", "/api/whatsapp/instances/b1/connect", "beta", "{}"));
        Assert.Equal("qr_required", world.Broker.Instances.Get("a1").Status);
        Assert.Equal(0, await world.ScalarAsync<long>("select count(*) from jobs"));
    }

    [Theory]
    [InlineData("instances", """{"id":"a1"}""")]
    [InlineData("instances", """{"id":"b2","instanceId":"a1"}""")]
    [InlineData("instances", """{"id":"a1","id":"b2"}""")]
    [InlineData("instances", """{"id":"b2","INSTANCEID":"a1"}""")]
    [InlineData("instances", "{}")]
    [InlineData("instances", "[]")]
    [InlineData("instances/b1/connect", """{"instanceId":"a1"}""")]
    [InlineData("instances/b1/exists", """{"to":"12025550103","sessionId":"a1"}""")]
    [InlineData("instances/b1/messages", """{"to":"12025550103","content":"Oi","sessionId":"a1"}""")]
    public async Task Body_that_names_an_instance_of_somebody_else_is_refused(string path, string body)
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings(Listed));
        Assert.Equal((422, "invalid_body"), await AskAsync(dispatch, "POST", $"/api/whatsapp/{path}", "beta", body));
        Assert.Empty(world.Broker.Instances.All);
    }

    [Fact]
    public async Task Tenant_makes_an_instance_that_is_listed_for_it()
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings(Listed));
        Assert.Equal((201, null), await AskAsync(dispatch, "POST", "/api/whatsapp/instances", "beta", """{"id":"b2"}"""));
        Assert.Equal("b2", Assert.Single(world.Broker.Instances.All).Id);
    }

    [Theory]
    [InlineData("beta", """{"type":"text","to":"12025550103","content":"Oi"}""")]
    [InlineData("acme", """{"type":"text","to":"12025550103","content":"Oi","sessionId":"b1"}""")]
    public async Task Job_of_an_instance_that_is_another_tenant_s_fails_for_good(string tenant, string message)
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(
            world.Settings(("Dispatch:Instances:0:Id", "instance-0"), ("Dispatch:Instances:0:Tenant", tenant)));
        var job = (await world.AddJobsAsync(1, message: message))[0];

        await world.UntilAsync(job, "failed");

        Assert.Equal("the instance is not one of this tenant's", await world.ScalarAsync<string>("select last_error from jobs where id = $1", job));
        Assert.Empty(world.Broker.Sends.All);
    }

    private static async Task<IEnumerable<string>> ListAsync(RunningDispatch dispatch, string tenant)
    {
        using var response = await SendAsync(dispatch, "GET", "/api/whatsapp/instances", tenant, null);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!.AsArray().Select(static one => one!["id"]!.ToString()).Order(StringComparer.Ordinal);
    }

    private static async Task<(int Status, string? Code)> AskAsync(RunningDispatch dispatch, string method, string path, string tenant, string? body = null)
    {
        using var response = await SendAsync(dispatch, method, path, tenant, body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(text.Length > 0, $"{method} {path}: {(int)response.StatusCode} without a body");
        return ((int)response.StatusCode, (JsonNode.Parse(text) as JsonObject)?["code"]?.ToString());
    }

    private static async Task<HttpResponseMessage> SendAsync(RunningDispatch dispatch, string method, string path, string tenant, string? body)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Headers = { { "mesh-tenant", tenant }, { "mesh-role", "operator" } },
        };
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return await dispatch.App.SendAsync(request);
    }
}
