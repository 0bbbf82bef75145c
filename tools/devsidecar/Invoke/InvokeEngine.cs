using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.App;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Http;
using WhatsAppMesh.DevSidecar.Resiliency;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>A call of an app's method, whole.</summary>
/// <param name="Id">The app, an HTTPEndpoint or a URL.</param>
/// <param name="Method">Path of the method, with or without the leading slash.</param>
/// <param name="Verb">HTTP verb; empty = none was chosen, null = the caller did not say that the method speaks HTTP.</param>
/// <param name="Query">Query string without the question mark.</param>
/// <param name="ContentType">Content type of the body; empty = none.</param>
/// <param name="Body">The body.</param>
/// <param name="Headers">Other headers.</param>
internal sealed record AppCall(
    string Id, string Method, string? Verb, string Query, string ContentType, byte[] Body, IEnumerable<KeyValuePair<string, string>> Headers);

/// <summary>Invocation without a transport: calls an app, under the policy of its name, and brings back its answer, whatever that is.</summary>
internal sealed class InvokeEngine(
    CallSender sender, AppChannel app, Peers peers, SidecarFlags flags, ResourceSet resources, ResiliencyPolicies policies, TimeProvider time)
{
    /// <exception cref="DaprErrorException">There is no answer.</exception>
    public async Task<HttpResponseMessage> CallAsync(AppCall call, CancellationToken cancellationToken)
    {
        if (InvokeAddress.Problem(call.Id) is { } noApp)
            throw Failure(call, noApp);

        var target = CallTarget.Parse(call.Id, flags.AppId, resources.HttpEndpoints);
        // Whether the call makes sense is for the sidecar of the callee to tell, so there must be one first.
        if (target is CallTarget.OtherApp other && await peers.FindAsync(other.AppId, cancellationToken) is null)
            throw Failure(call, new NoHostException(other.AppId).Message);

        var (path, problem) = MethodPath.Of(call.Method);
        if ((problem ?? ProblemOf(call.Verb)) is { } badCall)
            throw Failure(call, $"rpc error: code = InvalidArgument desc = {badCall}");

        var pathAndQuery = call.Query.Length > 0 ? $"{path}?{call.Query}" : path;
        using var request = ToRequest(call, target, pathAndQuery);
        using var slot = target is CallTarget.OwnApp ? await app.EnterAsync(cancellationToken) : default;
        using var handler = new HttpCallHandler(sender, target, CallPolicy.ForHttp(target, pathAndQuery, policies, time), replayable: true);
        using var invoker = new HttpMessageInvoker(handler);
        try
        {
            var response = await invoker.SendAsync(request, cancellationToken);
            await response.Content.LoadIntoBufferAsync(cancellationToken);
            return response;
        }
        catch (Exception e) when (e is CallFailedException or HttpRequestException)
        {
            throw Failure(call, e.Message);
        }
    }

    private static string? ProblemOf(string? verb) => verb switch
    {
        null => "missing HTTP extension field",
        "" or "CONNECT" => "invalid HTTP verb",
        _ => null,
    };

    private HttpRequestMessage ToRequest(AppCall call, CallTarget target, string pathAndQuery)
    {
        var request = new HttpRequestMessage(new HttpMethod(call.Verb!), CallSender.At("http://target", pathAndQuery))
        {
            Version = System.Net.HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(call.Body),
        };
        if (call.ContentType.Length > 0)
            request.Content.Headers.TryAddWithoutValidation("Content-Type", call.ContentType);
        foreach (var (name, value) in call.Headers)
            request.Headers.TryAddWithoutValidation(name, value);
        CallHeaders.RemoveThoseOfSidecars(request.Headers);
        if (target is CallTarget.OtherApp)
        {
            request.Headers.TryAddWithoutValidation(CallHeaders.OverHttp, "1");
            request.Headers.Remove(CallHeaders.CallerAppId);
            request.Headers.Remove(CallHeaders.CalleeAppId);
            request.Headers.TryAddWithoutValidation(CallHeaders.CallerAppId, flags.AppId);
            request.Headers.TryAddWithoutValidation(CallHeaders.CalleeAppId, target.Name);
        }

        if (!request.Headers.Contains("traceparent"))
            request.Headers.TryAddWithoutValidation("traceparent", CallTransformer.NewTrace());
        return request;
    }

    private static DaprErrorException Failure(AppCall call, string why) => new(ApiErrors.Invoke(call.Id, why));
}
