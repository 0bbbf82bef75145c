using System.Diagnostics;
using System.Text.Json;
using Npgsql;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Faults;

/// <summary>Asks every consumer for its own audit, and the sidecars' topics whether anything is left in them.</summary>
internal sealed class FaultAudit(FaultBooks books)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    // Of a mesh that heals nothing may be left in these; "applied" is what remains.
    private static readonly string[] MustBeEmpty = ["dead", "discarded", "retired", "pending", "never_logged", "torn"];

    // How often in a row nothing may have moved: a service's own events come a moment after what caused them.
    private const int QuietLooks = 4;

    /// <summary>Waits until every audit balances, every topic is drained, and nothing moves any more.</summary>
    /// <returns>What is still open when the patience ends; empty when nothing is.</returns>
    public async Task<IReadOnlyList<string>> SettleAsync(IReadOnlyList<PlannedService> services, TimeSpan patience, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var quiet = 0;
        var lastHeads = "";
        IReadOnlyList<string> open = [];
        while (clock.Elapsed < patience)
        {
            (open, var heads) = await LookAsync(services, cancellationToken);
            quiet = open.Count == 0 && heads == lastHeads ? quiet + 1 : 0;
            if (quiet == QuietLooks)
                return [];
            lastHeads = heads;
            await Task.Delay(Pause, cancellationToken);
        }
        return open.Count > 0 ? open : ["the log still grows after the load has ended"];
    }

    private async Task<(IReadOnlyList<string> Open, string Heads)> LookAsync(IReadOnlyList<PlannedService> services, CancellationToken cancellationToken)
    {
        List<string> open = [];
        var heads = "";
        try
        {
            using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(15) };
            var consumers = await books.ConsumersAsync(cancellationToken);
            foreach (var service in services.Where(s => consumers.Contains(s.App.AppId)))
            {
                using var audit = JsonDocument.Parse(await client.GetStringAsync(new Uri(service.HttpAddress, "/audit"), cancellationToken));
                foreach (var log in audit.RootElement.GetProperty("logs").EnumerateArray())
                {
                    heads += $"{log.GetProperty("log")}:{log.GetProperty("head")} ";
                    open.AddRange(OpenSets(service.Name, log));
                }
            }
            if (await books.UnsettledAsync(cancellationToken) is > 0 and var left)
                open.Add($"{left} messages or leases are left in the sidecars' topics");
        }
        catch (Exception e) when (e is HttpRequestException or NpgsqlException || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            open.Add($"an audit gets no answer: {e.Message}");
        }
        return (open, heads);
    }

    private static IEnumerable<string> OpenSets(string service, JsonElement log)
    {
        foreach (var name in MustBeEmpty)
        {
            var set = log.GetProperty(name);
            if (set.GetProperty("count").GetInt64() > 0)
                yield return $"{service}, log {log.GetProperty("log")}: {set.GetProperty("count")} positions {name} ({set.GetProperty("positions")})";
        }
    }
}
