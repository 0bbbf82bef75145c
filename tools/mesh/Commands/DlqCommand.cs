using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using WhatsAppMesh.Mesh.Operating;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh dlq</c>: look at dead letters, replay them, give them up.</summary>
internal static class DlqCommand
{
    private static readonly Argument<string> Id = new("ID") { Description = "Id of a dead letter, as 'dlq list' shows it." };

    private static readonly Argument<string> JobId = new("JOB") { Description = "Id of a replay job, as 'dlq replay' prints it." };

    public static Command Create(MeshContext context) => new("dlq", "Dead letters: events that a consumer could not handle.")
    {
        DlqList.Create(context),
        Show(context),
        DlqReplay.Create(context),
        DlqDiscard.Create(context),
        new Command("jobs", "Replay jobs.")
        {
            Job(context, "show", "Show a job and its progress.", HttpMethod.Get, ""),
            Job(context, "pause", "Stop a running job for now; it keeps its progress.", HttpMethod.Post, "/pause"),
            Job(context, "resume", "Let a paused job go on.", HttpMethod.Post, "/resume"),
            Job(context, "cancel", "End a job; what it has replayed stays replayed.", HttpMethod.Delete, ""),
        },
    };

    /// <summary>What a job has done so far, in one line.</summary>
    public static string Progress(JsonNode job) =>
        $"Job {job.Text("job_id")} at {job.Text("service")} is {job.Text("state")}: {job.Text("replayed")} of {job.Text("matched")} replayed, {job.Text("failed")} failed again.";

    private static Command Show(MeshContext context)
    {
        var (options, json) = (new OperatorOptions(), MeshCommands.Json());
        var command = new Command("show", "Show one dead letter, why it died, and (with an operator's key) the event.") { Id, json };
        options.AddTo(command);
        command.Does(async (parsed, cancellationToken) =>
        {
            using var api = options.Connect(context, parsed);
            var detail = await api.AskAsync(HttpMethod.Get, $"/api/dead-letters/{Escaped(parsed.GetRequiredValue(Id))}", cancellationToken: cancellationToken);
            if (parsed.GetValue(json))
                Console.Out.WriteLine(detail.Pretty());
            else
                Show(detail, new Screen());
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Show(JsonNode detail, Screen screen)
    {
        var letter = detail["dead_letter"]!.AsObject();
        screen.Table(["", ""], [.. letter.Select(static member => (IReadOnlyList<string>)[member.Key.Replace('_', ' '), member.Value?.ToString() ?? ""])]);
        if (detail["envelope"] is not { } envelope)
            return;
        screen.Heading("The event as it was delivered:");
        screen.Line(envelope.Pretty());
    }

    private static Command Job(MeshContext context, string name, string description, HttpMethod method, string action)
    {
        var (options, json) = (new OperatorOptions(), MeshCommands.Json());
        var command = new Command(name, description) { JobId, json };
        options.AddTo(command);
        command.Does(async (parsed, cancellationToken) =>
        {
            using var api = options.Connect(context, parsed);
            var job = await api.AskAsync(method, $"/api/replay-jobs/{Escaped(parsed.GetRequiredValue(JobId))}{action}", cancellationToken: cancellationToken);
            if (parsed.GetValue(json))
                Console.Out.WriteLine(job.Pretty());
            else
                new Screen().Line(Progress(job));
            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>An id as it stands in a path.</summary>
    public static string Escaped(string id) => id is "" or "." or ".."
        ? throw new MeshException($"'{id}' is no id.", ExitCodes.Usage)
        : Uri.EscapeDataString(id);

    /// <summary>A number without separators.</summary>
    public static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
