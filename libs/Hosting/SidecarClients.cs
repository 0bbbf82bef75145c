using Grpc.Core;
using Grpc.Net.ClientFactory;
using Microsoft.Extensions.DependencyInjection;

namespace WhatsAppMesh.Hosting;

/// <summary>How a service reaches others: through its own sidecar, by clients of the framework's factory.</summary>
public static class SidecarClients
{
    /// <summary>Longest call with one answer, where nothing else is said.</summary>
    public static readonly TimeSpan DefaultDeadline = TimeSpan.FromSeconds(15);

    /// <summary>Registers the Dapr client, with the sidecar's addresses and token and a channel that finds a sidecar that was away.</summary>
    public static IServiceCollection AddSidecar(this IServiceCollection services)
    {
        services.AddDaprClient(static (provider, dapr) =>
        {
            var sidecar = provider.GetRequiredService<SidecarSettings>();
            dapr.UseHttpEndpoint(sidecar.HttpEndpoint.ToString())
                .UseGrpcEndpoint(sidecar.GrpcEndpoint.ToString())
                .UseGrpcChannelOptions(SidecarChannels.OfDaprClient(sidecar));
            if (sidecar.ApiToken is { } token)
                dapr.UseDaprApiToken(token);
        });
        return services;
    }

    /// <summary>
    /// Registers a gRPC client of another service: it is called through this service's sidecar, so mTLS, access control and resiliency apply.
    /// Where one kind of client has several apps, <see cref="GrpcClientFactory"/> makes each by <see cref="NameOf{TClient}"/>.
    /// </summary>
    /// <typeparam name="TClient">The generated client.</typeparam>
    /// <param name="services">The service's own.</param>
    /// <param name="appId">Dapr app id of the service that is called.</param>
    /// <param name="deadline">Longest call with one answer, unless the call sets its own; <see cref="DefaultDeadline"/> when null. A stream has the deadline that it sets.</param>
    /// <param name="maxAnswerBytes">Largest message that is taken; null = gRPC's 4 MiB.</param>
    /// <param name="connections">Makes the connections; <see cref="SidecarChannels.Connections"/> when null.</param>
    public static IHttpClientBuilder AddSidecarClient<TClient>(
        this IServiceCollection services, string appId, TimeSpan? deadline = null, int? maxAnswerBytes = null, Func<SocketsHttpHandler>? connections = null)
        where TClient : ClientBase<TClient>
    {
        return services
            .AddGrpcClient<TClient>(
                NameOf<TClient>(appId), static (provider, client) => client.Address = provider.GetRequiredService<SidecarSettings>().GrpcEndpoint)
            .ConfigurePrimaryHttpMessageHandler(connections ?? SidecarChannels.Connections)
            .ConfigureChannel(channel =>
            {
                SidecarChannels.ReconnectSoon(channel);
                channel.MaxReceiveMessageSize = maxAnswerBytes ?? channel.MaxReceiveMessageSize;
            })
            .AddInterceptor(InterceptorScope.Channel, provider => new SidecarCall(
                appId, provider.GetRequiredService<SidecarSettings>().ApiToken, deadline ?? DefaultDeadline));
    }

    /// <summary>The name that the client of an app has in the factory.</summary>
    public static string NameOf<TClient>(string appId) => $"{typeof(TClient).FullName} of {appId}";
}
