using System.Net.Http.Headers;
using System.Text;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using WhatsAppMesh.DeadLetters.V1;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>
/// Speaks to a mesh as edge and as an operator do, under the rules of access control: gRPC through edge's sidecar, which may call what edge calls;
/// methods and topics through the sidecar of a service of its own. No service calls dispatch's gRPC contract, so no sidecar lets anybody: it
/// is spoken to at its app port, as its own sidecar does.
/// </summary>
public sealed class MeshClient : IDisposable
{
    private const string TokenHeader = "dapr-api-token";

    private readonly HttpClient _http;
    private readonly GrpcChannel _channel;
    private readonly GrpcChannel? _dispatch;
    private readonly string _apiToken;

    /// <param name="daprHttp">HTTP API of the sidecar of the service whose methods and topics are meant.</param>
    /// <param name="edgeGrpc">gRPC API of edge's sidecar.</param>
    /// <param name="apiToken">The sidecars' token; empty when they ask for none.</param>
    /// <param name="dispatch">dispatch's app port; null when nobody asks dispatch.</param>
    /// <param name="appToken">What dispatch asks its sidecar for.</param>
    public MeshClient(Uri daprHttp, Uri edgeGrpc, string apiToken, Uri? dispatch = null, string appToken = "")
    {
        _apiToken = apiToken;
        _http = new HttpClient { BaseAddress = daprHttp, Timeout = TimeSpan.FromSeconds(30) };
        // Faults are made and cured while this looks on: a sidecar that is back is found within a second.
        _channel = GrpcChannel.ForAddress(edgeGrpc, Options());
        _dispatch = dispatch is null ? null : GrpcChannel.ForAddress(dispatch, Options());
        Lake = new(To("ingest"));
        Membership = new(To("membership"));
        Dispatch = new(_dispatch?.Intercept(headers => With(headers, TokenHeader, appToken)) ?? To("dispatch"));
        DeadLetters = new(To("membership"));
    }

    /// <summary>A client whose methods and topics are those of a service of a running mesh.</summary>
    public static MeshClient Through(MeshInstance mesh, string service)
    {
        var planned = mesh.Service(service);
        var dispatch = mesh.Services.FirstOrDefault(static s => s.App.AppId == "dispatch");
        return new MeshClient(planned.DaprHttpAddress, mesh.Service("edge").DaprGrpcAddress, mesh.ApiToken, dispatch?.AppAddress, mesh.Secrets.AppApiToken);
    }

    /// <summary>The lake, at ingest.</summary>
    public Lake.LakeClient Lake { get; }

    /// <summary>Groups and members.</summary>
    public Membership.V1.Membership.MembershipClient Membership { get; }

    /// <summary>Automations and executions.</summary>
    public Dispatch.V1.Dispatch.DispatchClient Dispatch { get; }

    /// <summary>Dead letters of membership.</summary>
    public DeadLetters.V1.DeadLetters.DeadLettersClient DeadLetters { get; }

    /// <summary>Invokes a method over HTTP, as <c>dapr invoke</c> does, and gives the body of the answer.</summary>
    /// <exception cref="HttpRequestException">The answer is not 2xx; the message holds its body.</exception>
    public Task<string> InvokeAsync(string app, string method, string json, CancellationToken cancellationToken = default) =>
        PostAsync($"/v1.0/invoke/{app}/method/{method}", json, cancellationToken);

    /// <summary>Publishes to a topic, as <c>dapr publish</c> does.</summary>
    /// <exception cref="HttpRequestException">The answer is not 2xx; the message holds its body.</exception>
    public Task PublishAsync(string topic, string json, CancellationToken cancellationToken = default) =>
        PostAsync($"/v1.0/publish/pubsub/{topic}", json, cancellationToken);

    /// <summary>The open dead letters of a tenant, by <c>dapr invoke</c>'s way.</summary>
    public async Task<IReadOnlyList<DeadLetter>> OpenDeadLettersAsync(string tenant, CancellationToken cancellationToken = default)
    {
        var json = await InvokeAsync("membership", "dead-letters/list", $$$"""{"filter":{"tenant":"{{{tenant}}}"}}""", cancellationToken);
        return Google.Protobuf.JsonParser.Default.Parse<ListResponse>(json).DeadLetters;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _channel.Dispose();
        _dispatch?.Dispose();
    }

    private async Task<string> PostAsync(string path, string json, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes(json)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
        };
        if (_apiToken.Length > 0)
            request.Headers.Add(TokenHeader, _apiToken);
        using var answer = await _http.SendAsync(request, cancellationToken);
        var body = await answer.Content.ReadAsStringAsync(cancellationToken);
        return answer.IsSuccessStatusCode ? body : throw new HttpRequestException($"{path} answered {(int)answer.StatusCode}: {body}", null, answer.StatusCode);
    }

    // The calls here bring no headers of their own: each gets new ones.
    private CallInvoker To(string app) => _channel.Intercept(headers =>
    {
        headers.Add("dapr-app-id", app);
        return With(headers, TokenHeader, _apiToken);
    });

    private static Metadata With(Metadata headers, string name, string value)
    {
        if (value.Length > 0)
            headers.Add(name, value);
        return headers;
    }

    private static GrpcChannelOptions Options() => new() { MaxReconnectBackoff = TimeSpan.FromSeconds(1) };
}
