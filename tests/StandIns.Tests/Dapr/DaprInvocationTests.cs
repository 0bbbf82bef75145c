using Dapr.Client;
using Grpc.Core;
using Microsoft.Extensions.Configuration;
using WhatsAppMesh.StandIns.Tests.V1;

namespace WhatsAppMesh.StandIns.Tests;

public sealed class DaprInvocationTests(EchoServer grpc) : IClassFixture<EchoServer>
{
    [Fact]
    public async Task Http_calls_to_another_app_go_through_the_sidecar()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(System.Net.HttpStatusCode.OK, "answer");
        using var client = DaprClient.CreateInvokeHttpClient("Member-Ship", sidecar.Endpoint, "t0ken");
        Assert.Equal("answer", await client.GetStringAsync("/groups/1?at=2%2F3"));
        using var answer = await client.PostAsync("http://ingest/v1/events", new StringContent("body"));

        Assert.Equal(
            ["GET /v1.0/invoke/Member-Ship/method/groups/1?at=2%2F3 ", "POST /v1.0/invoke/ingest/method/v1/events body"],
            sidecar.Requests.Select(request => $"{request.Method} {request.Target} {request.Body}"));
        Assert.All(sidecar.Requests, request => Assert.Equal("t0ken", request.Header("dapr-api-token")));
    }

    [Fact]
    public void App_id_that_cannot_be_a_host_is_a_mistake_of_the_caller()
    {
        Assert.Throws<ArgumentException>(() => DaprClient.CreateInvokeHttpClient("not a host"));
    }

    [Fact]
    public async Task Grpc_calls_to_another_app_carry_its_id_and_the_token()
    {
        var invoker = DaprClient.CreateInvocationInvoker("tail-app", grpc.Endpoint, "t0ken");
        var headers = new Metadata { { "caller", "me" } };
        using var call = new Echo.EchoClient(invoker).SayAsync(new Note { Text = EchoService.Headers }, headers);
        await call.ResponseAsync;
        Assert.Equal("tail-app", call.GetTrailers().GetValue("dapr-app-id"));
        Assert.Equal("t0ken", call.GetTrailers().GetValue("dapr-api-token"));
        Assert.Equal("me", call.GetTrailers().GetValue("caller"));
        Assert.Single(headers);
    }

    [Fact]
    public async Task Client_of_a_host_takes_endpoint_and_token_from_its_configuration()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(System.Net.HttpStatusCode.NoContent);
        var client = Registered(
            services => services.AddDaprClient(),
            ("DAPR_HTTP_ENDPOINT", sidecar.Endpoint), ("DAPR_HTTP_PORT", "1"), ("DAPR_API_TOKEN", "t0ken"));
        await client.SaveStateAsync("s", "k", 1);
        Assert.Equal("t0ken", sidecar.Requests.Single().Header("dapr-api-token"));
    }

    [Fact]
    public async Task Port_alone_means_a_sidecar_on_this_machine()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(System.Net.HttpStatusCode.NoContent);
        var client = Registered(services => services.AddDaprClient(), ("DAPR_HTTP_PORT", $"{new Uri(sidecar.Endpoint).Port}"));
        Assert.True(await client.CheckHealthAsync());
    }

    [Fact]
    public async Task Callbacks_have_the_last_word()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(System.Net.HttpStatusCode.NoContent);
        var plain = Registered(services => services.AddDaprClient(dapr => dapr.UseHttpEndpoint(sidecar.Endpoint)), ("DAPR_HTTP_PORT", "1"));
        var withServices = Registered(
            services => services.AddSingleton(sidecar).AddDaprClient(
                (provider, dapr) => dapr.UseHttpEndpoint(provider.GetRequiredService<ScriptedSidecar>().Endpoint)),
            ("DAPR_HTTP_PORT", "1"));
        Assert.True(await plain.CheckHealthAsync());
        Assert.True(await withServices.CheckHealthAsync());
    }

    [Fact]
    public void First_registration_counts()
    {
        var services = new ServiceCollection();
        services.AddDaprClient();
        services.AddDaprClient((_, _) => throw new InvalidOperationException("This registration must not be used."));
        Assert.Single(services);
        Assert.NotNull(services.BuildServiceProvider().GetRequiredService<DaprClient>());
    }

    [Fact]
    public void Endpoint_that_is_no_address_is_named_in_the_message()
    {
        var exception = Assert.Throws<InvalidOperationException>(() => new DaprClientBuilder().UseHttpEndpoint("nonsense").Build());
        Assert.Contains("nonsense", exception.Message, StringComparison.Ordinal);
    }

    private static DaprClient Registered(Action<IServiceCollection> add, params (string Key, string Value)[] settings)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value))).Build());
        add(services);
        return services.BuildServiceProvider().GetRequiredService<DaprClient>();
    }
}
