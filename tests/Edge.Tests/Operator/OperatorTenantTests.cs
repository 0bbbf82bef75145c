using System.Text.Json;
using Google.Protobuf;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Edge.Operator;
using WhatsAppMesh.Edge.Tests.Driving;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Edge.Tests.Operator;

/// <summary>Over every route: whose data a key reaches, and what its role lets it do.</summary>
public sealed class OperatorTenantTests
{
    [Fact]
    public async Task Every_route_has_a_row_and_every_row_a_route()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        var mapped = Mapped(api).Select(static route => $"{route.Method} {route.Template} {route.Route.Role.ToString().ToLowerInvariant()} {route.Route.NeedsInstallation}");
        var rows = OperatorRoutes.All.Select(static row => $"{row.Method} {row.Template} {row.Role} {row.NeedsInstallation}");
        Assert.Equal(rows.Order(StringComparer.Ordinal), mapped.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task No_route_answers_without_a_key()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        foreach (var row in OperatorRoutes.All)
        {
            using var answer = await api.RefusedAsync(row.Method, row.Target, null, 401, "unauthorized", row.Body);
            Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.ToString());
        }

        Assert.Empty(api.Services.Questions);
        Assert.Empty(api.Forwarded);
    }

    [Fact]
    public async Task A_viewer_may_only_look()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        foreach (var row in OperatorRoutes.All)
        {
            using var answer = await api.Edge.Client.SendAsync(Request(row, row.NeedsInstallation ? OperatorUnderTest.AllViewer : OperatorUnderTest.AcmeViewer));
            if (row.Role == "operator")
                await answer.IsProblemAsync(403, "forbidden");
            else
                Assert.Equal(row.Status, (int)answer.StatusCode);
        }

        Assert.All(api.Forwarded, static request => Assert.Equal("GET", request.Method));
    }

    [Fact]
    public async Task Whatever_a_tenant_s_key_asks_is_asked_for_its_own_tenant()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        foreach (var row in OperatorRoutes.All.Where(static row => !row.NeedsInstallation))
        {
            using var answer = await api.Edge.Client.SendAsync(WithForgeries(Request(row, OperatorUnderTest.Acme)));
            Assert.True(row.Status == (int)answer.StatusCode, $"{row.Method} {row.Target}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        }

        Assert.NotEmpty(api.Services.Questions);
        Assert.All(api.Services.Questions, static asked => Assert.Equal("acme", TenantOf(asked.Request)));
        Assert.All(api.Services.Questions, static asked => Assert.Equal(OperatorUnderTest.SidecarToken, asked.Token));
        Assert.Equal(OperatorRoutes.All.Count(static row => row.IsDispatchs), api.Forwarded.Count);
        Assert.All(api.Forwarded, static request => Assert.Equal(("acme", "operator", "acme-operator"), (request["mesh-tenant"], request["mesh-role"], request["mesh-key"])));
    }

    [Fact]
    public async Task Asking_for_another_tenant_is_refused_before_anybody_is_asked()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        foreach (var row in OperatorRoutes.All.Where(static row => !row.NeedsInstallation))
        {
            foreach (var other in (string[])["beta", "no-such-tenant"])
                await api.RefusedAsync(row.Method, With(row.Target, $"tenant={other}"), OperatorUnderTest.Acme, 403, "forbidden", row.Body);
            await api.RefusedAsync(row.Method, With(row.Target, "tenant=*"), OperatorUnderTest.Acme, 400, "invalid_argument", row.Body);
        }

        Assert.Empty(api.Services.Questions);
        Assert.Empty(api.Forwarded);
    }

    [Fact]
    public async Task A_key_for_the_installation_must_choose_and_then_reaches_what_it_chose()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        foreach (var row in OperatorRoutes.All.Where(static row => !row.NeedsInstallation))
        {
            using var unchosen = await api.Edge.Client.SendAsync(Request(row, OperatorUnderTest.All));
            await unchosen.IsProblemAsync(400, "tenant_required");
            using var answer = await api.Edge.Client.SendAsync(Request(row with { Target = With(row.Target, "tenant=beta") }, OperatorUnderTest.All));
            Assert.Equal(row.Status, (int)answer.StatusCode);
        }

        Assert.All(api.Services.Questions, static asked => Assert.Equal("beta", TenantOf(asked.Request)));
        Assert.All(api.Forwarded, static request => Assert.Equal("beta", request["mesh-tenant"]));
        Assert.All(api.Forwarded, static request => Assert.DoesNotContain("tenant", request.Target, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_concerns_every_tenant_needs_a_key_for_every_tenant()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        foreach (var row in OperatorRoutes.All.Where(static row => row.NeedsInstallation))
        {
            await api.RefusedAsync(row.Method, row.Target, OperatorUnderTest.Acme, 403, "forbidden");
            await api.AskAsync(row.Method, row.Target, OperatorUnderTest.AllViewer);
        }
    }

    [Fact]
    public async Task Viewers_see_no_message_and_tenants_no_count_of_the_installation()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        const string Letter = "/api/dead-letters/01890000-0000-7000-8000-000000000002";
        const string Event = "/api/events/377a14be-f301-532d-8efb-adfe5b0fcfd5";

        Assert.Contains("secret words", (await api.AskAsync("GET", Letter, OperatorUnderTest.Acme)).GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret words", (await api.AskAsync("GET", Letter, OperatorUnderTest.AcmeViewer)).GetRawText(), StringComparison.Ordinal);
        Assert.Contains("\"huge\":1e999999", (await api.AskAsync("GET", Event, OperatorUnderTest.Acme)).GetRawText(), StringComparison.Ordinal);
        Assert.False((await api.AskAsync("GET", Event, OperatorUnderTest.AcmeViewer)).TryGetProperty("payload", out _));
        Assert.DoesNotContain("payload", (await api.AskAsync("GET", "/api/events", OperatorUnderTest.Acme)).GetRawText(), StringComparison.Ordinal);
        Assert.False((await api.AskAsync("GET", "/api/stats", OperatorUnderTest.Acme)).TryGetProperty("unpublished", out _));
        Assert.Equal(3, (await api.AskAsync("GET", "/api/stats?tenant=acme", OperatorUnderTest.All)).GetProperty("unpublished").GetInt64());
    }

    internal static IEnumerable<(string Method, string Template, OperatorRoute Route)> Mapped(OperatorUnderTest api) =>
        from endpoint in api.Edge.Services.GetRequiredService<IEnumerable<EndpointDataSource>>().SelectMany(static source => source.Endpoints).OfType<RouteEndpoint>()
        let route = endpoint.Metadata.GetMetadata<OperatorRoute>()
        where route is not null
        from method in endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods
        select (method, endpoint.RoutePattern.RawText!, route);

    private static HttpRequestMessage Request(RouteCase row, string key) => OperatorUnderTest.Request(row.Method, row.Target, key, row.Body, row.MediaType);

    private static HttpRequestMessage WithForgeries(HttpRequestMessage request)
    {
        foreach (var header in (string[])["mesh-tenant", "mesh-role", "mesh-key", "X-Mesh-Tenant", "dapr-app-id", "dapr-api-token"])
            request.Headers.TryAddWithoutValidation(header, "beta");
        return request;
    }

    private static string With(string target, string parameter) => target + (target.Contains('?') ? '&' : '?') + parameter;

    private static string TenantOf(IMessage request)
    {
        using var json = JsonDocument.Parse(JsonFormatter.Default.Format(request));
        if (request is ImportEventsRequest import)
            return import.Tenant;
        var root = json.RootElement;
        var tenants = new[] { root, root.TryGetProperty("filter", out var filter) ? filter : default }
            .Where(static part => part.ValueKind == JsonValueKind.Object && part.TryGetProperty("tenant", out _))
            .Select(static part => part.GetProperty("tenant").GetString()!)
            .Distinct();
        return Assert.Single(tenants);
    }
}
