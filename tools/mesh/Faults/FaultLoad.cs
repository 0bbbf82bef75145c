using WhatsAppMesh.Collector;

namespace WhatsAppMesh.Mesh.Faults;

/// <summary>A collector that posts signed events to one edge at a steady rate, each again and again until it is accepted, as a real one does.</summary>
internal sealed class FaultLoad : IAsyncDisposable
{
    private const int Connections = 8;

    // Each load has numbers of its own.
    private const long NumbersPerLoad = 1_000_000;

    private static readonly TrafficShape Shape = new() { Groups = 20, MembersPerGroup = 16, StubShare = 0.3, SnapshotShare = 0.01 };

    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _giveUp = new();
    private readonly HttpClient _client;
    private readonly Task<LoadReport> _running;

    private FaultLoad(HttpClient client, Func<long, SignedPost> make, Action<long> accepted, int number, double rate)
    {
        _client = client;
        var plan = new LoadPlan
        {
            Connections = Connections, First = number * NumbersPerLoad, Rate = rate, RetryUntilAccepted = true, Stop = _stop.Token, Accepted = accepted,
        };
        _running = new LoadSender(client, TimeProvider.System).RunAsync(make, plan, _giveUp.Token);
    }

    /// <summary>Traffic of a seed; its events lie in the recent past.</summary>
    public static TrafficGenerator Traffic(int seed) => new(seed, Shape, TimeProvider.System.GetUtcNow().AddHours(-2));

    /// <summary>Begins to post.</summary>
    /// <param name="edge">Where to.</param>
    /// <param name="signer">Signs.</param>
    /// <param name="traffic">What.</param>
    /// <param name="books">Told of each event before its first post, and when it is accepted.</param>
    /// <param name="number">Number of this load, from 0.</param>
    /// <param name="rate">Events per second.</param>
    public static FaultLoad Start(Uri edge, CollectorSigner signer, TrafficGenerator traffic, FaultBooks books, int number, double rate) => new(
        LoadSender.CreateClient(edge, Connections),
        n =>
        {
            var collected = traffic.Event(n);
            books.Post(collected);
            return signer.Sign(collected, SigningScheme.V2);
        },
        n => books.Accept(traffic.Event(n).EventId),
        number,
        rate);

    /// <summary>Begins no further event and waits until those begun are accepted.</summary>
    /// <param name="patience">Longest wait; what is not accepted by then never will be.</param>
    /// <returns>What became of it all; null when the patience was not enough.</returns>
    public async Task<LoadReport?> StopAsync(TimeSpan patience)
    {
        await _stop.CancelAsync();
        _giveUp.CancelAfter(patience);
        try
        {
            return await _running;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        _client.Dispose();
        _stop.Dispose();
        _giveUp.Dispose();
    }
}
