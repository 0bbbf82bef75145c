using System.Text.Json.Nodes;
using Grpc.Core;
using WhatsAppMesh.Charts.Tests.Calls;
using WhatsAppMesh.Charts.Tests.Rendering;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>
/// The access rules of the chart against the calls that are made: read out of the code (generated gRPC clients, HTTP through the sidecar, YARP's
/// routes) and out of the documents (what operators call at a service's own sidecar).
/// </summary>
public sealed class CallTests : IAsyncLifetime
{
    private readonly IReadOnlyList<BuiltService> _services = BuiltService.All();
    private Dictionary<string, JsonNode> _rules = null!;

    private IReadOnlyList<Call> Calls => [.. _services.SelectMany(static service => CodeCalls.Of(service).Calls), .. OperatorCalls.Documented()];

    private IReadOnlyList<Answered> Answered => [.. _services.SelectMany(static service => service.Answers)];

    public async Task InitializeAsync() => _rules = (await Resources.RenderAsync()).Of("Configuration")
        .ToDictionary(static resource => resource.Name["mesh-".Length..], static resource => resource.Spec["accessControl"]!);

    public async Task DisposeAsync()
    {
        foreach (var service in _services)
            await service.DisposeAsync();
    }

    [Fact]
    public void Every_call_is_allowed_and_nothing_is_allowed_that_nobody_calls() => AssertNone(AccessAudit.Faults(_rules, Calls, Answered));

    [Fact]
    public void Every_way_to_call_is_understood() => AssertNone([.. _services.SelectMany(static service => CodeCalls.Of(service).Unknown)]);

    [Theory]
    [InlineData("dispatch", "membership", null, "/whatsappmesh.membership.v1.Membership/GetGroup")]
    [InlineData("dispatch", "ingest", null, "/whatsappmesh.ingest.v1.Lake/Append")]
    [InlineData("membership", "ingest", null, "/whatsappmesh.ingest.v1.Lake/GetEventsAt")]
    [InlineData("ingest", "dispatch", null, "/whatsappmesh.deliveries.v1.Account/GetMissing")]
    [InlineData("edge", "ingest", null, "/whatsappmesh.ingest.v1.Lake/ExportEvents")]
    [InlineData("edge", "membership", null, "/whatsappmesh.privacy.v1.Privacy/Erase")]
    [InlineData("edge", "dispatch", "GET", "/healthz")]
    [InlineData("edge", "dispatch", "POST", "/api/executions/{id}/replay")]
    [InlineData("edge", "ingest", "POST", "/triggers/{id}/events")]
    [InlineData("membership", "membership", "POST", "/dead-letters/replay")]
    [InlineData("dispatch", "dispatch", "POST", "/dead-letters/resume")]
    public void Calls_of_every_kind_are_found(string caller, string callee, string? verb, string path) =>
        Assert.Contains(new Call(caller, callee, verb, path), Calls);

    [Theory]
    [InlineData("membership", "dispatch", "GetGroup", "denied: dispatch -> membership gRPC /whatsappmesh.membership.v1.Membership/GetGroup")]
    [InlineData("dispatch", "edge", "healthz", "denied: edge -> dispatch GET /healthz")]
    [InlineData("ingest", "edge", "leads", "denied: edge -> ingest POST /leads/{id}/events")]
    [InlineData("membership", "membership", "dead-letters", "denied: membership -> membership POST /dead-letters/replay")]
    public void A_map_without_an_entry_denies_a_call(string callee, string caller, string entry, string fault)
    {
        var operations = OperationsOf(callee, caller);
        var named = operations.Where(operation => IsOf(operation!["name"]!.GetValue<string>(), entry)).ToList();

        Assert.NotEmpty(named);
        foreach (var operation in named)
            operations.Remove(operation);

        Assert.Contains(fault, AccessAudit.Faults(_rules, Calls, Answered));
    }

    [Theory]
    [InlineData("membership", "dispatch", "/whatsappmesh.membership.v1.Membership/ListMembers", "nobody calls: dispatch -> membership gRPC /whatsappmesh.membership.v1.Membership/ListMembers")]
    [InlineData("dispatch", "edge", "/dead-letters/*", "nobody calls: edge -> dispatch POST /dead-letters/list")]
    [InlineData("ingest", "dispatch", "/**", "nobody calls: dispatch -> ingest POST /v1/events")]
    [InlineData("membership", "edge", "/no/such/route", "for nothing: edge -> membership /no/such/route")]
    public void A_map_with_an_entry_too_many_is_told(string callee, string caller, string entry, string fault)
    {
        OperationsOf(callee, caller).Add(new JsonObject { ["name"] = AccessControlTests.Rendered(entry), ["httpVerb"] = new JsonArray("*"), ["action"] = "allow" });

        Assert.Contains(fault, AccessAudit.Faults(_rules, Calls, Answered));
    }

    [Fact]
    public void A_call_that_no_service_answers_is_told() =>
        Assert.Contains("nobody answers: edge -> dispatch GET /api/gone", AccessAudit.Faults(_rules, [.. Calls, new Call("edge", "dispatch", "GET", "/api/gone")], Answered));

    [Fact]
    public void A_call_is_found_however_the_code_makes_it()
    {
        var membership = _services.Single(static service => service.AppId == "membership");
        var code = typeof(Fabricated).GetNestedTypes(System.Reflection.BindingFlags.NonPublic).Append(typeof(Fabricated)).SelectMany(CompiledCode.Of);
        var found = CodeCalls.Of(membership, code);

        Assert.Equal(
            ["Append", "ExportEvents", "GetEvent", "GetHeads", "GetStats", "ImportEvents", "ListEvents"],
            found.Calls.Select(static call => call.Path.Split('/')[^1]).Order(StringComparer.Ordinal));
        Assert.All(found.Calls, static call => Assert.Equal(("membership", "ingest"), (call.Caller, call.Callee)));
        Assert.Contains(found.Unknown, static unknown => unknown.Contains("CallInvoker.AsyncUnaryCall", StringComparison.Ordinal));
        Assert.Contains(found.Unknown, static unknown => unknown.Contains("LakeClient..ctor", StringComparison.Ordinal));
        Assert.Contains(found.Unknown, static unknown => unknown.Contains("registers no client", StringComparison.Ordinal));
        Assert.Contains(found.Unknown, static unknown => unknown.Contains("may call through membership's sidecar", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("`dapr invoke -a membership -m dead-letters/list -d '{}'`", "membership", "/dead-letters/list")]
    [InlineData("dapr invoke --app-id a|b --method x/one|two", "b", "/x/two")]
    [InlineData("curl -X POST http://127.0.0.1:3500/v1.0/invoke/dispatch/method/dead-letters/replay -H 'x: y'", "dispatch", "/dead-letters/replay")]
    public void What_operators_call_is_read_from_commands(string text, string app, string path) => Assert.Contains(new Call(app, app, "POST", path), OperatorCalls.In(text));

    private static void AssertNone(IReadOnlyList<string> faults) => Assert.True(faults.Count == 0, string.Join('\n', faults));

    // A name of the rendered rules has its capitals as stars.
    private static bool IsOf(string rendered, string entry) => rendered.Contains(AccessControlTests.Rendered(entry), StringComparison.Ordinal);

    private JsonArray OperationsOf(string callee, string caller) =>
        _rules[callee]["policies"]!.AsArray().Single(policy => policy!["appId"]!.GetValue<string>() == caller)!["operations"]!.AsArray();

    /// <summary>Code that calls in every way that C# has; never run.</summary>
    private static class Fabricated
    {
        private static readonly Func<Lake.LakeClient, GetStatsRequest, AsyncUnaryCall<GetStatsResponse>> Lambda = static (lake, request) => lake.GetStatsAsync(request);

        public static GetEventResponse Blocking(Lake.LakeClient lake) => lake.GetEvent(new GetEventRequest());

        public static async Task AwaitedAsync(Lake.LakeClient lake) => await lake.AppendAsync(new AppendRequest());

        public static IEnumerable<object> Iterator(Lake.LakeClient lake)
        {
            yield return lake.ExportEvents(new ExportEventsRequest());
        }

        public static object Group(Lake.LakeClient lake) => (Func<CallOptions, AsyncClientStreamingCall<ImportEventsRequest, ImportEventsResponse>>)lake.ImportEvents;

        public static object Local<T>(Lake.LakeClient lake, T request)
        {
            return Inner<GetHeadsRequest>();

            object Inner<TRequest>() where TRequest : new() => (lake.GetHeadsAsync((GetHeadsRequest)(object)new TRequest()!), request, Lambda);
        }

        public static object Linq(IEnumerable<Lake.LakeClient> lakes) => lakes.Select(lake => lakes.Select(other => (lake, other.ListEventsAsync(new ListEventsRequest()))));

        public static object Raw(CallInvoker invoker, Method<GetEventRequest, GetEventResponse> method) => invoker.AsyncUnaryCall(method, null, default, new GetEventRequest());

        public static object Own(ChannelBase channel) => new Lake.LakeClient(channel);

        public static object Unregistered(Membership.V1.Membership.MembershipClient membership) => membership.GetGroupAsync(new Membership.V1.GetGroupRequest());

        public static Uri Http() => new("http://127.0.0.1:3500/v1.0/invoke/dispatch/method/healthz");
    }
}
