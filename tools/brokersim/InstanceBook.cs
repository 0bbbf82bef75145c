using System.Collections.Concurrent;

namespace WhatsAppMesh.BrokerSim;

/// <summary>One WhatsApp session of the broker.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Status"><c>connected</c>, <c>connecting</c>, <c>disconnected</c>, <c>qr_required</c>, <c>pending</c> or <c>failed</c>.</param>
public sealed record BrokerInstance(string Id, string Status)
{
    /// <summary>Only a connected instance sends.</summary>
    public bool Connected => Status == "connected";
}

/// <summary>The broker's instances. One that nobody has spoken of yet exists and is connected.</summary>
public sealed class InstanceBook
{
    /// <summary>The states an instance can be in.</summary>
    public static readonly IReadOnlyList<string> States = ["connected", "connecting", "disconnected", "qr_required", "pending", "failed"];

    private readonly ConcurrentDictionary<string, BrokerInstance> _instances = new();
    private int _statusCalls;

    /// <summary>How often the status of an instance was asked for.</summary>
    public int StatusCalls => _statusCalls;

    /// <summary>Those that were spoken of, by id.</summary>
    public IReadOnlyList<BrokerInstance> All => [.. _instances.Values.OrderBy(static i => i.Id, StringComparer.Ordinal)];

    /// <summary>An instance.</summary>
    public BrokerInstance Get(string id) => _instances.GetOrAdd(id, static id => new BrokerInstance(id, "connected"));

    /// <summary>An instance whose status was asked for.</summary>
    public BrokerInstance Ask(string id)
    {
        Interlocked.Increment(ref _statusCalls);
        return Get(id);
    }

    /// <summary>Puts an instance into a state.</summary>
    /// <exception cref="ArgumentException">There is no such state.</exception>
    public BrokerInstance Set(string id, string status)
    {
        if (!States.Contains(status))
            throw new ArgumentException($"status must be one of {string.Join(", ", States)}", nameof(status));
        return _instances[id] = new BrokerInstance(id, status);
    }
}
