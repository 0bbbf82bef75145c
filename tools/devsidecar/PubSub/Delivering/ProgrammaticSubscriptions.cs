using System.Net;
using System.Text.Json;
using WhatsAppMesh.DevSidecar.App;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Resiliency;

namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>Asks the app for its subscriptions, once: <c>GET /dapr/subscribe</c>.</summary>
internal sealed partial class ProgrammaticSubscriptions(AppChannel app, TimeProvider time, ILogger<ProgrammaticSubscriptions> logger)
{
    private static readonly RetryPolicy Retries = new() { Exponential = true, MaxInterval = TimeSpan.FromSeconds(1), MaxRetries = 3 };

    /// <summary>Asks.</summary>
    /// <returns>The app's subscriptions; none when it has none or does not answer properly after some tries.</returns>
    /// <exception cref="StartFailure">A subscription asks for what this sidecar does not support.</exception>
    public async Task<IReadOnlyList<Subscription>> AskAsync(CancellationToken cancellationToken)
    {
        var result = await new Policy(Retries, null, null, time).RunAsync(AskOnceAsync, cancellationToken);
        if (result.Failure is { } failure)
            Log.NotAnswered(logger, failure.Exception, failure.Reason);
        return result.Value ?? [];
    }

    private async Task<Attempt<IReadOnlyList<Subscription>?>> AskOnceAsync(CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(app.Address!, "/dapr/subscribe"));
        using var response = await app.SendAsync(request, cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            if (response.StatusCode != HttpStatusCode.NotFound)
                Log.NoList(logger, (int)response.StatusCode);
            return new([], null);
        }

        var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        return new(body.Length == 0 ? [] : Read(body), null);
    }

    internal static IReadOnlyList<Subscription> Read(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Null ? [] : [.. document.RootElement.EnumerateArray().Select(ReadOne).OfType<Subscription>()];
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new StartFailure($"The app's answer to GET /dapr/subscribe is not a list of subscriptions: {exception.Message}", exception);
        }
    }

    /// <summary>One subscription; null when it has no route at all, which the real sidecar drops as well.</summary>
    private static Subscription? ReadOne(JsonElement element)
    {
        var rules = ReadRules(element);
        if (rules.Count == 0)
            return null;

        var bulk = Find(element, "bulkSubscribe");
        var enabled = bulk is { } settings && Find(settings, "enabled") is { ValueKind: JsonValueKind.True };
        return new Subscription
        {
            PubSubName = Text(element, "pubsubname") ?? "",
            Topic = Text(element, "topic") ?? "",
            Rules = rules,
            DeadLetterTopic = Text(element, "deadLetterTopic") is { Length: > 0 } topic ? topic : null,
            Bulk = enabled
                ? RouteRules.WithDefaults(new BulkSubscribe(Number(bulk!.Value, "maxMessagesCount"), TimeSpan.FromMilliseconds(Number(bulk.Value, "maxAwaitDurationMs"))))
                : null,
            Metadata = Find(element, "metadata") is { ValueKind: JsonValueKind.Object } metadata
                ? metadata.EnumerateObject().ToDictionary(property => property.Name, property => property.Value.ToString())
                : new Dictionary<string, string>(),
            Source = SubscriptionSource.Programmatic,
        };
    }

    private static List<RouteRule> ReadRules(JsonElement element)
    {
        var rules = new List<RouteRule>();
        if (Find(element, "routes") is { ValueKind: JsonValueKind.Object } routes)
        {
            if (Find(routes, "rules") is { ValueKind: JsonValueKind.Array } list)
                rules.AddRange(list.EnumerateArray().Select(rule => RouteRules.Parse(Text(rule, "match") ?? "", Text(rule, "path") ?? "", "GET /dapr/subscribe")));
            if (Text(routes, "default") is { Length: > 0 } path)
                rules.Add(RouteRules.Always(path));
        }

        if (rules.Count == 0 && Text(element, "route") is { Length: > 0 } route)
            rules.Add(RouteRules.Always(route));
        return rules;
    }

    private static string? Text(JsonElement element, string name) => Find(element, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    private static int Number(JsonElement element, string name) =>
        Find(element, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var number) ? number : 0;

    /// <summary>Go matches field names without case.</summary>
    private static JsonElement? Find(JsonElement element, string name)
    {
        foreach (var property in element.EnumerateObject())
        {
            if (property.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                return property.Value;
        }

        return null;
    }

    private static partial class Log
    {
        [LoggerMessage(9356, LogLevel.Warning, "The app answered GET /dapr/subscribe with {Status}, which counts as no subscriptions")]
        public static partial void NoList(ILogger logger, int status);

        [LoggerMessage(9355, LogLevel.Error, "The app did not say what it subscribes to, and is not asked again before the sidecar restarts: {Reason}")]
        public static partial void NotAnswered(ILogger logger, Exception? exception, string reason);
    }
}
