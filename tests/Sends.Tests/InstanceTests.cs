using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using WhatsAppMesh.Dispatch.Tests.Driving;

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

    [Fact]
    public async Task Every_answer_keeps_to_the_document()
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        world.Broker.Instances.Set("off", "qr_required");
        const string Root = "/api/whatsapp/instances";
        const string Send = """{"to":"12025550103","content":"Oi"}""";
        await AskAsync("POST", Root, 201, """{"id":"new"}""");
        await AskAsync("GET", Root, 200);
        await AskAsync("GET", Root + "/{id}/status", 200);
        await AskAsync("GET", Root + "/{id}/groups", 200);
        await AskAsync("GET", Root + "/{id}/groups", 409, instance: "off");
        await AskAsync("GET", Root + "/{id}/metrics", 200);
        await AskAsync("GET", Root + "/{id}/qr", 200, instance: "off");
        await AskAsync("POST", Root + "/{id}/exists", 200, """{"to":"12025550103"}""");
        await AskAsync("POST", Root + "/{id}/messages", 202, Send);
        await AskAsync("POST", Root + "/{id}/messages", 422, """{"to":"12025550103","text":"Oi"}""", keeps: false);
        await AskAsync("POST", Root + "/{id}/messages", 409, Send, instance: "off");
        await AskAsync("POST", Root + "/{id}/connect", 200, "{}", instance: "off");
        await AskAsync("GET", Root + "/{id}/status", 404, instance: "a%2525b");
        Assert.All(
            OpenApi.Operations("/api/whatsapp/instances", "/api/integrations/whatsapp/instances").Where(static one => !one.EndsWith("/messages", StringComparison.Ordinal)),
            static operation => Assert.All((int[])[404, 409, 422, 429, 502, 503, 504], status => Assert.True(OpenApi.Documents(operation, status), $"{operation}: {status}")));

        async Task AskAsync(string method, string template, int status, string? body = null, string instance = "on", bool keeps = true)
        {
            var operation = $"{method} {template}";
            if (body is not null && template.EndsWith("/messages", StringComparison.Ordinal))
                Assert.Equal(keeps, !OpenApi.ErrorsOf(operation, body).Any());
            using var response = await SendAsync(dispatch, method, template.Replace("{id}", instance, StringComparison.Ordinal), "acme", body);
            var text = await response.Content.ReadAsStringAsync();
            Assert.True((int)response.StatusCode == status, $"{operation}: {(int)response.StatusCode} {text}");
            OpenApi.Describes(operation, status, response.Content.Headers.ContentType?.MediaType, text);
        }
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
