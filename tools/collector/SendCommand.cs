using System.CommandLine;
using System.Globalization;

namespace WhatsAppMesh.Collector;

/// <summary>The collector as a program: sends synthetic traffic to a door and says what was answered.</summary>
internal static class SendCommand
{
    /// <summary>Environment variable with the secret: an argument would be seen by everybody on the machine.</summary>
    public const string SecretVariable = "WHATSAPP_WEBHOOK_SECRET";

    private static readonly Option<Uri> Url = new("--url")
    {
        Description = "Base address of edge.",
        DefaultValueFactory = _ => new Uri("http://127.0.0.1:8080"),
        CustomParser = ParseAddress,
    };

    private static readonly Option<string?> Source = new("--collector") { Description = "Name of the source; none means the default source." };

    private static readonly Option<SigningScheme> Scheme = new("--scheme")
    {
        Description = "How to sign.",
        DefaultValueFactory = _ => SigningScheme.V2,
    };

    private static readonly Option<long> Count = new("--count") { Description = "Events to send.", DefaultValueFactory = _ => 100 };

    private static readonly Option<double?> Rate = new("--rate") { Description = "Events per second; none means as fast as possible." };

    private static readonly Option<int> Connections = new("--connections")
    {
        Description = "Requests in flight.",
        DefaultValueFactory = _ => 16,
    };

    private static readonly Option<int> Seed = new("--seed")
    {
        Description = "Seed of the traffic: the same seed sends the same events.",
        DefaultValueFactory = _ => 1,
    };

    public static RootCommand Create()
    {
        var command = new RootCommand(
            "Sends synthetic collector traffic. The secret comes from the environment variable WHATSAPP_WEBHOOK_SECRET, never from an argument.")
        {
            Url, Source, Scheme, Count, Rate, Connections, Seed,
        };
        command.SetAction(SendAsync);
        command.Subcommands.Add(SmokeCommand.Create(Url, Source));
        return command;
    }

    private static Uri? ParseAddress(System.CommandLine.Parsing.ArgumentResult given)
    {
        if (Uri.TryCreate(given.Tokens[0].Value, UriKind.Absolute, out var address) && (address.Scheme is "http" or "https"))
            return address;
        given.AddError($"'{given.Tokens[0].Value}' is no http or https address.");
        return null;
    }

    private static async Task<int> SendAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        if (Environment.GetEnvironmentVariable(SecretVariable) is not { Length: > 0 } secret)
        {
            await Console.Error.WriteLineAsync("Set WHATSAPP_WEBHOOK_SECRET to the secret that this collector shares with edge.");
            return 2;
        }
        var clock = TimeProvider.System;
        var connections = arguments.GetRequiredValue(Connections);
        using var client = LoadSender.CreateClient(arguments.GetRequiredValue(Url), connections);
        var signer = new CollectorSigner(secret, clock, arguments.GetValue(Source));
        var traffic = new TrafficGenerator(arguments.GetRequiredValue(Seed), new TrafficShape(), clock.GetUtcNow());
        var scheme = arguments.GetRequiredValue(Scheme);
        var plan = new LoadPlan { Connections = connections, Count = arguments.GetRequiredValue(Count), Rate = arguments.GetValue(Rate) };
        var report = await new LoadSender(client, clock).RunAsync(
            n => signer.Sign(traffic.Event(n) is var e && e.OccurredAt is null ? e with { OccurredAt = clock.GetUtcNow() } : e, scheme),
            plan,
            cancellationToken);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{report.Accepted} accepted, {report.Refused} refused, {report.Rate:F0}/s, p50 {report.Percentile(0.5).TotalMilliseconds:F1} ms, p99 {report.Percentile(0.99).TotalMilliseconds:F1} ms"));
        foreach (var (status, times) in report.Statuses.OrderBy(s => s.Key))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {status}: {times}"));
        return report.Refused == 0 ? 0 : 1;
    }
}
