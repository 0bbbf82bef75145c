using System.CommandLine;
using System.Text.Json.Nodes;
using WhatsAppMesh.Mesh.Operating;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary>Which dead letters: options that commands share.</summary>
internal sealed class DlqFilter
{
    private readonly Option<string[]> _types = new("--type") { Description = "Only this event type; may be given several times." };
    private readonly Option<string?> _category = new("--category") { Description = "Only poison (can never succeed as it is) or transient (retries used up)." };
    private readonly Option<string?> _error = new("--error") { Description = "Only this exception type." };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_types);
        command.Add(_category);
        command.Add(_error);
    }

    /// <summary>As a query.</summary>
    public IEnumerable<(string Name, string? Value)> Query(ParseResult parsed) =>
        [.. (parsed.GetValue(_types) ?? []).Select(static type => ("type", (string?)type)), ("category", parsed.GetValue(_category)), ("error", parsed.GetValue(_error))];

    /// <summary>As JSON; null when nothing restricts.</summary>
    public JsonObject? Body(ParseResult parsed)
    {
        var body = new JsonObject();
        if (parsed.GetValue(_types) is { Length: > 0 } types)
            body["types"] = new JsonArray([.. types.Select(static type => JsonValue.Create(type))]);
        if (parsed.GetValue(_category) is { } category)
            body["category"] = category;
        if (parsed.GetValue(_error) is { } error)
            body["error"] = error;
        return body.Count == 0 ? null : body;
    }
}

/// <summary><c>./mesh dlq list</c>.</summary>
internal static class DlqList
{
    private const int MaxPage = 500;

    private static readonly string[] Services = ["membership", "dispatch"];

    private static readonly Option<string?> Service = new("--service") { Description = "Only this consumer's. Default: membership and dispatch." };

    private static readonly Option<string?> State = new("--state") { Description = "open (default), replayed, failed_again or discarded." };

    private static readonly Option<int> Limit = new("--limit") { Description = $"Most to list of each consumer, up to {MaxPage}.", DefaultValueFactory = _ => 50 };

    public static Command Create(MeshContext context)
    {
        var (options, filter, json) = (new OperatorOptions(), new DlqFilter(), MeshCommands.Json());
        var command = new Command("list", "List dead letters, newest first, and what they died of.") { Service, State, Limit, json };
        filter.AddTo(command);
        options.AddTo(command);
        command.Does(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(Limit) is < 1 or > MaxPage)
                throw new MeshException($"--limit is from 1 to {MaxPage}.", ExitCodes.Usage);
            using var api = options.Connect(context, parsed);
            var all = new JsonObject();
            foreach (var service in parsed.GetValue(Service) is { } one ? [one] : Services)
            {
                all[service] = await api.AskAsync(
                    HttpMethod.Get,
                    "/api/dead-letters",
                    [("service", service), ("state", parsed.GetValue(State)), ("page_size", DlqCommand.Text(parsed.GetValue(Limit))), .. filter.Query(parsed)],
                    cancellationToken: cancellationToken);
            }

            if (parsed.GetValue(json))
                Console.Out.WriteLine(all.Pretty());
            else
                Show(all, new Screen());
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Show(JsonObject all, Screen screen)
    {
        foreach (var (service, page) in all)
        {
            var letters = page.List("dead_letters").ToList();
            screen.Heading(letters.Count == 0 ? $"{service}: none" : service);
            if (letters.Count == 0)
                continue;
            screen.Table(["count", "category", "error", "step", "event type"], [.. page.List("causes").Select(static cause => (IReadOnlyList<string>)
                [cause.Text("count"), cause.Text("category"), cause.Text("error"), cause.Text("step"), cause.Text("type")])]);
            screen.Line();
            screen.Table(["id", "died at", "event type", "position", "state", "why"], [.. letters.Select(static letter => (IReadOnlyList<string>)
                [letter.Text("id"), letter.Text("dead_at"), letter.Text("type"), $"{letter.Text("log")}:{letter.Text("position")}", letter.Text("state"), letter.Text("message")])]);
            if (page.Text("next_page_token").Length > 0)
                screen.Line("  There are more: narrow the filter, or raise --limit.");
        }
    }
}
