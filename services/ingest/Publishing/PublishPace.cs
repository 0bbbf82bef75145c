namespace WhatsAppMesh.Ingest;

/// <summary>
/// What to ask of the sidecar next for one log: less after each failure, so that what precedes an event it refuses gets through, and in the
/// end that event without its payload. Each log has its own, for what is wrong in one says nothing about another.
/// </summary>
internal sealed class PublishPace(int maxEvents)
{
    private const int LoneRefusalsBeforeStripping = 3;

    private int _limit = int.MaxValue;
    private int _loneRefusals;

    /// <summary>Most events in the next request.</summary>
    public int MaxEvents => Math.Min(_limit, maxEvents);

    /// <summary>Failures since the last success.</summary>
    public int Failures { get; private set; }

    /// <summary>
    /// False: the next event goes out alone and leaves its payload in the lake. What a broker refuses for ever is mostly too large for it,
    /// often only after its sidecar has escaped it; the consumer fetches such a payload.
    /// </summary>
    public bool WithPayloads => _loneRefusals < LoneRefusalsBeforeStripping;

    /// <summary>A request was taken.</summary>
    public void Succeed() => (_limit, Failures, _loneRefusals) = (int.MaxValue, 0, 0);

    /// <summary>A request of some events was not taken.</summary>
    public void Fail(int events, bool isRefusal)
    {
        Failures++;
        _limit = Math.Max(1, events / 2);
        if (events == 1 && isRefusal)
            _loneRefusals++;
    }
}
