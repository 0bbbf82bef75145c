using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.PubSub;

/// <summary>Single deliveries, replayed.</summary>
public sealed class SingleDeliveryVectorTests
{
    [Fact]
    public Task Single_deliveries_are_those_of_a_real_sidecar() =>
        RecordedReplay.RunAsync("pubsub.single.json", PubSubResources.Recorded(deadLetters: true, bulk: false));
}

/// <summary>Bulk deliveries, replayed.</summary>
public sealed class BulkDeliveryVectorTests
{
    [Fact]
    public Task Bulk_deliveries_are_those_of_a_real_sidecar() =>
        RecordedReplay.RunAsync("pubsub.bulk.json", PubSubResources.Recorded(deadLetters: true, bulk: true));
}

/// <summary>Deliveries that have no dead-letter topic to go to, replayed.</summary>
public sealed class NoDeadLetterTopicVectorTests
{
    [Fact]
    public Task Deliveries_without_a_dead_letter_topic_are_those_of_a_real_sidecar() =>
        RecordedReplay.RunAsync("pubsub.no-dead-letter-topic.json", PubSubResources.Recorded(deadLetters: false, bulk: false));
}

/// <summary>Bulk publications, replayed.</summary>
public sealed class BulkPublishVectorTests
{
    [Fact]
    public Task Bulk_publishing_is_that_of_a_real_sidecar() =>
        RecordedReplay.RunAsync("publish.bulk.json", [PubSubResources.Component(), PubSubResources.Subscription("pb", "/e")]);
}

/// <summary>Replays what was recorded of a real sidecar: same status, same error, same deliveries with the same bytes, at about the same times.</summary>
internal static class RecordedReplay
{
    /// <summary>Longer than the wait before a retry: one too many would come within it.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(400);

    public static async Task RunAsync(string file, string[] resources)
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var app = await DeliveryApp.StartAsync();
        await using var sidecar = await RunningSidecar.StartAsync(database.ConnectionString, "caller", app.Port, resources);
        await WarmUpAsync(sidecar, app, file);
        foreach (var recorded in RecordedCases.Read(file))
            await ReplayAsync(recorded, sidecar, app);
    }

    private static async Task ReplayAsync(RecordedCase recorded, RunningSidecar sidecar, DeliveryApp app)
    {
        using var content = new ByteArrayContent(recorded.Body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(recorded.ContentType!);
        var start = TimeProvider.System.GetUtcNow();
        using var answer = await sidecar.Http.PostAsync(recorded.Path, content);
        Assert.True(recorded.Status == (int)answer.StatusCode, $"{recorded.Name}: status {(int)answer.StatusCode}, recorded {recorded.Status}");
        if (recorded.ErrorCode is not null)
            Assert.Equal(recorded.ErrorCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["errorCode"]!.GetValue<string>());

        var deliveries = await app.TakeAsync(recorded.Deliveries.Count);
        var more = await app.TakeForAsync(Quiet);
        Assert.True(more.Count == 0, $"{recorded.Name}: {more.Count} deliveries too many");
        if (recorded.Path.Contains("/bulk/", StringComparison.Ordinal))
            deliveries.Sort((left, right) => string.CompareOrdinal(left.Body, right.Body));
        foreach (var (expected, delivery) in recorded.Deliveries.Zip(deliveries))
            Compare(recorded.Name, expected, delivery, delivery.At - start);
    }

    private static void Compare(string name, RecordedDelivery recorded, Delivery delivery, TimeSpan after)
    {
        Assert.True(recorded.Path == delivery.Path, $"{name}: path {delivery.Path}, recorded {recorded.Path}");
        // A busy machine is late, but nothing may come early.
        Assert.InRange(after.TotalMilliseconds, recorded.AfterMs - 60, recorded.AfterMs + 5000);
        if (recorded.Body is not null)
            RecordedCases.AssertMatches(recorded.Body, delivery.Body);
        if (recorded.Headers is null)
            return;

        var headers = RecordedCases.Compared(delivery.Headers);
        Assert.Equal(recorded.Headers.Keys.Order(), headers.Keys);
        foreach (var (header, value) in recorded.Headers)
            RecordedCases.AssertMatches(value, headers[header]);
    }

    /// <summary>The first delivery of a process pays for its start.</summary>
    private static async Task WarmUpAsync(RunningSidecar sidecar, DeliveryApp app, string file)
    {
        var topic = file.StartsWith("publish", StringComparison.Ordinal) ? "pb" : "events";
        using var content = new StringContent("{}", MediaTypeHeaderValue.Parse("application/json"));
        using var answer = await sidecar.Http.PostAsync($"/v1.0/publish/pubsub/{topic}", content);
        await app.TakeAsync(1);
    }
}
