using System.CommandLine;
using System.Text.Json.Nodes;
using WhatsAppMesh.Mesh.Operating;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh audit</c>: is every logged event accounted for, by every consumer, exactly once?</summary>
internal static class AuditCommand
{
    private const int ShownRanges = 3;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private static readonly Option<bool> NoWait = new("--no-wait") { Description = "Judge at once; events on their way count as pending." };

    private static readonly Option<int> Grace = new("--grace") { Description = "Longest wait for pending events, in seconds.", DefaultValueFactory = _ => 90 };

    private static readonly (string Member, string Title)[] Sets =
    [
        ("applied", "applied"), ("dead", "dead"), ("discarded", "discarded"), ("retired", "retired"), ("pending", "pending"),
        ("never_logged", "never logged"), ("torn", "torn"),
    ];

    public static Command Create(MeshContext context)
    {
        var (options, json) = (new OperatorOptions(), MeshCommands.Json());
        var command = new Command(
            "audit",
            "Take the log's head and compare it, position by position, with what each consumer has accounted for. Exit code 0 only when it balances: "
            + "each logged position applied, dead, discarded or retired, none pending, and nothing accounted for that was never logged. Needs a key for the whole installation.")
        {
            NoWait, Grace, json,
        };
        options.AddTo(command);
        command.Does(async (parsed, cancellationToken) =>
        {
            using var api = options.Connect(context, parsed);
            var patience = parsed.GetValue(NoWait) ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Max(0, parsed.GetValue(Grace)));
            var screen = new Screen(parsed.GetValue(json));
            var audit = await screen.WorkAsync("comparing", say => SettledAsync(api, patience, say, cancellationToken));
            if (parsed.GetValue(json))
                Console.Out.WriteLine(audit.Pretty());
            else
                Show(audit, screen);
            return audit["balanced"]!.GetValue<bool>() ? ExitCodes.Ok : ExitCodes.Failed;
        });
        return command;
    }

    // One head for every look: what is logged meanwhile cannot make the audit wait for ever.
    private static async Task<JsonNode> SettledAsync(OperatorClient api, TimeSpan patience, Action<string> say, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        string? heads = null;
        while (true)
        {
            var audit = await api.AskAsync(HttpMethod.Get, "/api/audit", [("heads", heads)], forTenant: false, cancellationToken: cancellationToken);
            if (audit["balanced"]!.GetValue<bool>() || TimeProvider.System.GetElapsedTime(started) >= patience || !MayStillBalance(audit))
                return audit;
            heads = audit.Text("heads");
            say($"{Pending(audit)} events are on their way");
            await Task.Delay(Pause, cancellationToken);
        }
    }

    // Time mends what is pending and who is away, never what was invented.
    private static bool MayStillBalance(JsonNode audit) =>
        audit.List("services").SelectMany(static service => service.List("logs")).All(static log => log["is_whole"]!.GetValue<bool>());

    private static long Pending(JsonNode audit) =>
        audit.List("services").SelectMany(static service => service.List("logs")).Sum(static log => log["pending"].Number("count"));

    private static void Show(JsonNode audit, Screen screen)
    {
        foreach (var service in audit.List("services"))
        {
            screen.Heading(service.Text("service"));
            if (service.Text("problem") is { Length: > 0 } problem)
                screen.Verdict(false, problem);
            else
                ShowAccount(service, screen);
        }

        screen.Line();
        screen.Verdict(audit["balanced"]!.GetValue<bool>(), audit["balanced"]!.GetValue<bool>()
            ? $"every position up to {audit.Text("heads")} (log:position) is accounted for exactly once"
            : $"the accounts do not balance at {audit.Text("heads")} (log:position)");
    }

    private static void ShowAccount(JsonNode service, Screen screen)
    {
        var logs = service.List("logs").ToList();
        screen.Table(
            ["log", "head", .. Sets.Select(static set => set.Title)],
            [.. logs.Select(log => (IReadOnlyList<string>)[log.Text("log"), log.Text("head"), .. Sets.Select(set => log[set.Member].Text("count"))])]);
        if (service["rebuild"] is { } rebuild && !rebuild["is_complete"]!.GetValue<bool>())
            screen.Line($"  It is filling itself from the lake: {rebuild.Text("done")} of {rebuild.Text("target")} events so far.");
        foreach (var log in logs)
        {
            foreach (var (member, title) in Sets.Where(set => set.Member is "pending" or "never_logged" or "torn" && log[set.Member].Number("count") > 0))
                screen.Line($"  {title} in log {log.Text("log")}: {Ranges(log[member]!)}");
        }
    }

    private static string Ranges(JsonNode positions)
    {
        var ranges = positions.List("ranges").Select(static range => range[0]!.ToString() == range[1]!.ToString() ? range[0]!.ToString() : $"{range[0]}-{range[1]}").ToList();
        return string.Join(", ", ranges.Take(ShownRanges)) + (ranges.Count > ShownRanges ? " ..." : "");
    }
}
