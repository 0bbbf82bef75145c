using System.Collections.Concurrent;
using System.Text.Json;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>What the broker says about an instance.</summary>
/// <param name="Status">Its own word, e.g. <c>connected</c> or <c>qr_required</c>; <c>unknown</c> when it did not say.</param>
/// <param name="Connected">False: it cannot send. True also when the broker did not say: the send will tell.</param>
internal sealed record InstanceState(string Status, bool Connected);

/// <summary>The status of instances, asked for at most every <see cref="SendingOptions.StatusAge"/>.</summary>
internal sealed class InstanceStatus(BrokerClient broker, SendingOptions options, TimeProvider time)
{
    private static readonly InstanceState Unknown = new("unknown", Connected: true);
    private static readonly InstanceState Offline = new("disconnected", Connected: false);

    private readonly ConcurrentDictionary<string, (InstanceState State, long At)> _known = new();

    /// <summary>The state of an instance.</summary>
    public async Task<InstanceState> GetAsync(string instance, CancellationToken cancellationToken)
    {
        if (_known.TryGetValue(instance, out var known) && time.GetElapsedTime(known.At) < options.StatusAge)
            return known.State;

        var reply = await broker.AskAsync(HttpMethod.Get, $"/instances/{Uri.EscapeDataString(instance)}/status", null, cancellationToken);
        return Learn(instance, reply.Status is >= 200 and < 300 ? Read(reply.Body) : Unknown);
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
                : status is null or "connected";
            return new InstanceState(status is { Length: > 0 and <= 40 } ? status : connected ? "connected" : "disconnected", connected);
        }
        catch (JsonException)
        {
            return Unknown;
        }
    }

    private InstanceState Learn(string instance, InstanceState state)
    {
        _known[instance] = (state, time.GetTimestamp());
        return state;
    }
}
