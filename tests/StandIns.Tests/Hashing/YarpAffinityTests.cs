using Yarp.ReverseProxy.Configuration;

namespace WhatsAppMesh.StandIns.Tests;

public sealed class YarpAffinityTests
{
    [Fact]
    public async Task Hash_cookie_of_the_official_proxy_keeps_a_client_on_its_destination()
    {
        await using var one = await LoopbackHost.StartAsync(context => context.Response.WriteAsync("one"));
        await using var two = await LoopbackHost.StartAsync(context => context.Response.WriteAsync("two"));
        await using var proxy = await LoopbackHost.StartAsync(
            services =>
            {
                services.AddDataProtection();
                services.AddReverseProxy().LoadFromMemory([Route()], [Cluster(one.Endpoint, two.Endpoint)]);
            },
            app => app.MapReverseProxy());
        using var client = new HttpClient { BaseAddress = new Uri(proxy.Endpoint) };

        var first = await client.GetStringAsync("/");
        for (var i = 0; i < 20; i++)
            Assert.Equal(first, await client.GetStringAsync("/"));
    }

    private static RouteConfig Route() => new() { RouteId = "all", ClusterId = "both", Match = new RouteMatch { Path = "/{**rest}" } };

    private static ClusterConfig Cluster(string one, string two) => new()
    {
        ClusterId = "both",
        LoadBalancingPolicy = "Random",
        SessionAffinity = new SessionAffinityConfig { Enabled = true, Policy = "HashCookie", AffinityKeyName = "destination" },
        Destinations = new Dictionary<string, DestinationConfig> { ["one"] = new() { Address = one }, ["two"] = new() { Address = two } },
    };
}
