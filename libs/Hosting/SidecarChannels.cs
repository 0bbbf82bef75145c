using Grpc.Net.Client;

namespace WhatsAppMesh.Hosting;

/// <summary>How every gRPC channel to the sidecar behaves, the Dapr client's and those of our own clients.</summary>
public static class SidecarChannels
{
    /// <summary>
    /// Longest pause between two attempts to reach a sidecar that is away. gRPC's own goes up to 2 min: calls would still be refused long
    /// after the sidecar is back, while its health over HTTP says ready.
    /// </summary>
    public static readonly TimeSpan LongestReconnectPause = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan FirstReconnectPause = TimeSpan.FromMilliseconds(250);

    /// <summary>Sets the pauses between attempts to reach a sidecar that is away.</summary>
    public static void ReconnectSoon(GrpcChannelOptions channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        (channel.InitialReconnectBackoff, channel.MaxReconnectBackoff) = (FirstReconnectPause, LongestReconnectPause);
    }

    /// <summary>The connections of a channel: straight to the sidecar, whatever proxy the environment names.</summary>
    public static SocketsHttpHandler Connections() => new() { UseProxy = false, EnableMultipleHttp2Connections = true };

    /// <summary>
    /// The options of the Dapr client's channel. Options of one's own replace those that the client has, so what the client sets is set here
    /// too: a cancelled call throws <see cref="OperationCanceledException"/>. So does one whose deadline the sidecar found exceeded,
    /// although nobody cancelled it: who catches one asks their own token whose it is.
    /// </summary>
    public static GrpcChannelOptions OfDaprClient(SidecarSettings sidecar)
    {
        ArgumentNullException.ThrowIfNull(sidecar);
        var channel = new GrpcChannelOptions
        {
            ThrowOperationCanceledOnCancellation = true,
            HttpHandler = sidecar.ApiToken is { } token ? new TokenOnEveryCall(token) { InnerHandler = Connections() } : Connections(),
            DisposeHttpClient = true,
        };
        ReconnectSoon(channel);
        return channel;
    }

    /// <summary>Adds the token where the Dapr client (1.19.0) forgets it: a save of several states, and the question that comes before a bulk publish.</summary>
    private sealed class TokenOnEveryCall(string token) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (!request.Headers.NonValidated.Contains(SidecarSettings.TokenHeader))
                request.Headers.TryAddWithoutValidation(SidecarSettings.TokenHeader, token);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
