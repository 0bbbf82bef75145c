using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Routing.Matching;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using WhatsAppMesh.DevSidecar.Http;

namespace WhatsAppMesh.DevSidecar.Hosting;

/// <summary>The three ports of a sidecar.</summary>
public enum SidecarPort
{
    /// <summary>The HTTP API, for the app and for operators.</summary>
    Http,

    /// <summary>gRPC of the app, proxied to other apps.</summary>
    Grpc,

    /// <summary>Calls of other sidecars.</summary>
    Internal,
}

/// <summary>Opens the ports, and keeps each endpoint to the port it belongs to.</summary>
public static class SidecarPorts
{
    /// <summary>Configures Kestrel for the three ports. The HTTP API speaks HTTP/1.1, the other two cleartext HTTP/2 only.</summary>
    public static void AddSidecarPorts(this WebApplicationBuilder builder, SidecarFlags flags)
    {
        var priorKnowledge = new PriorKnowledge();
        builder.Services.AddSingleton<MatcherPolicy, PortPolicy>();
        builder.Services.AddSingleton<IConnectionListenerFactory>(priorKnowledge);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MaxRequestHeadersTotalSize = HeaderLimit.ServerLimit;
            kestrel.Limits.Http2.MaxRequestHeaderFieldSize = HeaderLimit.ServerLimit;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.Http2.MaxStreamsPerConnection = int.MaxValue;
            foreach (var address in flags.ListenAddresses)
            {
                Listen(kestrel, address, flags.HttpPort, SidecarPort.Http, HttpProtocols.Http1, priorKnowledge.Detect);
                Listen(kestrel, address, flags.GrpcPort, SidecarPort.Grpc, HttpProtocols.Http2);
            }

            kestrel.Listen(priorKnowledge.EndPoint, listen => listen.Protocols = HttpProtocols.Http2);

            // What comes in here passes no token check: only sidecars of this machine may reach it.
            Listen(kestrel, "127.0.0.1", flags.InternalGrpcPort, SidecarPort.Internal, HttpProtocols.Http2);
        });
    }

    /// <summary>Keeps an endpoint, or a group of them, to one port.</summary>
    public static T OnPort<T>(this T endpoints, SidecarPort port)
        where T : IEndpointConventionBuilder
    {
        endpoints.Add(endpoint => endpoint.Metadata.Add(new PortOfEndpoint(port)));
        return endpoints;
    }

    /// <summary>The port a request came in on.</summary>
    public static SidecarPort Port(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<PortOfConnection>()!.Port;
    }

    /// <summary>The number of a port once the server listens; differs from the flag where that was 0.</summary>
    public static int BoundPort(this IServer server, SidecarPort port)
    {
        ArgumentNullException.ThrowIfNull(server);
        var addresses = server.Features.Get<IServerAddressesFeature>()!.Addresses;
        return new Uri(port == SidecarPort.Internal ? addresses.Last() : addresses.ElementAt((int)port)).Port;
    }

    private static void Listen(
        KestrelServerOptions kestrel, string address, int number, SidecarPort port, HttpProtocols protocols, Func<ConnectionDelegate, ConnectionDelegate>? detect = null)
    {
        var feature = new PortOfConnection(port);
        kestrel.Listen(ParseAddress(address), number, listen =>
        {
            listen.Protocols = protocols;
            listen.Use(next => connection =>
            {
                connection.Features.Set(feature);
                return next(connection);
            });
            if (detect is not null)
                listen.Use(detect);
        });
    }

    private static IPAddress ParseAddress(string address) => address switch
    {
        "localhost" => IPAddress.Loopback,
        _ when IPAddress.TryParse(address.Trim('[', ']'), out var parsed) => parsed,
        _ => throw new StartFailure($"--dapr-listen-addresses: '{address}' is not an IP address."),
    };

    private sealed record PortOfConnection(SidecarPort Port);

    private sealed record PortOfEndpoint(SidecarPort Port);

    private sealed class PortPolicy : MatcherPolicy, IEndpointSelectorPolicy
    {
        public override int Order => -1000;

        public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) =>
            endpoints.Any(endpoint => endpoint.Metadata.GetMetadata<PortOfEndpoint>() is not null);

        public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
        {
            var port = httpContext.Port();
            for (var i = 0; i < candidates.Count; i++)
            {
                if (candidates.IsValidCandidate(i) && candidates[i].Endpoint.Metadata.GetMetadata<PortOfEndpoint>() is { } wanted && wanted.Port != port)
                    candidates.SetValidity(i, false);
            }

            return Task.CompletedTask;
        }
    }
}
