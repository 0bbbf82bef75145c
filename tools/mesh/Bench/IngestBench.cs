using System.Globalization;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Bench;

/// <summary>How long and how hard a benchmark runs.</summary>
/// <param name="Duration">Time that is measured, per contender.</param>
/// <param name="Connections">Requests in flight.</param>
internal sealed record BenchPlan(TimeSpan Duration, int Connections);

/// <summary>Figures of one contender.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="AcceptedPerSecond">Events answered with 2xx per second.</param>
/// <param name="AppliedPerSecond">Events in membership per second; null where nothing applies them.</param>
/// <param name="P50Ms">Median time to the answer, in ms; so are the next two.</param>
/// <param name="P95Ms">Time that 95 % of the answers stayed under.</param>
/// <param name="P99Ms">Time that 99 % of the answers stayed under.</param>
/// <param name="Refused">Answers other than 2xx.</param>
internal sealed record BenchFigures(
    string Name, double AcceptedPerSecond, double? AppliedPerSecond, double P50Ms, double P95Ms, double P99Ms, long Refused)
{
    public static BenchFigures Of(string name, LoadReport report, double? applied = null) => new(
        name, report.Rate, applied, report.Percentile(0.5).TotalMilliseconds, report.Percentile(0.95).TotalMilliseconds, report.Percentile(0.99).TotalMilliseconds, report.Refused);
}

/// <summary>What <c>./mesh bench ingest --json</c> prints.</summary>
/// <param name="Figures">All contenders.</param>
/// <param name="ShareOfGroupCommit">Ingest's accepted events per second over those of the bare group commit.</param>
/// <param name="TimesInsertPerRequest">Ingest's accepted events per second over those of one INSERT per request.</param>
internal sealed record BenchAnswer(IReadOnlyList<BenchFigures> Figures, double ShareOfGroupCommit, double TimesInsertPerRequest);

/// <summary>
/// Measures ingest beside two peers in one run: the same load generator, connections, bodies, PostgreSQL and batch rule. Then the whole
/// path, from edge to membership's rows.
/// </summary>
internal sealed class IngestBench(BenchPlace place, BenchPlan plan, Screen screen)
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);

    private readonly List<BenchFigures> _figures = [];
    private readonly TrafficGenerator _traffic = new(3, new TrafficShape(), TimeProvider.System.GetUtcNow().AddHours(-1));
    private long _sent;

    public async Task<BenchAnswer> RunAsync(CancellationToken cancellationToken)
    {
        var direct = await DirectAsync(cancellationToken);
        var grouped = await PeerAsync("bare Kestrel + group commit", "group-commit", cancellationToken);
        var single = await PeerAsync("bare Kestrel + one INSERT per request", "insert-per-request", cancellationToken);
        await WholePathAsync(cancellationToken);
        return new BenchAnswer(_figures, direct.AcceptedPerSecond / grouped.AcceptedPerSecond, direct.AcceptedPerSecond / single.AcceptedPerSecond);
    }

    /// <summary>Ingest alone, its publisher and membership's pull paused: what accepting costs.</summary>
    private async Task<BenchFigures> DirectAsync(CancellationToken cancellationToken)
    {
        var paused = new Dictionary<string, IReadOnlyDictionary<string, string>>
        {
            ["ingest"] = new Dictionary<string, string> { ["Ingest__Publish"] = "false" },
            ["membership"] = new Dictionary<string, string> { ["Deliveries__Pull"] = "false" },
        };
        await using var mesh = await place.StartAsync("ingest", paused, screen, cancellationToken);
        return await MeasureAsync("ingest, publisher paused", mesh.Service("ingest").HttpAddress, n => Internal(n, mesh.Secrets.InternalToken), cancellationToken);
    }

    private async Task<BenchFigures> PeerAsync(string name, string kind, CancellationToken cancellationToken)
    {
        await using var peer = await BenchPeer.StartAsync(place, kind, cancellationToken);
        return await MeasureAsync(name, peer.Address, n => Internal(n, ""), cancellationToken);
    }

    /// <summary>Everything on: from the signed request at edge to membership's rows.</summary>
    private async Task WholePathAsync(CancellationToken cancellationToken)
    {
        var unlimited = new Dictionary<string, IReadOnlyDictionary<string, string>>
        {
            ["edge"] = new Dictionary<string, string> { ["Edge__Sources__0__RequestsPerSecond"] = "0" },
        };
        await using var mesh = await place.StartAsync("whole", unlimited, screen, cancellationToken);
        var signer = new CollectorSigner(mesh.Secrets.CollectorSecret, TimeProvider.System);
        await using var watch = new AppliedWatch(mesh);
        var report = await LoadAsync("edge to membership, everything on", mesh.Service("edge").HttpAddress, n => signer.Sign(_traffic.Event(n), SigningScheme.V2), cancellationToken);
        var applied = await watch.PerSecondAsync(cancellationToken);
        _figures.Add(BenchFigures.Of("edge to membership, everything on", report, applied));
    }

    private async Task<BenchFigures> MeasureAsync(string name, Uri address, Func<long, SignedPost> make, CancellationToken cancellationToken)
    {
        var figures = BenchFigures.Of(name, await LoadAsync(name, address, make, cancellationToken));
        _figures.Add(figures);
        return figures;
    }

    private async Task<LoadReport> LoadAsync(string name, Uri address, Func<long, SignedPost> make, CancellationToken cancellationToken)
    {
        using var client = LoadSender.CreateClient(address, plan.Connections);
        var sender = new LoadSender(client, TimeProvider.System);
        return await screen.WorkAsync(string.Create(CultureInfo.InvariantCulture, $"{name}, {plan.Duration.TotalSeconds:F0} s"), async _ =>
        {
            await RunAsync(WarmUp);
            return await RunAsync(plan.Duration);
        });

        async Task<LoadReport> RunAsync(TimeSpan duration)
        {
            var report = await sender.RunAsync(make, new LoadPlan { Connections = plan.Connections, Duration = duration, First = _sent }, cancellationToken);
            _sent += report.Accepted + report.Refused + plan.Connections;
            return report;
        }
    }

    // What edge would forward, without edge.
    private SignedPost Internal(long n, string token)
    {
        var collected = _traffic.Event(n);
        var post = new CollectorSigner("unused", TimeProvider.System).Sign(collected, SigningScheme.V2);
        return new SignedPost("/v2/events", post.Body,
        [
            new("X-Mesh-Token", token),
            new("X-Mesh-Tenant", "bench"),
            new("X-Mesh-Source", "bench"),
            new("X-Mesh-Event-Id", collected.EventId.ToString()),
        ]);
    }
}
