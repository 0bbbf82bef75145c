using System.Net;
using System.Text.Json.Nodes;
using Grpc.Core;
using Grpc.Net.Client;
using WhatsAppMesh.DeadLetters.V1;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Membership.V1;

namespace WhatsAppMesh.EndToEnd;

/// <summary>The mesh under the access rules of a cluster: what services need works, and nothing else does.</summary>
[Collection(MeshCollection.Name)]
public sealed class AccessTests(MeshUnderTest test)
{
    [Fact]
    public void The_tests_run_under_the_rules_of_a_cluster() => Assert.True(test.Mesh.ChecksAccess);

    [Fact]
    public async Task Edge_tells_what_dispatch_says_of_its_sending()
    {
        using var client = new HttpClient { BaseAddress = test.Mesh.Service("edge").HttpAddress };

        var health = await Eventually.AskAsync(
            async () => JsonNode.Parse(await client.GetStringAsync(new Uri("/healthz", UriKind.Relative)))!, static health => health["whatsapp"]?["runtime"]?["metrics"]?["waiting"] is not null, MeshUnderTest.Patience);

        var runtime = health!["whatsapp"]!["runtime"]!;
        Assert.Equal(("http", "http"), (runtime["mode"]!.GetValue<string>(), runtime["transport"]!.GetValue<string>()));
        Assert.All((string[])["sent", "failed", "waiting", "oldest"], name => Assert.True(runtime["metrics"]![name]!.GetValue<long>() >= 0));
    }

    [Fact]
    public async Task A_service_is_denied_over_gRPC_what_it_never_calls()
    {
        var error = await Assert.ThrowsAsync<RpcException>(() => AskAsync("dispatch", membership => membership.ListGroupsAsync(new ListGroupsRequest { Tenant = "any" }, To("membership")).ResponseAsync));

        Assert.Equal(StatusCode.PermissionDenied, error.StatusCode);
        Assert.Equal(
            "access control policy has denied access to id: spiffe://public/ns/default/dispatch operation: /whatsappmesh.membership.v1.Membership/ListGroups verb: NONE", error.Status.Detail);
    }

    [Fact]
    public async Task Dispatch_may_read_a_group()
    {
        var error = await Assert.ThrowsAsync<RpcException>(() =>
            AskAsync("dispatch", membership => membership.GetGroupAsync(new GetGroupRequest { Tenant = "nobody", GroupJid = "120363000000000999@g.us" }, To("membership")).ResponseAsync));

        Assert.Equal(StatusCode.NotFound, error.StatusCode);
    }

    [Theory]
    [InlineData("membership", "dispatch", "api/automations")]
    [InlineData("dispatch", "membership", "dead-letters/list")]
    [InlineData("edge", "membership", "dead-letters/replay")]
    [InlineData("ingest", "dispatch", "healthz")]
    public async Task A_service_is_denied_over_HTTP_what_it_never_calls(string caller, string callee, string method)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(test.Mesh.Service(caller).DaprHttpAddress, $"/v1.0/invoke/{callee}/method/{method}"))
        {
            Headers = { { "dapr-api-token", test.Mesh.ApiToken }, { "dapr-caller-app-id", "edge" } },
        };
        using var answer = await client.SendAsync(request);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Equal("ERR_DIRECT_INVOKE", JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["errorCode"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("membership")]
    [InlineData("dispatch")]
    public async Task An_operator_reaches_a_service_at_its_own_sidecar(string service)
    {
        using var client = MeshClient.Through(test.Mesh, service);

        Assert.Empty(Google.Protobuf.JsonParser.Default.Parse<ListResponse>(await client.InvokeAsync(service, "dead-letters/list", """{"filter":{"tenant":"nobody-at-all"}}""")).DeadLetters);
    }

    private async Task AskAsync(string through, Func<Membership.V1.Membership.MembershipClient, Task> ask)
    {
        using var channel = GrpcChannel.ForAddress(test.Mesh.Service(through).DaprGrpcAddress);
        await ask(new Membership.V1.Membership.MembershipClient(channel));
    }

    private Metadata To(string app) => new() { { "dapr-app-id", app }, { "dapr-api-token", test.Mesh.ApiToken } };
}
