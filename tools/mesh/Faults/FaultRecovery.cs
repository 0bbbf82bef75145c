using System.Diagnostics;
using Npgsql;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Faults;

/// <summary>Tells when a mesh works again: everything says that it is ready, and an event posted now is applied everywhere.</summary>
/// <param name="books">Where events are looked for; the probes are entered too.</param>
/// <param name="signer">Signs the probes.</param>
/// <param name="traffic">Gives the probes; nobody else may post events of it.</param>
/// <param name="supervise">Starts again what has ended by itself, as whoever runs a mesh does all the time.</param>
internal sealed class FaultRecovery(FaultBooks books, CollectorSigner signer, TrafficGenerator traffic, Func<Task> supervise)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private long _probes;

    /// <summary>Waits for it.</summary>
    /// <param name="services">The services that are meant to run.</param>
    /// <param name="patience">Longest wait.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The time it took; or, after <paramref name="patience"/>, what is missing.</returns>
    public async Task<(TimeSpan? Took, string Missing)> WaitAsync(IReadOnlyList<PlannedService> services, TimeSpan patience, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var missing = "";
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var probes = new List<(PlannedService Edge, CollectorEvent Event)>(services.Where(s => s.App.AppId == "edge").Select(s => (s, traffic.Event(_probes++))));
        var waiting = probes.ToList();
        while (clock.Elapsed < patience)
        {
            await supervise();
            missing = await MissingAsync(services, client, waiting, probes, cancellationToken);
            if (missing.Length == 0)
                return (clock.Elapsed, "");
            await Task.Delay(Pause, cancellationToken);
        }
        return (null, missing);
    }

    private async Task<string> MissingAsync(
        IReadOnlyList<PlannedService> services,
        HttpClient client,
        List<(PlannedService Edge, CollectorEvent Event)> waiting,
        List<(PlannedService Edge, CollectorEvent Event)> probes,
        CancellationToken cancellationToken)
    {
        foreach (var probe in waiting.ToList())
        {
            if (!await PostAsync(client, probe.Edge, probe.Event, cancellationToken))
                return $"{probe.Edge.Name} does not accept events";
            waiting.Remove(probe);
        }
        foreach (var (edge, collected) in probes)
        {
            if (!await IsAppliedAsync(collected, cancellationToken))
                return $"an event posted to {edge.Name} is not applied";
        }
        foreach (var service in services)
        {
            var report = await Readiness.AskAsync(service.HttpAddress, service.DaprHttpAddress, cancellationToken);
            if (!report.IsReady)
                return report.App is null ? $"{service.SidecarName} {report.Sidecar}" : $"{service.Name} {report.App}";
        }
        return "";
    }

    private async Task<bool> PostAsync(HttpClient client, PlannedService edge, CollectorEvent collected, CancellationToken cancellationToken)
    {
        books.Post(collected);
        var post = signer.Sign(collected, SigningScheme.V2);
        try
        {
            using var answer = await LoadSender.PostAsync(client, post with { Path = new Uri(edge.HttpAddress, post.Path).ToString() }, cancellationToken);
            if (!answer.IsSuccessStatusCode)
                return false;
            books.Accept(collected.EventId);
            return true;
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }

    private async Task<bool> IsAppliedAsync(CollectorEvent collected, CancellationToken cancellationToken)
    {
        try
        {
            return await books.IsAppliedAsync(collected.EventId, cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            return false;
        }
    }
}
