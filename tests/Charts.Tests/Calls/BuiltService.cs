using Grpc.Core;
using Grpc.Net.ClientFactory;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using WhatsAppMesh.Dispatch;
using WhatsAppMesh.Edge;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Ingest;
using WhatsAppMesh.Membership;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Charts.Tests.Calls;

/// <summary>A gRPC client of a service, as it is registered.</summary>
/// <param name="Client">The generated client.</param>
/// <param name="App">App id of the service that it calls.</param>
internal sealed record RegisteredClient(Type Client, string App);

/// <summary>A service put together with the settings of dapr.yaml, never started: which clients it has and what it answers.</summary>
internal sealed class BuiltService : IAsyncDisposable
{
    private static readonly RunFile RunFile = RunFile.Load(Path.Combine(MeshRepository.Find(), "dapr.yaml"));

    private readonly WebApplication _app;

    private BuiltService(string appId, Type host, WebApplication app, IReadOnlyList<RegisteredClient> clients) =>
        (AppId, Host, _app, Clients) = (appId, host, app, clients);

    public string AppId { get; }

    /// <summary>A type of its program.</summary>
    public Type Host { get; }

    public IReadOnlyList<RegisteredClient> Clients { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>Everything that it answers, on whichever port.</summary>
    public IEnumerable<Answered> Answers => PatternsOf(_app).Select(endpoint => new Answered(AppId, endpoint.Verb, endpoint.Path));

    /// <summary>Every service of the map.</summary>
    public static IReadOnlyList<BuiltService> All() =>
    [
        Build("edge", typeof(EdgeHost), static builder => builder.AddEdge(), static app => app.MapEdge()),
        Build("ingest", typeof(IngestHost), static builder => builder.AddMeshHosting("ingest").AddIngest(), static app => app.MapIngest()),
        Build("membership", typeof(MembershipHost), static builder => builder.AddMeshHosting("membership").AddMembership(), static app => app.MapMembership()),
        Build("dispatch", typeof(DispatchHost), static builder => builder.AddMeshHosting("dispatch").AddDispatch(), static app => app.MapDispatch()),
    ];

    /// <summary>Verbs and paths of the endpoints that something maps; a verb is null for a gRPC method.</summary>
    public static IEnumerable<(string? Verb, string Path)> PatternsOf(IEndpointRouteBuilder routes)
    {
        foreach (var endpoint in routes.DataSources.SelectMany(static source => source.Endpoints).OfType<RouteEndpoint>())
        {
            var path = "/" + endpoint.RoutePattern.RawText!.TrimStart('/');
            if (endpoint.Metadata.GetMetadata<Grpc.AspNetCore.Server.GrpcMethodMetadata>() is not null)
                yield return (null, path);
            else if (!path.Contains("{unimplemented", StringComparison.Ordinal))
            {
                foreach (var verb in endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.Routing.HttpMethodMetadata>()?.HttpMethods ?? ["GET"])
                    yield return (verb, path);
            }
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static BuiltService Build(string appId, Type host, Action<WebApplicationBuilder> add, Action<WebApplication> map)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.Sources.Clear();
        var settings = RunFile.Apps.Single(app => app.AppId == appId).Environment;
        builder.Configuration.AddInMemoryCollection(settings.Select(static setting =>
            KeyValuePair.Create(setting.Key.Replace("__", ":", StringComparison.Ordinal), (string?)setting.Value)));
        add(builder);
        var clients = ClientsOf(builder.Services).ToList();
        var app = builder.Build();
        map(app);
        return new BuiltService(appId, host, app, clients);
    }

    // The factory knows a client by its name, which ends with the app (SidecarClients.NameOf).
    private static IEnumerable<RegisteredClient> ClientsOf(IServiceCollection services)
    {
        var names = services.Where(static service => service.ServiceType == typeof(IConfigureOptions<GrpcClientFactoryOptions>))
            .Select(static service => (service.ImplementationInstance as ConfigureNamedOptions<GrpcClientFactoryOptions>)?.Name).OfType<string>().Distinct();
        foreach (var name in names)
        {
            var (type, app) = name.Split(" of ") is [var first, var last] ? (first, last) : throw new InvalidOperationException($"'{name}' is no client of SidecarClients.");
            yield return new RegisteredClient(typeof(Ingest.V1.Lake).Assembly.GetType(type, throwOnError: true)!, app);
        }
    }
}
