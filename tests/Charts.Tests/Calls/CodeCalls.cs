using System.Reflection;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace WhatsAppMesh.Charts.Tests.Calls;

/// <summary>
/// The calls that a service makes, read out of its compiled code and that of our libraries which it loads. What could call in a way that is not
/// understood is reported, never skipped.
/// </summary>
/// <param name="Calls">The calls.</param>
/// <param name="Unknown">What is not understood.</param>
internal sealed record CodeCalls(IReadOnlyList<Call> Calls, IReadOnlyList<string> Unknown)
{
    private const string Product = "WhatsAppMesh.";

    // Whatever leads to an app through a sidecar begins with one of these.
    private static readonly string[] WaysByText = ["/v1.0/invoke", "dapr-app-id", "dapr-callee-app-id", "DAPR_HTTP_", "DAPR_GRPC_"];
    private static readonly string[] WaysByMember =
    [
        "WhatsAppMesh.Hosting.SidecarSettings.get_HttpEndpoint", "WhatsAppMesh.Hosting.SidecarSettings.get_GrpcEndpoint",
        "WhatsAppMesh.Hosting.SidecarSettings.Deconstruct", "WhatsAppMesh.Hosting.SidecarHttp.ClientOf", "WhatsAppMesh.Hosting.SidecarHttp.InvokePath", "Grpc.Net.Client.GrpcChannel.ForAddress",
    ];

    /// <summary>The calls of a service.</summary>
    public static CodeCalls Of(BuiltService service) => Of(service, AssembliesOf(service.Host.Assembly).SelectMany(CompiledCode.Of));

    /// <summary>The calls that some of a service's code makes.</summary>
    public static CodeCalls Of(BuiltService service, IEnumerable<CompiledMethod> code)
    {
        var (calls, unknown, places) = (new HashSet<Call>(), new SortedSet<string>(StringComparer.Ordinal), new Dictionary<Type, List<string>>());
        foreach (var method in code.Where(static method => !IsClient(method.Place)))
        {
            foreach (var member in method.Members)
                Add(service, method.Place, member, calls, unknown);
            if (method.Members.Any(IsWay) || method.Texts.Any(static text => WaysByText.Any(way => text.Contains(way, StringComparison.Ordinal))))
                (places.TryGetValue(method.Place, out var texts) ? texts : places[method.Place] = []).AddRange(method.Texts);
        }

        foreach (var (place, texts) in places)
        {
            if (HttpPlaces.CallsFrom(place, texts, service) is { } found)
                calls.UnionWith(found);
            else
                unknown.Add($"{place} may call through {service.AppId}'s sidecar: HttpPlaces does not know whom");
        }

        return new CodeCalls([.. calls], [.. unknown]);
    }

    /// <summary>The program and our libraries that it loads, without the generated contracts.</summary>
    private static IEnumerable<Assembly> AssembliesOf(Assembly program)
    {
        var found = new Dictionary<string, Assembly>();
        var waiting = new Queue<Assembly>([program]);
        while (waiting.TryDequeue(out var assembly))
        {
            if (!found.TryAdd(assembly.GetName().Name!, assembly))
                continue;
            foreach (var name in assembly.GetReferencedAssemblies().Where(static name => name.Name!.StartsWith(Product, StringComparison.Ordinal)))
                waiting.Enqueue(Assembly.Load(name));
        }

        return found.Values.Where(static assembly => assembly != typeof(Ingest.V1.Lake).Assembly);
    }

    private static void Add(BuiltService service, Type place, MethodBase member, HashSet<Call> calls, SortedSet<string> unknown)
    {
        var type = member.DeclaringType;
        if (type is null || !IsClient(type))
        {
            if (IsRaw(type) && place.FullName != "WhatsAppMesh.Hosting.SidecarCall")
                unknown.Add($"{place} uses {type!.Name}.{member.Name}: a call that no generated method shows");
            return;
        }

        if (RpcOf(type, member) is not { } rpc)
        {
            unknown.Add($"{place} uses {type.Name}.{member.Name}, which is no method of the contract");
            return;
        }

        var apps = service.Clients.Where(client => client.Client == type).Select(static client => client.App).ToList();
        if (apps.Count == 0)
            unknown.Add($"{place} calls {rpc.FullName}, and {service.AppId} registers no client for it");
        calls.UnionWith(apps.Select(app => new Call(service.AppId, app, null, $"/{rpc.Service.FullName}/{rpc.Name}")));
    }

    private static bool IsClient(Type type) => type.BaseType is { IsGenericType: true } parent && parent.GetGenericTypeDefinition() == typeof(ClientBase<>);

    private static bool IsRaw(Type? type) => type == typeof(CallInvoker) || type == typeof(ClientBase) || (type is { IsGenericType: true } && type.GetGenericTypeDefinition() == typeof(ClientBase<>));

    private static bool IsWay(MethodBase member) =>
        WaysByMember.Contains($"{member.DeclaringType?.FullName}.{member.Name}")
        || (member.DeclaringType?.FullName is { } type && type.StartsWith("Dapr.Client.DaprClient", StringComparison.Ordinal) && member.Name.Contains("Invo", StringComparison.Ordinal));

    private static MethodDescriptor? RpcOf(Type client, MethodBase member)
    {
        var service = (ServiceDescriptor)client.DeclaringType!.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!;
        return service.Methods.FirstOrDefault(method => member.Name == method.Name || member.Name == method.Name + "Async");
    }
}
