using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace WhatsAppMesh.DevSidecar.Tests.PubSub;

/// <summary>A delivery as the app saw it.</summary>
internal sealed record Delivery(string Path, IReadOnlyDictionary<string, string> Headers, string Body, DateTimeOffset At)
{
    public JsonNode Json => JsonNode.Parse(Body)!;
}

/// <summary>An app that takes every POST as a delivery and answers as the event's data asks it to.</summary>
internal sealed class DeliveryApp : IAsyncDisposable
{
    private readonly Running.TestApp _app;
    private readonly Channel<Delivery> _deliveries;

    private DeliveryApp(Running.TestApp app, Channel<Delivery> deliveries)
    {
        _app = app;
        _deliveries = deliveries;
    }

    public int Port => _app.Port;

    public Running.TestApp Http => _app;

    public ChannelReader<Delivery> Deliveries => _deliveries.Reader;

    /// <summary>Starts the app.</summary>
    /// <param name="answer">Answers a delivery; null = as <see cref="AnswerAsAskedAsync"/>.</param>
    /// <param name="port">0 = any free one.</param>
    /// <param name="subscriptions">Answer to GET /dapr/subscribe; null = 404.</param>
    public static async Task<DeliveryApp> StartAsync(Func<Delivery, Task<IResult>>? answer = null, int port = 0, string? subscriptions = null)
    {
        var deliveries = Channel.CreateUnbounded<Delivery>();
        var app = await Running.TestApp.StartAsync(
            web =>
            {
                if (subscriptions is not null)
                    web.MapGet("/dapr/subscribe", () => Results.Text(subscriptions, "application/json"));
                web.MapPost("/{**path}", async (HttpContext context) =>
                {
                    var body = await new StreamReader(context.Request.Body, Encoding.UTF8).ReadToEndAsync();
                    var headers = context.Request.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value.ToString());
                    var delivery = new Delivery(context.Request.Path, headers, body, TimeProvider.System.GetUtcNow());
                    deliveries.Writer.TryWrite(delivery);
                    return await (answer ?? AnswerAsAskedAsync)(delivery);
                });
            },
            port: port);
        return new DeliveryApp(app, deliveries);
    }

    /// <summary>The next deliveries, as many as asked for.</summary>
    public async Task<List<Delivery>> TakeAsync(int count, double seconds = 20)
    {
        var taken = new List<Delivery>();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        while (taken.Count < count)
            taken.Add(await _deliveries.Reader.ReadAsync(deadline.Token));
        return taken;
    }

    /// <summary>What comes within a while.</summary>
    public async Task<List<Delivery>> TakeForAsync(TimeSpan time)
    {
        var taken = new List<Delivery>();
        using var deadline = new CancellationTokenSource(time);
        try
        {
            await foreach (var delivery in _deliveries.Reader.ReadAllAsync(deadline.Token))
                taken.Add(delivery);
        }
        catch (OperationCanceledException)
        {
            return taken;
        }

        return taken;
    }

    /// <summary>Answers data.reply: {code, body} of a single event, {status} of each entry of a bulk ("(absent)" = entry left out); else success.</summary>
    public static Task<IResult> AnswerAsAskedAsync(Delivery delivery)
    {
        if (delivery.Path == "/dead")
            return Task.FromResult(Results.Ok());

        if (delivery.Json["entries"] is JsonArray entries)
        {
            var statuses = entries
                .Select(entry => (Id: entry!["entryId"]!.GetValue<string>(), Status: Reply(entry["event"])?["status"]?.GetValue<string>() ?? "SUCCESS"))
                .Where(entry => entry.Status != "(absent)")
                .Select(entry => new { entryId = entry.Id, status = entry.Status });
            return Task.FromResult(Results.Json(new { statuses }));
        }

        var reply = Reply(delivery.Json);
        var status = reply?["code"]?.GetValue<int>() ?? 200;
        return Task.FromResult(reply?["body"]?.GetValue<string>() is { } text ? Results.Text(text, statusCode: status) : Results.StatusCode(status));
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static JsonNode? Reply(JsonNode? envelope) => envelope?["data"] is JsonObject data ? data["reply"] : null;
}
