using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace WhatsAppMesh.Hosting;

/// <summary>The two ports of a service.</summary>
/// <param name="Address">Address both bind to (BIND_ADDRESS, default 127.0.0.1; a container sets 0.0.0.0).</param>
/// <param name="AppPort">APP_PORT, default 5000: cleartext HTTP/2 for gRPC, topic deliveries and invoked methods. 0 takes a free one.</param>
/// <param name="HttpPort">HTTP_PORT, default 8080: HTTP/1.1 for probes, metrics and the product's HTTP API. 0 takes a free one.</param>
public sealed record MeshPorts(IPAddress Address, int AppPort, int HttpPort)
{
    /// <summary>Reads the ports from configuration.</summary>
    /// <exception cref="InvalidOperationException">A setting is not a port number or an IP address.</exception>
    public static MeshPorts Read(IConfiguration configuration) => new(
        ReadAddress(configuration),
        ReadPort(configuration, "APP_PORT", 5000),
        ReadPort(configuration, "HTTP_PORT", 8080));

    private static IPAddress ReadAddress(IConfiguration configuration)
    {
        var text = configuration["BIND_ADDRESS"];
        if (string.IsNullOrEmpty(text))
            return IPAddress.Loopback;

        return IPAddress.TryParse(text, out var address)
            ? address
            : throw new InvalidOperationException($"BIND_ADDRESS is '{text}', which is not an IP address.");
    }

    private static int ReadPort(IConfiguration configuration, string key, int fallback)
    {
        var text = configuration[key];
        if (string.IsNullOrEmpty(text))
            return fallback;

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= IPEndPoint.MaxPort
            ? port
            : throw new InvalidOperationException($"{key} is '{text}', which is not a port number from 0 to 65535.");
    }
}

/// <summary>Which of the two listeners a connection came in on; a feature of every connection.</summary>
internal sealed class ListenerPort
{
    public static readonly ListenerPort App = new();
    public static readonly ListenerPort Http = new();
}

/// <summary>Restricts endpoints to one of the service's ports.</summary>
public static class PortConventions
{
    /// <summary>The endpoint exists on the app port only; on the HTTP port it is 404.</summary>
    public static TBuilder OnAppPort<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder => builder.OnlyOn(ListenerPort.App);

    /// <summary>The endpoint exists on the HTTP port only; on the app port it is 404.</summary>
    public static TBuilder OnHttpPort<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder => builder.OnlyOn(ListenerPort.Http);

    private static TBuilder OnlyOn<TBuilder>(this TBuilder builder, ListenerPort port) where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(endpoint =>
        {
            var inner = endpoint.RequestDelegate;
            endpoint.RequestDelegate = context =>
            {
                if (context.Features.Get<ListenerPort>() == port)
                    return inner!(context);

                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            };
        });
        return builder;
    }
}
