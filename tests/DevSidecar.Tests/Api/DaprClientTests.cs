using Dapr;
using Dapr.Client;
using WhatsAppMesh.DevSidecar.Tests.Invoke;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.DevSidecar.Tests.State;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.Api;

/// <summary>The Dapr client that services use, against this sidecar.</summary>
public sealed class DaprClientTests : IAsyncLifetime
{
    private const string Secrets =
        """
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata:
          name: secrets
        spec:
          type: secretstores.local.env
          version: v1
        """;

    private TestDatabase _database = null!;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task State_behaves_as_behind_a_real_sidecar()
    {
        // Without a token: the client shows none when it saves several states.
        await using var sidecar = await RunningSidecar.StartAsync(_database.ConnectionString, "app", resources: [StateComponents.Yaml("claims")]);
        using var client = Client(sidecar);

        await StateScenario.RunAsync(client, "claims");
    }

    [Fact]
    public async Task Health_metadata_secrets_and_shutdown_work()
    {
        Environment.SetEnvironmentVariable("MESHTEST_CLIENT", "value");
        await using var sidecar = await RunningSidecar.StartAsync(_database.ConnectionString, "app", resources: [Secrets], apiToken: "t");
        using var client = Client(sidecar);

        await client.WaitForSidecarAsync();
        Assert.True(await client.CheckOutboundHealthAsync());
        Assert.True(await client.CheckHealthAsync());
        await client.SetMetadataAsync("colour", "green");
        var metadata = await client.GetMetadataAsync();
        Assert.Equal(("app", "green"), (metadata.Id, metadata.Extended["colour"]));
        Assert.Equal("secretstores.local.env", Assert.Single(metadata.Components).Type);
        Assert.Equal("value", (await client.GetSecretAsync("secrets", "MESHTEST_CLIENT"))["MESHTEST_CLIENT"]);
        Assert.Equal("value", (await client.GetBulkSecretAsync("secrets"))["MESHTEST_CLIENT"]["MESHTEST_CLIENT"]);
        await Assert.ThrowsAsync<DaprException>(() => client.GetSecretAsync("nope", "x"));

        await client.ShutdownSidecarAsync();
        var stopping = sidecar.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        await Eventually.TrueAsync(() => stopping.IsCancellationRequested, "the sidecar stops");
    }

    [Fact]
    public async Task Invocation_works_over_http_and_grpc()
    {
        await using var app = await TestApp.StartAsync(
            a =>
            {
                a.MapGrpcService<EchoService>();
                a.MapPost("/greet", () => "hello");
            },
            services: services =>
            {
                services.AddGrpc();
                services.AddSingleton(new EchoLog());
            });
        await using var callee = await RunningSidecar.StartAsync(_database.ConnectionString, "callee", app.Port);
        await using var caller = await RunningSidecar.StartAsync(_database.ConnectionString, "caller", apiToken: "t");

        using var http = DaprClient.CreateInvokeHttpClient("callee", caller.HttpAddress, "t");
        using var greeting = await http.PostAsync("/greet", new StringContent(""));
        var grpc = new Echo.EchoClient(DaprClient.CreateInvocationInvoker("callee", caller.GrpcAddress, "t"));

        Assert.Equal("hello", await greeting.Content.ReadAsStringAsync());
        Assert.Equal("x", (await grpc.UnaryAsync(new EchoRequest { Text = "x" })).Text);
    }

    private static DaprClient Client(RunningSidecar sidecar) =>
        new DaprClientBuilder().UseHttpEndpoint(sidecar.HttpAddress).UseGrpcEndpoint(sidecar.GrpcAddress).UseDaprApiToken("t").Build();
}
