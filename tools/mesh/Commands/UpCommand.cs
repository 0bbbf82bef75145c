using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh up</c>: starts the mesh and stays until Ctrl-C.</summary>
internal static class UpCommand
{
    private const int RestartsPerMinute = 5;

    private static readonly TimeSpan PostgresRetry = TimeSpan.FromSeconds(10);

    private static readonly Option<bool> Fresh = new("--fresh") { Description = "Begin with empty databases." };

    private static readonly Option<bool> NoApiToken = new("--no-api-token")
    {
        Description = "Sidecars ask callers for no token, so that the Dapr CLI (which cannot send one) may publish and invoke.",
    };

    private static readonly Option<string?> AccessControl = AccessControlOption.Create();

    private static readonly Option<string[]> Replicas = new("--replicas")
    {
        Description = "Processes of a service, as SERVICE=N; may be given several times.",
        HelpName = "SERVICE=N",
    };

    public static Command Create(MeshContext context)
    {
        var json = MeshCommands.Json();
        var command = new Command("up", "Start every service of dapr.yaml beside its sidecar, and stay up until Ctrl-C or './mesh down'.")
        {
            Fresh, NoApiToken, AccessControl, Replicas, json,
        };
        command.Does((parsed, cancellationToken) => RunAsync(context, parsed, parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(MeshContext context, ParseResult parsed, bool json, CancellationToken cancellationToken)
    {
        var screen = new Screen(json);
        var options = (context.Options(context.Folder) with
        {
            ApiToken = !parsed.GetValue(NoApiToken),
            Replicas = (parsed.GetValue(Replicas) ?? []).Select(ReadReplicas).ToDictionary(r => r.App, r => r.Count),
        }).With(parsed, AccessControl, screen);
        MeshInstance.RefuseSecond(context.Folder);
        await MeshLeftovers.StopPostgresAsync(context.Folder, screen.Line, cancellationToken);
        if (parsed.GetValue(Fresh))
            context.Folder.RemoveData();
        var mesh = await screen.WorkAsync("starting the mesh", say => context.StartAsync(options, say, cancellationToken));
        try
        {
            Announce(mesh, screen, json);
            return await WatchAsync(mesh, screen, cancellationToken);
        }
        finally
        {
            screen.Line("stopping the mesh");
            await mesh.DisposeAsync();
        }
    }

    private static (string App, int Count) ReadReplicas(string text) =>
        text.Split('=') is [var app, var number] && int.TryParse(number, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= 16
            ? (app, count)
            : throw new MeshException($"--replicas takes SERVICE=N with N from 1 to 16, not '{text}'.", ExitCodes.Usage);

    private static void Announce(MeshInstance mesh, Screen screen, bool json)
    {
        var curl = SignedCurl(mesh);
        if (json)
        {
            var state = MeshState.Load(mesh.Folder)!;
            Console.Out.WriteLine(JsonSerializer.Serialize(new UpAnswer(state.Services, state.PostgresPort, curl), MeshJson.Default.UpAnswer));
            return;
        }
        screen.Heading("The mesh is up.");
        screen.Table(["service", "HTTP", "sidecar", "log"], [.. mesh.Services.Select(s => new[]
        {
            s.Name, s.HttpAddress.ToString(), s.DaprHttpAddress.ToString(), mesh.Folder.LogOf(s.Name),
        })]);
        if (mesh.Databases.Cluster is { } cluster)
            screen.Line($"PostgreSQL listens at 127.0.0.1:{cluster.Port}; its data is in {cluster.DataDirectory}");
        screen.Heading("Post a signed event:");
        screen.Line(curl);
        screen.Line();
        screen.Line("'./mesh status', './mesh logs SERVICE', './mesh smoke', './mesh dlq list', './mesh audit' work from another terminal. Ctrl-C ends the mesh.");
    }

    private static string SignedCurl(MeshInstance mesh)
    {
        var now = TimeProvider.System.GetUtcNow();
        var sender = new GroupMember("999000000000003@lid", "12025550103@s.whatsapp.net");
        var message = MessageEvents.Text("120363000000000001@g.us", sender, "3EB0" + now.ToUnixTimeMilliseconds().ToString("X16", CultureInfo.InvariantCulture), now, "Bia Exemplo", "Oi!");
        var post = new CollectorSigner(mesh.Secrets.CollectorSecret, TimeProvider.System).Sign(message, SigningScheme.V2);
        var text = new StringBuilder($"curl -sSi {mesh.Service("edge").HttpAddress}{post.Path[1..]} -H 'Content-Type: application/json'");
        foreach (var (name, value) in post.Headers)
            text.Append(CultureInfo.InvariantCulture, $" -H '{name}: {value}'");
        return text.Append(CultureInfo.InvariantCulture, $" -d '{Encoding.UTF8.GetString(post.Body)}'").ToString();
    }

    /// <summary>A process that ends by accident is started again, unless it keeps ending. So is PostgreSQL, as often as it takes.</summary>
    private static async Task<int> WatchAsync(MeshInstance mesh, Screen screen, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var postgres = WatchPostgresAsync(mesh.Databases, screen, stop.Token);
        try
        {
            await WatchProcessesAsync(mesh, screen, cancellationToken);
        }
        finally
        {
            await stop.CancelAsync();
            await postgres;
        }
        return ExitCodes.Ok;
    }

    private static async Task WatchProcessesAsync(MeshInstance mesh, Screen screen, CancellationToken cancellationToken)
    {
        var restarts = new List<(string Name, DateTimeOffset At)>();
        while (await NextEndedAsync(mesh, cancellationToken) is { } ended)
        {
            var now = TimeProvider.System.GetUtcNow();
            restarts.RemoveAll(r => now - r.At > TimeSpan.FromMinutes(1));
            restarts.Add((ended.Name, now));
            var times = restarts.Count(r => r.Name == ended.Name);
            screen.Line(MeshInstance.EndedSentence(ended));
            if (times > RestartsPerMinute)
                throw new MeshException($"{ended.Name} ended {times} times within a minute; the mesh gives up. Its log: {ended.Log}", ExitCodes.Failed);
            mesh.StartAgain(ended);
            screen.Line($"{ended.Name} was started again");
        }
    }

    /// <summary>Services wait for a database that is away, so there is no reason to give up before it can start again (a full disk, say).</summary>
    private static async Task WatchPostgresAsync(MeshDatabases databases, Screen screen, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await databases.WaitForServerExitAsync(cancellationToken);
                screen.Line($"PostgreSQL has ended. Its log: {databases.Cluster!.LogFile}");
                while (await StartPostgresAsync(databases, cancellationToken) is { } reason)
                {
                    screen.Line(string.Create(CultureInfo.InvariantCulture, $"{reason} Trying again every {PostgresRetry.TotalSeconds} s."));
                    await Task.Delay(PostgresRetry, cancellationToken);
                }
                screen.Line("PostgreSQL was started again");
            }
        }
        catch (OperationCanceledException)
        {
            // The mesh ends.
        }
    }

    private static async Task<string?> StartPostgresAsync(MeshDatabases databases, CancellationToken cancellationToken)
    {
        try
        {
            await databases.StartServerAgainAsync(cancellationToken);
            return null;
        }
        catch (MeshException e)
        {
            return e.Message;
        }
    }

    private static async Task<MeshProcess?> NextEndedAsync(MeshInstance mesh, CancellationToken cancellationToken)
    {
        try
        {
            var exits = mesh.Processes.Select(async process =>
            {
                await process.WaitForExitAsync(cancellationToken);
                return process;
            });
            return await await Task.WhenAny(exits);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}

/// <summary>What <c>./mesh up --json</c> prints once everything is ready.</summary>
internal sealed record UpAnswer(IReadOnlyList<ServiceEntry> Services, int? PostgresPort, string Curl);
