using System.Text.Json;
using System.Text.Json.Nodes;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>
/// The block <c>whatsapp.runtime</c> of edge's /healthz: what dispatch says of its sending, asked for now and then and remembered. Whether
/// edge is alive never depends on it.
/// </summary>
internal sealed class DispatchRuntime : BackgroundService, IHealthDetail
{
    private const int MaxBytes = 64 * 1024;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(60);
    private static readonly string[] Members = ["mode", "transport", "status", "disabled", "metrics"];

    private readonly HttpClient _client;
    private readonly string _path;
    private readonly TimeProvider _clock;
    private readonly DependencyState _state;
    private volatile Told? _told;

    /// <summary>Prepares to ask through edge's sidecar.</summary>
    public DispatchRuntime(SidecarSettings sidecar, EdgeOptions options, DependencyStates dependencies, TimeProvider clock)
    {
        _state = dependencies.Of("dispatch health", $"'{options.Operator.Dispatch}' does not tell of its sending, so /healthz here has no whatsapp.runtime");
        _clock = clock;
        _path = SidecarHttp.InvokePath(options.Operator.Dispatch, "/healthz");
        _client = SidecarHttp.ClientOf(sidecar, traced: false);
        (_client.Timeout, _client.MaxResponseContentBufferSize) = (Patience, MaxBytes);
    }

    /// <inheritdoc/>
    public string Name => "whatsapp";

    /// <inheritdoc/>
    public ValueTask<JsonNode?> ReadAsync(CancellationToken cancellationToken) => ValueTask.FromResult<JsonNode?>(
        _told is { } told && _clock.GetElapsedTime(told.At) < Lifetime ? new JsonObject { ["runtime"] = told.Runtime.DeepClone() } : null);

    /// <inheritdoc/>
    public override void Dispose()
    {
        _client.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, _clock);
        do
        {
            if (await AskAsync(stoppingToken) is { } runtime)
                _told = new Told(runtime, _clock.GetTimestamp());
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task<JsonObject?> AskAsync(CancellationToken cancellationToken)
    {
        try
        {
            var health = JsonNode.Parse(await _client.GetStringAsync(_path, cancellationToken));
            if (health?["whatsapp"]?["runtime"] is not JsonObject runtime)
                throw new JsonException("There is no whatsapp.runtime.");
            _state.Works();
            return Known(runtime);
        }
        catch (Exception exception) when (
            exception is HttpRequestException or JsonException or InvalidOperationException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            _state.Fails(exception);
            return null;
        }
    }

    // The public answer grows by nothing that dispatch may add for others.
    private static JsonObject Known(JsonObject runtime) =>
        new(Members.Where(runtime.ContainsKey).Select(name => KeyValuePair.Create(name, runtime[name]?.DeepClone())));

    private sealed record Told(JsonObject Runtime, long At);
}
