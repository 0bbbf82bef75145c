using Grpc.Core;
using Grpc.Core.Interceptors;

namespace WhatsAppMesh.Hosting;

/// <summary>Addresses every call to an app, shows the sidecar's token and sets a deadline where the caller set none and the answer is one message.</summary>
/// <param name="app">Dapr app id of the service that is called.</param>
/// <param name="token">What the sidecar wants to see; null when it wants nothing.</param>
/// <param name="deadline">Longest call with one answer; a stream sets its own.</param>
internal sealed class SidecarCall(string app, string? token, TimeSpan deadline) : Interceptor
{
    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        TRequest request, ClientInterceptorContext<TRequest, TResponse> context, BlockingUnaryCallContinuation<TRequest, TResponse> continuation) =>
        continuation(request, Addressed(context, deadline));

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation) =>
        continuation(request, Addressed(context, deadline));

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation) =>
        continuation(request, Addressed(context, null));

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        ClientInterceptorContext<TRequest, TResponse> context, AsyncClientStreamingCallContinuation<TRequest, TResponse> continuation) =>
        continuation(Addressed(context, null));

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        ClientInterceptorContext<TRequest, TResponse> context, AsyncDuplexStreamingCallContinuation<TRequest, TResponse> continuation) =>
        continuation(Addressed(context, null));

    // New headers for every call: whoever kept one object for many would send each header once more with each call.
    private ClientInterceptorContext<TRequest, TResponse> Addressed<TRequest, TResponse>(
        ClientInterceptorContext<TRequest, TResponse> context, TimeSpan? patience)
        where TRequest : class
        where TResponse : class
    {
        var headers = new Metadata { { SidecarSettings.AppIdHeader, app } };
        if (token is not null)
            headers.Add(SidecarSettings.TokenHeader, token);
        foreach (var header in context.Options.Headers ?? [])
            headers.Add(header);
        var options = context.Options.WithHeaders(headers);
        if (options.Deadline is null && patience is { } wait)
        {
            // The library counts what is left until then by the machine's clock, whatever clock the service goes by.
            options = options.WithDeadline(TimeProvider.System.GetUtcNow().UtcDateTime + wait);
        }

        return new ClientInterceptorContext<TRequest, TResponse>(context.Method, context.Host, options);
    }
}
