using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using WhatsAppMesh.Mesh.Operating;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh dlq replay</c>: hands events to their consumer again, and says what came of it.</summary>
internal static class DlqReplay
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private static readonly Argument<string[]> Ids = new("ID") { Description = "Dead letters, as 'dlq list' shows them.", Arity = ArgumentArity.ZeroOrMore };

    private static readonly Option<string?> Service = new("--service") { Description = "The consumer: membership or dispatch. Needed unless ids are given." };

    private static readonly Option<bool> All = new("--all") { Description = "Every open dead letter of the consumer." };

    private static readonly Option<string[]> Range = new("--range") { Description = "Positions of the lake, as LOG:FROM-TO; may be given several times." };

    private static readonly Option<string?> Reason = new("--reason") { Description = "Why; kept in the audit trail. Needed unless --dry-run." };

    private static readonly Option<int> Rate = new("--rate") { Description = "Events per second. Default: the consumer's own, 50." };

    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Only count." };

    private static readonly Option<bool> AllowSends = new("--allow-sends") { Description = "dispatch only: a range may send messages again." };

    private static readonly Option<bool> NoWait = new("--no-wait") { Description = "Do not wait until the job is done." };

    public static Command Create(MeshContext context)
    {
        var (options, filter, json) = (new OperatorOptions(), new DlqFilter(), MeshCommands.Json());
        var command = new Command("replay", "Replay dead letters by id, by filter or all of them, or positions of the lake. Exit code 1 when one fails again.")
        {
            Ids, Service, All, Range, Reason, Rate, DryRun, AllowSends, NoWait, json,
        };
        filter.AddTo(command);
        options.AddTo(command);
        command.Does(async (parsed, cancellationToken) =>
        {
            using var api = options.Connect(context, parsed);
            var order = OrderOf(parsed, filter.Body(parsed));
            order["service"] ??= parsed.GetValue(Service) ?? await ServiceOfAsync(api, parsed.GetValue(Ids), cancellationToken);
            var answer = await api.AskAsync(HttpMethod.Post, "/api/dead-letters/replay", body: order, cancellationToken: cancellationToken);
            var screen = new Screen(parsed.GetValue(json));
            if (answer.Text("job_id") is { Length: > 0 } job)
                return await FollowAsync(api, job, !parsed.GetValue(NoWait), parsed.GetValue(json), screen, cancellationToken);
            screen.Line(answer.Number("matched") == 0 ? "Nothing matches." : $"{answer.Number("matched")} events match; nothing was replayed.");
            if (parsed.GetValue(json))
                Console.Out.WriteLine(answer.Pretty());
            return ExitCodes.Ok;
        });
        return command;
    }

    private static JsonObject OrderOf(ParseResult parsed, JsonObject? filter)
    {
        var order = new JsonObject { ["dry_run"] = parsed.GetValue(DryRun), ["rate"] = parsed.GetValue(Rate), ["allow_sends"] = parsed.GetValue(AllowSends) };
        if (parsed.GetValue(Reason) is { } reason)
            order["reason"] = reason;
        else if (!parsed.GetValue(DryRun))
            throw new MeshException("Say why with --reason: it is kept in the audit trail.", ExitCodes.Usage);
        if (parsed.GetValue(Ids) is { Length: > 0 } ids)
            order["ids"] = new JsonArray([.. ids.Select(static id => JsonValue.Create(id))]);
        if (parsed.GetValue(Range) is { Length: > 0 } ranges)
            order["ranges"] = new JsonArray([.. ranges.Select(ReadRange)]);
        if (filter is not null || parsed.GetValue(All))
            order["filter"] = filter ?? new JsonObject();
        return order.Count(static member => member.Key is "ids" or "ranges" or "filter") == 1
            ? order
            : throw new MeshException("Say what to replay, in one way: ids, a filter (--type, --category, --error), --all, or --range.", ExitCodes.Usage);
    }

    private static JsonObject ReadRange(string text)
    {
        if (text.Split(':') is [var log, var span] && span.Split('-') is [var from, .. var rest] && rest.Length <= 1
            && Number(log) is { } number && Number(from) is { } first && Number(rest.Length == 1 ? rest[0] : from) is { } last)
        {
            return new JsonObject { ["log"] = number, ["from"] = first, ["to"] = last };
        }

        throw new MeshException($"--range takes LOG:FROM-TO, such as 1:500-620, not '{text}'.", ExitCodes.Usage);
    }

    private static long? Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    // Only one consumer knows a dead letter's id.
    private static async Task<string> ServiceOfAsync(OperatorClient api, string[]? ids, CancellationToken cancellationToken)
    {
        if (ids is not [var id, ..])
            throw new MeshException("Say whose dead letters with --service membership or --service dispatch.", ExitCodes.Usage);
        var found = await api.AskAsync(HttpMethod.Get, $"/api/dead-letters/{DlqCommand.Escaped(id)}", cancellationToken: cancellationToken);
        return found["dead_letter"].Text("service");
    }

    private static async Task<int> FollowAsync(OperatorClient api, string id, bool wait, bool json, Screen screen, CancellationToken cancellationToken)
    {
        var job = await screen.WorkAsync("replaying", async say =>
        {
            while (true)
            {
                var now = await api.AskAsync(HttpMethod.Get, $"/api/replay-jobs/{DlqCommand.Escaped(id)}", cancellationToken: cancellationToken);
                if (!wait || now.Text("state") != "running")
                    return now;
                say($"{now.Text("replayed")} of {now.Text("matched")}");
                await Task.Delay(Pause, cancellationToken);
            }
        });
        if (json)
            Console.Out.WriteLine(job.Pretty());
        screen.Line(DlqCommand.Progress(job));
        return job.Number("failed") == 0 ? ExitCodes.Ok : ExitCodes.Failed;
    }
}

/// <summary><c>./mesh dlq discard</c>: gives dead letters up.</summary>
internal static class DlqDiscard
{
    private static readonly Argument<string[]> Ids = new("ID") { Description = "Dead letters, as 'dlq list' shows them.", Arity = ArgumentArity.OneOrMore };

    private static readonly Option<string> Reason = new("--reason") { Description = "Why; kept in the audit trail.", Required = true };

    public static Command Create(MeshContext context)
    {
        var (options, json) = (new OperatorOptions(), MeshCommands.Json());
        var command = new Command("discard", "Give dead letters up: their events count as discarded and are not handled any more.") { Ids, Reason, json };
        options.AddTo(command);
        command.Does(async (parsed, cancellationToken) =>
        {
            using var api = options.Connect(context, parsed);
            var ids = parsed.GetRequiredValue(Ids);
            var found = await api.AskAsync(HttpMethod.Get, $"/api/dead-letters/{DlqCommand.Escaped(ids[0])}", cancellationToken: cancellationToken);
            var order = new JsonObject
            {
                ["service"] = found["dead_letter"].Text("service"),
                ["ids"] = new JsonArray([.. ids.Select(static id => JsonValue.Create(id))]),
                ["reason"] = parsed.GetRequiredValue(Reason),
            };
            var answer = await api.AskAsync(HttpMethod.Post, "/api/dead-letters/discard", body: order, cancellationToken: cancellationToken);
            if (parsed.GetValue(json))
                Console.Out.WriteLine(answer.Pretty());
            else
                new Screen().Line($"{answer.Text("discarded")} of {ids.Length} discarded.");
            return ExitCodes.Ok;
        });
        return command;
    }
}
