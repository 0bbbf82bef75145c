using System.CommandLine;
using WhatsAppMesh.GoComponents;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh component-url</c>: an Npgsql connection string, as a component of Dapr reads it.</summary>
internal static class ComponentUrlCommand
{
    private static readonly Option<FileInfo> Out = new("--out")
    {
        Description = "File for the URL; only its owner may read it. Without line end, as 'kubectl create secret --from-file' wants it.",
        Required = true,
    };

    public static Command Create()
    {
        var command = new Command(
            "component-url",
            "Read an Npgsql connection string (Host=...;Username=...) from standard input and write it as the URL that a component of Dapr reads. "
            + "Neither is shown, and neither stands in a list of processes.")
        {
            Out,
        };
        command.Does(async (parsed, cancellationToken) =>
        {
            Write(await Console.In.ReadToEndAsync(cancellationToken), parsed.GetValue(Out)!.FullName, new Screen());
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Write(string npgsql, string file, Screen screen)
    {
        GoConnectionString made;
        try
        {
            made = GoConnectionString.FromNpgsql(npgsql.Trim('\n', '\r'));
        }
        catch (FormatException e)
        {
            throw new MeshException(e.Message, ExitCodes.Usage);
        }

        MeshFolder.WritePrivately(file, made.Url);
        screen.Line($"Written to {file}.");
        if (made.Dropped.Count > 0)
            screen.Line($"Left out, because it means nothing to a component of Dapr: {string.Join(", ", made.Dropped)}.");
    }
}
