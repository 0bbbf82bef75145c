using System.CommandLine;
using System.Net;
using System.Text.Json;

namespace WhatsAppMesh.Collector;

/// <summary>
/// <c>smoke</c>: posts one signed event and finds it again, from outside and with nothing but a collector's secret. The same event posted a
/// second time is answered <c>duplicate</c> only when the lake has it; with an API key it is read back from the operator API as well.
/// </summary>
internal static class SmokeCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    public static Command Create(Option<Uri> url, Option<string?> source)
    {
        var command = new Command("smoke", "Post one signed event twice: the second answer proves that it is stored. With MESH_API_KEY set, read it back too.") { url, source };
        command.SetAction((arguments, cancellationToken) => RunAsync(arguments.GetRequiredValue(url), arguments.GetValue(source), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Uri edge, string? source, CancellationToken cancellationToken)
    {
        if (Environment.GetEnvironmentVariable(SendCommand.SecretVariable) is not { Length: > 0 } secret)
        {
            await Console.Error.WriteLineAsync($"Set {SendCommand.SecretVariable} to the secret that this collector shares with edge.");
            return 2;
        }
        var clock = TimeProvider.System;
        var post = new CollectorSigner(secret, clock, source).Sign(SmokeEvent(clock.GetUtcNow()), SigningScheme.V1);
        using var client = LoadSender.CreateClient(edge, 1);
        var stored = await AskAsync(client, post, cancellationToken) is var first && first is "accepted" or "duplicate"
            ? await SaysAsync("posted again, edge answers", await AskAsync(client, post, cancellationToken), "duplicate")
                && await ReadBackAsync(client, post.Headers.First(header => header.Key == "X-Event-Id").Value, cancellationToken)
            : await SaysAsync("edge answers", first, "accepted");
        Console.WriteLine(stored ? "The event is stored." : "The event was not found again.");
        return stored ? 0 : 1;
    }

    private static CollectorEvent SmokeEvent(DateTimeOffset now)
    {
        var stamp = now.ToUnixTimeMilliseconds();
        // A message: unlike a roster it is the same event for ever, whenever it is posted again.
        return MessageEvents.Text($"12036{stamp}@g.us", new GroupMember($"999{stamp}@lid", $"55009{stamp}@s.whatsapp.net"), $"SMOKE{stamp}", now, "smoke", "smoke") with { OccurredAt = now };
    }

    // A release that has just been installed may still be starting: what a retry may cure is tried again.
    private static async Task<string> AskAsync(HttpClient client, SignedPost post, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var status = await StatusOfAsync(client, post, cancellationToken);
            if (status is "accepted" or "duplicate" || status.StartsWith('4') || TimeProvider.System.GetElapsedTime(started) > Patience)
                return status;
            await Task.Delay(Pause, cancellationToken);
        }
    }

    private static async Task<string> StatusOfAsync(HttpClient client, SignedPost post, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await LoadSender.PostAsync(client, post, cancellationToken);
            if (answer.StatusCode != HttpStatusCode.Accepted)
                return $"{(int)answer.StatusCode}";
            using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(cancellationToken));
            return body.RootElement.GetProperty("status").GetString() ?? "nothing";
        }
        catch (HttpRequestException exception)
        {
            return exception.Message;
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return "nothing in time";
        }
    }

    private static async Task<bool> ReadBackAsync(HttpClient client, string eventId, CancellationToken cancellationToken)
    {
        if (Environment.GetEnvironmentVariable("MESH_API_KEY") is not { Length: > 0 } key)
            return true;
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/events/{eventId}") { Headers = { { "X-API-Key", key } } };
        using var answer = await client.SendAsync(request, cancellationToken);
        return await SaysAsync("read back with the API key, edge answers", $"{(int)answer.StatusCode}", "200");
    }

    private static async Task<bool> SaysAsync(string what, string answer, string wanted)
    {
        await Console.Out.WriteLineAsync(answer == wanted ? $"ok: {what} {answer}" : $"FAILED: {what} {answer}, expected {wanted}");
        return answer == wanted;
    }
}
