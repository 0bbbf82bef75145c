using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Edge;
using WhatsAppMesh.Edge.Operator;

namespace WhatsAppMesh.Charts.Tests.Calls;

/// <summary>Every place of the code that speaks HTTP to a sidecar, and whom it calls there. A place that is not here fails the tests.</summary>
internal static class HttpPlaces
{
    /// <summary>They ask the sidecar itself: health, version, publish; or they are how clients are made, each of which counts by itself.</summary>
    private static readonly HashSet<string> OfTheSidecarItself =
    [
        "WhatsAppMesh.Hosting.SidecarSettings", "WhatsAppMesh.Hosting.SidecarHttp", "WhatsAppMesh.Hosting.SidecarClients", "WhatsAppMesh.Hosting.SidecarCall", "WhatsAppMesh.Hosting.SidecarReadiness",
        "WhatsAppMesh.Hosting.SidecarVersion", "WhatsAppMesh.Ingest.SidecarPublisher",
    ];

    /// <summary>They call HTTPEndpoints: services outside the mesh, which have no access control.</summary>
    private static readonly HashSet<string> OutOfTheMesh = ["WhatsAppMesh.Dispatch.Sending.BrokerClient"];

    /// <summary>The calls of a place.</summary>
    /// <param name="place">The type.</param>
    /// <param name="texts">The texts in its methods that deal with the sidecar.</param>
    /// <param name="service">Whose code it is.</param>
    /// <returns>Null when nothing is known of the place.</returns>
    public static IEnumerable<Call>? CallsFrom(Type place, IReadOnlyList<string> texts, BuiltService service)
    {
        if (OfTheSidecarItself.Contains(place.FullName!) || OutOfTheMesh.Contains(place.FullName!))
            return [];
        return place.FullName switch
        {
            "WhatsAppMesh.Edge.Operator.DispatchRuntime" => InvokedIn(texts, service.AppId, DispatchOf(service), "GET"),
            "WhatsAppMesh.Edge.Operator.DispatchForwarder" => ForwardedTo(service.AppId, DispatchOf(service)),
            "WhatsAppMesh.Edge.IngestRoute" or "WhatsAppMesh.Edge.IngestRequest" => Doors(service.AppId, service.Services.GetRequiredService<EdgeOptions>().Ingest.AppId),
            _ => null,
        };
    }

    private static string DispatchOf(BuiltService edge) => edge.Services.GetRequiredService<EdgeOptions>().Operator.Dispatch;

    // SidecarHttp.InvokePath(app, "/healthz").
    private static IEnumerable<Call>? InvokedIn(IReadOnlyList<string> texts, string caller, string callee, string verb)
    {
        var paths = texts.Where(static text => text.StartsWith('/')).ToList();
        return paths.Count == 0 ? null : paths.Select(path => new Call(caller, callee, verb, path));
    }

    // YARP, through the sidecar: each of these routes leads to the same path under /api.
    private static List<Call> ForwardedTo(string caller, string callee)
    {
        var routes = WebApplication.CreateEmptyBuilder(new()).Services.AddRouting().BuildServiceProvider();
        var api = new RouteTable(routes);
        DispatchApi.Map(api);
        return [.. BuiltService.PatternsOf(api).Select(route => new Call(caller, callee, route.Verb, "/api" + route.Path))];
    }

    // YARP again; through the sidecar where Edge:Ingest:ThroughSidecar says so.
    private static IEnumerable<Call> Doors(string caller, string callee) => Door.All.SelectMany(door => door.TakesPathTail
            ? [door.IngestPath, door.IngestPath + "/{tail}"]
            : new[] { door.IngestPath.Replace("{}", "{id}", StringComparison.Ordinal) })
        .Select(path => new Call(caller, callee, "POST", path));

    private sealed class RouteTable(IServiceProvider services) : IEndpointRouteBuilder
    {
        public IServiceProvider ServiceProvider => services;

        public ICollection<EndpointDataSource> DataSources { get; } = [];

        public IApplicationBuilder CreateApplicationBuilder() => new ApplicationBuilder(services);
    }
}
