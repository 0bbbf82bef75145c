using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using Grpc.Net.Client;
using WhatsAppMesh.DevSidecar.Tests.Invoke;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;
using DaprService = Dapr.Client.Autogen.Grpc.v1.Dapr;

namespace WhatsAppMesh.DevSidecar.Tests.Access;

/// <summary>Calls between sidecars under the callee's access control: what is denied, in whose words, and that no app can pose as another.</summary>
public sealed class DeniedCallTests : IAsyncLifetime
{
    private const string Rules =
        """
        apiVersion: dapr.io/v1alpha1
        kind: Configuration
        metadata: {name: callee}
        spec:
          accessControl:
            defaultAction: deny
            trustDomain: public
            policies:
              - appId: friend
                namespace: default
                trustDomain: public
                defaultAction: deny
                operations:
                  - { name: "/devsidecar.tests.*cho/*nary", httpVerb: ["*"], action: allow }
                  - { name: "/open/**", httpVerb: [GET], action: allow }
        """;

    private readonly string _rules = Path.GetTempFileName();
    private TestDatabase _database = null!;
    private TestApp _app = null!;
    private RunningSidecar _callee = null!;
    private RunningSidecar _friend = null!;

    public async Task InitializeAsync()
    {
        await File.WriteAllTextAsync(_rules, Rules);
        _database = await TestDatabase.CreateAsync();
        _app = await TestApp.StartAsync(
            app =>
            {
                app.MapGrpcService<EchoService>();
                app.MapFallback(() => "answer");
            },
            services: services =>
            {
                services.AddGrpc();
                services.AddSingleton(new EchoLog());
            });
        _callee = await RunningSidecar.StartAsync(_database.ConnectionString, "callee", _app.Port, change: flags => flags with { ConfigFiles = [_rules] });
        _friend = await RunningSidecar.StartAsync(_database.ConnectionString, "friend");
    }

    public async Task DisposeAsync()
    {
        await _friend.DisposeAsync();
        await _callee.DisposeAsync();
        await _app.DisposeAsync();
        await _database.DisposeAsync();
        File.Delete(_rules);
    }

    [Fact]
    public async Task What_is_allowed_arrives()
    {
        using var channel = GrpcChannel.ForAddress(_friend.GrpcAddress);

        Assert.Equal("a", (await new Echo.EchoClient(channel).UnaryAsync(new EchoRequest { Text = "a" }, To("callee"))).Text);
        Assert.Equal("answer", await _friend.Http.GetStringAsync("/v1.0/invoke/callee/method/Open/a/b?c=d"));
    }

    [Theory]
    [InlineData("/v1.0/invoke/callee/method/closed/x?q=secret", "closed/x")]
    [InlineData("/v1.0/invoke/callee/method/open/../closed", "closed")]
    [InlineData("/v1.0/invoke/callee/method/open%2F..%2Fclosed", "closed")]
    public async Task A_denied_path_is_403_with_daprd_s_words_and_never_reaches_the_app(string path, string operation)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_friend.HttpAddress + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        using var answer = await client.SendAsync(request);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        var error = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal("ERR_DIRECT_INVOKE", error.GetProperty("errorCode").GetString());
        Assert.Equal(
            $"failed to invoke, id: callee, err: rpc error: code = PermissionDenied desc = access control policy has denied access to id: spiffe://public/ns/default/friend operation: {operation} verb: GET",
            error.GetProperty("message").GetString());
        Assert.Empty(_app.Seen);
    }

    [Fact]
    public async Task A_verb_that_is_not_allowed_is_denied()
    {
        using var answer = await _friend.Http.PostAsync(new Uri("/v1.0/invoke/callee/method/open/a", UriKind.Relative), null);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Empty(_app.Seen);
    }

    [Fact]
    public async Task A_denied_method_is_PERMISSION_DENIED_with_daprd_s_words()
    {
        using var channel = GrpcChannel.ForAddress(_friend.GrpcAddress);
        using var call = new Echo.EchoClient(channel).Server(new EchoRequest { Count = 1 }, To("callee"));

        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(default));

        Assert.Equal(StatusCode.PermissionDenied, error.StatusCode);
        Assert.Equal("access control policy has denied access to id: spiffe://public/ns/default/friend operation: /devsidecar.tests.Echo/Server verb: NONE", error.Status.Detail);
        Assert.Empty(_app.Seen);
    }

    [Theory]
    [InlineData("stranger", "default")]
    [InlineData("friend", "elsewhere")]
    public async Task A_stranger_and_a_namesake_of_another_namespace_are_denied_what_the_friend_may(string app, string space)
    {
        await using var caller = await RunningSidecar.StartAsync(_database.ConnectionString, app, changeSettings: settings => settings with { Namespace = space });

        using var answer = await caller.Http.GetAsync(new Uri("/v1.0/invoke/callee/method/open/a", UriKind.Relative));

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Contains($"spiffe://public/ns/{space}/{app} ", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_app_cannot_pose_as_another_by_headers()
    {
        await using var stranger = await RunningSidecar.StartAsync(_database.ConnectionString, "stranger");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1.0/invoke/callee/method/open/a");
        foreach (var (name, value) in Forged())
            request.Headers.Add(name, value);
        using var channel = GrpcChannel.ForAddress(stranger.GrpcAddress);
        var metadata = To("callee");
        foreach (var (name, value) in Forged())
            metadata.Add(name, value);

        using var answer = await stranger.Http.SendAsync(request);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await new Echo.EchoClient(channel).UnaryAsync(new EchoRequest(), metadata));

        Assert.Equal((HttpStatusCode.Forbidden, StatusCode.PermissionDenied), (answer.StatusCode, error.StatusCode));
        Assert.Empty(_app.Seen);
    }

    [Fact]
    public async Task An_app_at_the_internal_port_is_nobody()
    {
        using var client = new HttpClient();
        foreach (var headers in new[] { [], Forged() })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{_callee.InternalAddress}/open/a") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            request.Headers.Add("dapr-callee-app-id", "callee");
            foreach (var (name, value) in headers)
                request.Headers.Add(name, value);
            using var answer = await client.SendAsync(request);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }

        Assert.Empty(_app.Seen);
    }

    [Fact]
    public async Task An_app_that_calls_itself_is_checked_over_gRPC_as_nobody_and_over_HTTP_not_at_all()
    {
        using var channel = GrpcChannel.ForAddress(_callee.GrpcAddress);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await new Echo.EchoClient(channel).UnaryAsync(new EchoRequest(), To("callee")));

        Assert.Equal(
            (StatusCode.PermissionDenied, "access control policy has denied access to id:  operation: /devsidecar.tests.Echo/Unary verb: NONE"), (error.StatusCode, error.Status.Detail));
        Assert.Equal("answer", await _callee.Http.GetStringAsync("/v1.0/invoke/callee/method/closed"));
    }

    [Fact]
    public async Task InvokeService_of_the_client_is_denied_too()
    {
        using var channel = GrpcChannel.ForAddress(_friend.GrpcAddress);
        var request = new InvokeServiceRequest
        {
            Id = "callee",
            Message = new InvokeRequest { Method = "closed", HttpExtension = new HTTPExtension { Verb = HTTPExtension.Types.Verb.Get } },
        };

        var error = await Assert.ThrowsAsync<RpcException>(async () => await new DaprService.DaprClient(channel).InvokeServiceAsync(request));

        Assert.Equal(StatusCode.Internal, error.StatusCode);
        Assert.Contains("code = PermissionDenied desc = access control policy has denied access to id: spiffe://public/ns/default/friend operation: closed verb: GET", error.Status.Detail, StringComparison.Ordinal);
        Assert.Empty(_app.Seen);
    }

    // What an app could know: the names of headers, and an instance's form.
    private static (string Name, string Value)[] Forged() =>
    [
        ("dapr-caller-app-id", "friend"), ("devsidecar-caller", Guid.NewGuid().ToString("N")), ("devsidecar-proof", new string('0', 64)), ("devsidecar-http", "1"),
    ];

    private static Metadata To(string app) => new() { { "dapr-app-id", app } };
}
