using WhatsAppMesh.Edge.Sources;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>What a route of the operator API asks of a key and takes in its query. Metadata of the endpoint, so that tests see it.</summary>
/// <param name="Role">The least role.</param>
/// <param name="Query">The query's parameters; any other is refused, so that a slip of the pen never widens a filter.</param>
/// <param name="NeedsInstallation">True when only a key for the whole installation may ask.</param>
internal sealed record OperatorRoute(OperatorRole Role, IReadOnlyList<string> Query, bool NeedsInstallation = false);

/// <summary>Marks routes as the operator API's.</summary>
internal static class OperatorRouting
{
    /// <summary>Viewers and operators may ask.</summary>
    public static TBuilder ForViewers<TBuilder>(this TBuilder builder, params string[] query) where TBuilder : IEndpointConventionBuilder =>
        builder.For(new OperatorRoute(OperatorRole.Viewer, query));

    /// <summary>Only operators may ask.</summary>
    public static TBuilder ForOperators<TBuilder>(this TBuilder builder, params string[] query) where TBuilder : IEndpointConventionBuilder =>
        builder.For(new OperatorRoute(OperatorRole.Operator, query));

    /// <summary>Puts the gate in front of the route.</summary>
    public static TBuilder For<TBuilder>(this TBuilder builder, OperatorRoute route) where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(endpoint =>
        {
            endpoint.Metadata.Add(route);
            var inner = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = context => context.RequestServices.GetRequiredService<OperatorGate>().AnswerAsync(context, route, inner);
        });
        return builder.OnHttpPort();
    }
}
