using Grpc.Core;
using WhatsAppMesh.DevSidecar.Resiliency;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>
/// Sends an HTTP call under its policy. A body of known length is kept for retries; one without is sent as it comes, once. Every
/// status outside 200-399 counts as a failure; the last answer goes back to the caller as it is.
/// </summary>
internal sealed class HttpCallHandler(CallSender sender, CallTarget target, CallPolicy policy, bool replayable) : HttpMessageHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (!replayable || policy == CallPolicy.None)
            return await sender.SendAsync(target, request, cancellationToken);

        var body = request.Content is null ? null : await request.Content.ReadAsByteArrayAsync(cancellationToken);
        HttpResponseMessage? last = null;
        var result = await policy.Policy.RunAsync(
            async token =>
            {
                last?.Dispose();
                last = null;
                return await AttemptAsync(Copy(request, body), response => last = response, token);
            },
            cancellationToken);

        return result.End == PolicyEnd.BreakerOpen || last is null
            ? throw result.Failure?.Exception as CallFailedException ?? new CallFailedException(result.Failure?.Reason ?? "no answer")
            : last;
    }

    private async Task<Attempt<bool>> AttemptAsync(HttpRequestMessage request, Action<HttpResponseMessage> keep, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await sender.SendAsync(target, request, cancellationToken);
        }
        catch (CallFailedException e) when (policy.BuiltIn)
        {
            return new(false, new AttemptFailure(e.Message, GrpcStatus: (int)(e is PeerUnreachableException ? StatusCode.Unavailable : StatusCode.Internal), Exception: e));
        }

        var status = (int)response.StatusCode;
        var failed = status is < 200 or > 399 && !policy.BuiltIn;
        try
        {
            // The timeout of an attempt covers its body too.
            if (failed || policy.Policy.HasTimeout)
                await response.Content.LoadIntoBufferAsync(cancellationToken);
        }
        catch (HttpRequestException e)
        {
            response.Dispose();
            throw new CallFailedException($"{target.Name} broke off its answer: {e.Message}", e);
        }
        catch (OperationCanceledException)
        {
            response.Dispose();
            throw;
        }

        keep(response);
        return new(true, failed ? new AttemptFailure($"{target.Name} answered {status}", HttpStatus: status) : null);
    }

    private static HttpRequestMessage Copy(HttpRequestMessage request, byte[]? body)
    {
        var copy = new HttpRequestMessage(request.Method, request.RequestUri) { Version = request.Version, VersionPolicy = request.VersionPolicy };
        foreach (var (name, values) in request.Headers.NonValidated)
            copy.Headers.TryAddWithoutValidation(name, (IEnumerable<string>)values);
        if (body is null)
            return copy;

        copy.Content = new ByteArrayContent(body);
        foreach (var (name, values) in request.Content!.Headers.NonValidated)
            copy.Content.Headers.TryAddWithoutValidation(name, (IEnumerable<string>)values);
        return copy;
    }
}
