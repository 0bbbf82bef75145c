using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>What the broker says about an instance.</summary>
/// <param name="Status">Its own word, e.g. <c>connected</c> or <c>qr_required</c>; <c>unknown</c> when it did not say.</param>
/// <param name="Connected">False: it cannot send. True also when the broker did not say: the send will tell.</param>
internal sealed record InstanceState(string Status, bool Connected);

/// <summary>The status of instances, asked for at most every <see cref="SendingOptions.StatusAge"/>.</summary>
internal sealed class InstanceStatus(BrokerClient broker, SendingOptions options, DependencyStates dependencies, TimeProvider time)
{
    private static readonly InstanceState Unknown = new("unknown", Connected: true);
    private static readonly InstanceState Offline = new("disconnected", Connected: false);

    // What brokers call an instance that cannot send. A word that nobody listed is no reason to let jobs wait until they expire: the send will tell.
    private static readonly HashSet<string> OfflineWords = new(StringComparer.OrdinalIgnoreCase)
    {
        "disconnected", "connecting", "qr_required", "pending", "failed", "close", "closed", "logged_out", "offline", "not_connected",
    };

    // One instance whose status hangs must not hold up the jobs of the others.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly DependencyState _state = dependencies.Of("instance status", "The broker does not tell whether instances are connected; sends are tried all the same");
    private readonly ConcurrentDictionary<string, (InstanceState State, long At)> _known = new();
    private readonly ConcurrentDictionary<string, Lazy<Task<InstanceState>>> _asking = new();

    /// <summary>The state of an instance. While the broker takes longer than a second to say, what it said last, or that it is unknown.</summary>
    public async Task<InstanceState> GetAsync(string instance, CancellationToken cancellationToken)
    {
        var isKnown = _known.TryGetValue(instance, out var known);
        if (isKnown && time.GetElapsedTime(known.At) < options.StatusAge)
            return known.State;

        var asking = _asking.GetOrAdd(instance, id => new Lazy<Task<InstanceState>>(() => AskAsync(id))).Value;
        try
        {
            return await asking.WaitAsync(Patience, time, cancellationToken);
        }
        catch (TimeoutException e)
        {
            _state.Count(e);
            return isKnown ? known.State : Unknown;
        }
    }

    private async Task<InstanceState> AskAsync(string instance)
    {
        try
        {
            var reply = await broker.AskAsync(HttpMethod.Get, $"/instances/{Uri.EscapeDataString(instance)}/status", null, CancellationToken.None);
            var state = reply.Status is >= 200 and < 300 ? Read(reply.Body) : Unknown;
            // A status of its own word is an answer, be it "unknown": what could not be asked or read is this very object.
            if (ReferenceEquals(state, Unknown))
                _state.Count(reply.Status is >= 200 and < 300 ? FailureCode.Malformed : $"{reply.Status?.ToString(CultureInfo.InvariantCulture) ?? "no_answer"}");
            return Learn(instance, state);
        }
        finally
        {
            _asking.TryRemove(instance, out _);
        }
    }

    /// <summary>A send told that the instance is offline.</summary>
    public void SawOffline(string instance) => Learn(instance, Offline);

    /// <summary>Something about the instance changed: ask again.</summary>
    public void Forget(string instance) => _known.TryRemove(instance, out _);

    /// <summary>Reads a status answer: <c>connected</c> when it is there, else the status' own word.</summary>
    public static InstanceState Read(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object)
                root = data;
            if (root.ValueKind != JsonValueKind.Object)
                return Unknown;
            var status = root.TryGetProperty("status", out var word) && word.ValueKind == JsonValueKind.String ? word.GetString() : null;
            var connected = root.TryGetProperty("connected", out var flag) && flag.ValueKind is JsonValueKind.True or JsonValueKind.False
                ? flag.GetBoolean()
                : status is null || !OfflineWords.Contains(status);
            return new InstanceState(status is { Length: > 0 and <= 40 } ? status : connected ? "connected" : "disconnected", connected);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No JSON, or JSON whose texts are none.
            return Unknown;
        }
    }

    private InstanceState Learn(string instance, InstanceState state)
    {
        _known[instance] = (state, time.GetTimestamp());
        return state;
    }
}
