namespace WhatsAppMesh.Deliveries;

/// <summary>How events reached the handler.</summary>
/// <param name="IsReplay">
/// True when an operator replays them: what they did before, if anything, may be there already. A replay by position range may name events
/// that were applied.
/// </param>
/// <param name="AllowSends">
/// False when nothing that they start may leave this database: they were applied before, and the operator did not ask to send again.
/// A dead letter never had its effect, so its replay allows sends.
/// </param>
public sealed record DeliveryContext(bool IsReplay, bool AllowSends)
{
    private readonly IReadOnlyDictionary<(int Log, long Position), string>? _traces;

    /// <summary>Events that come for the first time, over the topic or from the lake.</summary>
    public static DeliveryContext First { get; } = new(IsReplay: false, AllowSends: true);

    private DeliveryContext(DeliveryContext origin, IReadOnlyDictionary<(int Log, long Position), string> traces)
        : this(origin) => _traces = traces;

    /// <summary>W3C trace context that an event came with, so that what it starts is part of its trace; null when it came without (from the lake).</summary>
    public string? TraceParentOf(int log, long position) => _traces?.GetValueOrDefault((log, position));

    /// <summary>The same, for events that came with these traces.</summary>
    internal DeliveryContext With(IReadOnlyDictionary<(int Log, long Position), string> traces) => new(this, traces);
}
