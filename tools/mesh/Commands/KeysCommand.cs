using System.CommandLine;
using System.Text.Json.Nodes;
using WhatsAppMesh.Mesh.Operating;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh keys new</c>: makes a key of the operator API.</summary>
internal static class KeysCommand
{
    private static readonly Option<string> Name = new("--name") { Description = "Name for audit trails and metrics, such as ana-2026-11.", Required = true };

    private static readonly Option<string> Tenant = new("--tenant") { Description = "The one tenant it may see, or '*' for the whole installation.", Required = true };

    private static readonly Option<string> Role = new("--role") { Description = "viewer (looks, sees no message) or operator (sees and does everything).", DefaultValueFactory = _ => "viewer" };

    private static readonly Option<DateTimeOffset?> Expires = new("--expires") { Description = "When it ends (ISO 8601 with offset). Default: never." };

    public static Command Create()
    {
        Role.AcceptOnlyFromAmong("viewer", "operator");
        var json = MeshCommands.Json();
        var make = new Command("new", "Make a key: print it once, and its hash for edge's configuration. Nothing is stored.") { Name, Tenant, Role, Expires, json };
        make.Does((parsed, _) => Task.FromResult(Make(
            parsed.GetRequiredValue(Name), parsed.GetRequiredValue(Tenant), parsed.GetValue(Role)!, parsed.GetValue(Expires), parsed.GetValue(json))));
        return new Command("keys", "Keys of the operator API.") { make };
    }

    private static int Make(string name, string tenant, string role, DateTimeOffset? expires, bool json)
    {
        if (!IsName(name) || (tenant != "*" && !IsName(tenant)))
            throw new MeshException("A name or tenant is a letter or digit, then up to 99 letters, digits, '.', '_' or '-'.", ExitCodes.Usage);
        var key = OperatorKeys.New();
        var entry = new JsonObject { ["name"] = name, ["tenant"] = tenant, ["role"] = role, ["hash"] = OperatorKeys.HashOf(key) };
        if (expires is { } end)
            entry["expires"] = end.ToString("O");
        if (json)
        {
            Console.Out.WriteLine(new JsonObject { ["key"] = key, ["entry"] = entry }.Pretty());
            return ExitCodes.Ok;
        }

        var screen = new Screen();
        screen.Line($"Key (shown only now; send it as X-API-Key or Authorization: Bearer):");
        screen.Line($"  {key}");
        screen.Heading("Into edge's senders' file (Edge:SourcesFile), where it counts within seconds:");
        screen.Line(new JsonObject { ["apiKeys"] = new JsonArray(entry) }.Pretty());
        screen.Heading("Or as environment of edge (count the number up), where it counts after a restart:");
        foreach (var (member, value) in entry)
            screen.Line($"  Edge__ApiKeys__0__{char.ToUpperInvariant(member[0])}{member[1..]}={value}");
        return ExitCodes.Ok;
    }

    private static bool IsName(string text) =>
        text.Length is > 0 and <= 100 && char.IsAsciiLetterOrDigit(text[0]) && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
