using Grpc.Core;
using Grpc.Net.Client;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.DevSidecar.Tests.State;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>A sidecar with the components of the recorded one, and the app behind it.</summary>
internal sealed class RecordedSidecar : IAsyncDisposable
{
    private readonly TestDatabase _database;
    private readonly TestApp _app;
    private readonly GrpcChannel _channel;

    private RecordedSidecar(TestDatabase database, TestApp app, RunningSidecar sidecar, string? token)
    {
        _database = database;
        _app = app;
        Sidecar = sidecar;
        Token = token;
        _channel = GrpcChannel.ForAddress(sidecar.GrpcAddress, new GrpcChannelOptions { MaxReceiveMessageSize = null, MaxSendMessageSize = null });
        Invoker = _channel.CreateCallInvoker();
    }

    public RunningSidecar Sidecar { get; }

    /// <summary>What the sidecar asks for; null = nothing.</summary>
    public string? Token { get; }

    public CallInvoker Invoker { get; }

    public static async Task<RecordedSidecar> StartAsync(string? token)
    {
        // Set for the whole process, as secrets of the environment are; nothing else reads them.
        Environment.SetEnvironmentVariable("RECORDED_SECRET", "hello");
        Environment.SetEnvironmentVariable("RECORDED_SECRET_EMPTY", "");
        Environment.SetEnvironmentVariable("RECORDED_SECRET_JSON", "{\"a\":1}");
        var database = await TestDatabase.CreateAsync();
        var app = await ProbeApp.StartAsync();
        var sidecar = await RunningSidecar.StartAsync(database.ConnectionString, "probe-app", app.Port, Resources(), token);
        await Eventually.TrueAsync(
            async () => (await sidecar.Http.GetAsync("/v1.0/healthz")).StatusCode == System.Net.HttpStatusCode.NoContent, "the app is reached");
        return new RecordedSidecar(database, app, sidecar, token);
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await Sidecar.DisposeAsync();
        await _app.DisposeAsync();
        await _database.DisposeAsync();
    }

    private static string[] Resources() =>
    [
        Component("secrets", "secretstores.local.env", "prefix", "RECORDED_"),
        StateComponents.Yaml("pgstore", "state.postgresql", "v2"),
        Component("pubsub", "pubsub.redis", "protectedTopics", "probe-forbidden"),
        StateComponents.Yaml("redisstore", "state.redis", "v1"),
        Subscription("probe-topic", "/events", "deadLetterTopic: probe-dead"),
        Subscription("probe-bulk", "/events", "deadLetterTopic: probe-dead\n  bulkSubscribe:\n    enabled: true"),
        Subscription("probe-dead", "/events/dead", ""),
    ];

    private static string Component(string name, string type, string setting, string value) =>
        $"apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\nspec:\n  type: {type}\n  version: v1\n  metadata:\n    - name: {setting}\n      value: {value}\n";

    private static string Subscription(string topic, string path, string more) =>
        $"apiVersion: dapr.io/v2alpha1\nkind: Subscription\nmetadata:\n  name: {topic}\nspec:\n  pubsubname: pubsub\n  topic: {topic}\n  routes:\n    default: {path}\n  {more}\n";
}
