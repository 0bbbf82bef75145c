using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests.Operator;

/// <summary>The real edge with operator keys, in front of fake services and a fake dispatch.</summary>
public sealed class OperatorUnderTest : IAsyncDisposable
{
    public const string SidecarToken = "sidecar-token-of-this-test";

    /// <summary>Keys by name: tenant and role are in the name.</summary>
    public const string AcmeViewer = "acme-viewer", Acme = "acme-operator", Beta = "beta-operator", All = "all-operator", AllViewer = "all-viewer";

    private OperatorUnderTest(EdgeUnderTest edge, FakeServices services, FakeIngest dispatch) => (Edge, Services, Dispatch) = (edge, services, dispatch);

    public EdgeUnderTest Edge { get; }

    public FakeServices Services { get; }

    /// <summary>Where edge's sidecar takes HTTP.</summary>
    public FakeIngest Dispatch { get; }

    /// <summary>What was sent on to another app: a sidecar is asked about itself too.</summary>
    public IReadOnlyList<Arrived> Forwarded => [.. Dispatch.Requests.Where(static request =>
        request.Target.StartsWith("/v1.0/invoke/", StringComparison.Ordinal) && !request.Target.EndsWith("/method/healthz", StringComparison.Ordinal))];

    public static async Task<OperatorUnderTest> StartAsync(Dictionary<string, string?>? more = null)
    {
        var services = await FakeServices.StartAsync();
        var dispatch = await FakeIngest.StartAsync();
        var settings = new Dictionary<string, string?>
        {
            ["DAPR_GRPC_ENDPOINT"] = services.Address.ToString(),
            ["DAPR_HTTP_ENDPOINT"] = dispatch.Address.ToString(),
            ["DAPR_API_TOKEN"] = SidecarToken,
        };
        foreach (var (index, name) in new[] { AcmeViewer, Acme, Beta, All, AllViewer }.Index())
        {
            var (tenant, role) = (name.Split('-')[0], name.Split('-')[1]);
            settings[$"Edge:ApiKeys:{index}:Name"] = name;
            settings[$"Edge:ApiKeys:{index}:Tenant"] = tenant == "all" ? "*" : tenant;
            settings[$"Edge:ApiKeys:{index}:Role"] = role;
            settings[$"Edge:ApiKeys:{index}:Hash"] = HashOf(KeyOf(name));
            settings[$"Edge:ApiKeys:{index}:RequestsPerSecond"] = "0";
        }

        foreach (var (key, value) in more ?? [])
            settings[key] = value;
        return new OperatorUnderTest(await EdgeUnderTest.StartAsync(settings), services, dispatch);
    }

    public static string KeyOf(string name) => $"mesh_{name}_key";

    public static string HashOf(string key) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    public static HttpRequestMessage Request(string method, string target, string? key, string? body = null, string mediaType = "application/json")
    {
        var request = new HttpRequestMessage(HttpMethod.Parse(method), target);
        if (key is not null)
            request.Headers.Add("X-API-Key", KeyOf(key));
        if (body is not null)
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) { Headers = { ContentType = new MediaTypeHeaderValue(mediaType) } };
        return request;
    }

    public Task<HttpResponseMessage> SendAsync(string method, string target, string? key, string? body = null, string mediaType = "application/json") =>
        Edge.Client.SendAsync(Request(method, target, key, body, mediaType));

    /// <summary>Sends and demands a problem.</summary>
    public async Task<HttpResponseMessage> RefusedAsync(string method, string target, string? key, int status, string code, string? body = null)
    {
        var answer = await SendAsync(method, target, key, body);
        await answer.IsProblemAsync(status, code);
        return answer;
    }

    /// <summary>Sends and demands a 200 with JSON.</summary>
    public async Task<JsonElement> AskAsync(string method, string target, string key, string? body = null)
    {
        using var answer = await SendAsync(method, target, key, body);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode == 200, $"{(int)answer.StatusCode} {text}");
        using var json = JsonDocument.Parse(text);
        return json.RootElement.Clone();
    }

    public async ValueTask DisposeAsync()
    {
        await Edge.DisposeAsync();
        await Edge.Ingest.DisposeAsync();
        await Services.DisposeAsync();
        await Dispatch.DisposeAsync();
    }
}
