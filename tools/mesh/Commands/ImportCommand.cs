using System.CommandLine;
using System.Text.Json;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;
using WhatsAppMesh.Mesh.Transfer;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh import</c>: puts an export into the lake.</summary>
internal static class ImportCommand
{
    private const int ShownRefusals = 20;

    private static readonly Argument<string> Source = new("FILE") { Description = "File that './mesh export' wrote; - reads standard input." };

    public static Command Create(MeshContext context)
    {
        var (url, key, tenant, json) = (OperatorApi.Url(), OperatorApi.Key(), OperatorApi.Tenant(), MeshCommands.Json());
        var command = new Command(
            "import",
            "Put exported events into the lake, as history: they keep their ids and times, and start nothing. What is there already is left as it is, so an import may be run again.")
        {
            Source, tenant, url, key, json,
        };
        command.Does(async (parsed, cancellationToken) =>
        {
            using var api = OperatorApi.Connect(context, parsed.GetValue(url), parsed.GetValue(key));
            await using var lines = Open(parsed.GetRequiredValue(Source));
            var progress = new Progress("read");
            var import = new EventImport(api, OperatorApi.TenantOr(parsed.GetValue(url), parsed.GetValue(key), parsed.GetValue(tenant)), TimeProvider.System, sum => progress.Show(sum.Read));
            return Show(await import.RunAsync(lines, cancellationToken), parsed.GetValue(json));
        });
        return command;
    }

    private static Stream Open(string source)
    {
        if (source == "-")
            return Console.OpenStandardInput();
        return File.Exists(source) ? File.OpenRead(source) : throw new MeshException($"There is no file {source}.", ExitCodes.Usage);
    }

    private static int Show(ImportAnswer sum, bool json)
    {
        if (json)
            Console.Out.WriteLine(JsonSerializer.Serialize(sum, MeshJson.Default.ImportAnswer));
        var screen = new Screen(json);
        foreach (var refusal in sum.Refusals.Take(ShownRefusals))
            screen.Line($"line {refusal.Line}: {refusal.Field} {refusal.Reason}");
        if (sum.Refused > ShownRefusals)
            screen.Line($"and {sum.Refused - ShownRefusals} lines more.");
        screen.Line($"{sum.Read} read: {sum.Appended} appended, {sum.Duplicates} duplicates, {sum.Refused} refused.");
        return sum.Refused == 0 ? ExitCodes.Ok : ExitCodes.Failed;
    }
}
