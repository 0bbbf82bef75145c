using System.CommandLine;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;
using WhatsAppMesh.Mesh.Transfer;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh export</c>: the lake's events as lines of JSON.</summary>
internal static class ExportCommand
{
    private static readonly Option<string[]> Types = new("--type") { Description = "Only events of this type; may be given several times." };

    private static readonly Option<string?> Chat = new("--chat") { Description = "Only events of this chat (JID)." };

    private static readonly Option<DateTimeOffset?> From = new("--from") { Description = "Only what occurred at this time or later (ISO 8601)." };

    private static readonly Option<DateTimeOffset?> To = new("--to") { Description = "Only what occurred before this time (ISO 8601)." };

    private static readonly Option<bool> Full = new("--full") { Description = "Of a tenant whose people readers do not see: all of it, to move it to another mesh." };

    private static readonly Option<FileInfo?> Out = new("--out", "-o") { Description = "File to write; it appears when the export is whole. Default: standard output." };

    public static Command Create(MeshContext context)
    {
        var (url, key, tenant) = (OperatorApi.Url(), OperatorApi.Key(), OperatorApi.Tenant());
        var command = new Command("export", "Write the lake's events, one JSON object per line, in the order of the log.") { Types, Chat, From, To, Full, Out, tenant, url, key };
        command.Does(async (parsed, cancellationToken) =>
        {
            using var api = OperatorApi.Connect(context, parsed.GetValue(url), parsed.GetValue(key));
            var query = EventExport.QueryOf(parsed.GetValue(Types) ?? [], parsed.GetValue(Chat), parsed.GetValue(From), parsed.GetValue(To),
                OperatorApi.TenantOr(parsed.GetValue(url), parsed.GetValue(key), parsed.GetValue(tenant)), parsed.GetValue(Full));
            return await RunAsync(api, query, parsed.GetValue(Out), cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(HttpClient api, string query, FileInfo? file, CancellationToken cancellationToken)
    {
        var screen = new Screen(json: true);
        var export = new EventExport(api, new Progress("exported").Show);
        long events;
        if (file is null)
        {
            await using var output = Console.OpenStandardOutput();
            events = await export.RunAsync(query, output, cancellationToken);
        }
        else
        {
            // A file with its own name is a whole one.
            var part = file.FullName + ".part";
            await using (var output = File.Create(part))
                events = await export.RunAsync(query, output, cancellationToken);
            File.Move(part, file.FullName, overwrite: true);
        }
        screen.Line($"{events} events exported{(file is null ? "" : $" to {file}")}.");
        return ExitCodes.Ok;
    }
}
