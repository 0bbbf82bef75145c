using System.CommandLine;
using WhatsAppMesh.Mesh.Charts;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh chart-docs</c>: writes the chart's README.md anew.</summary>
internal static class ChartDocsCommand
{
    public static Command Create(MeshContext context)
    {
        var command = new Command("chart-docs", "Write the README of the Helm chart anew: a table of every value, made of values.yaml.");
        command.Does(async (_, cancellationToken) =>
        {
            var folder = ChartReadme.FolderIn(context.Repository);
            var page = ChartReadme.Write(await File.ReadAllTextAsync(Path.Combine(folder, "values.yaml"), cancellationToken));
            var file = Path.Combine(folder, "README.md");
            await File.WriteAllTextAsync(file, page, cancellationToken);
            new Screen().Line($"Wrote {file}.");
            return ExitCodes.Ok;
        });
        return command;
    }
}
