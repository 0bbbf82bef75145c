using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.DevSidecar.PubSub.Log;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.PubSub;

/// <summary>Consumer groups: who gets what, how much at a time, and how long it is kept.</summary>
public sealed class GroupTests
{
    private static readonly string[] Bulk = [PubSubResources.Component(), PubSubResources.Subscription("a", "/a", extra: PubSubResources.Bulk(50, 20))];

    [Fact]
    public async Task Sidecars_of_one_app_share_its_messages_and_another_app_has_them_all()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var one = await DeliveryApp.StartAsync();
        await using var two = await DeliveryApp.StartAsync();
        await using var other = await DeliveryApp.StartAsync();
        await using var first = await RunningSidecar.StartAsync(database.ConnectionString, "app", one.Port, Bulk);
        await using var second = await RunningSidecar.StartAsync(database.ConnectionString, "app", two.Port, Bulk);
        await using var third = await RunningSidecar.StartAsync(database.ConnectionString, "other", other.Port, Bulk);

        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => PubSubClient.PublishNumbersAsync(i % 2 == 0 ? first.Http : third.Http, "a", i * 50, 50)));
        var shared = new List<string>();
        while (shared.Count < 2000)
        {
            shared.AddRange((await one.TakeForAsync(TimeSpan.FromMilliseconds(50))).SelectMany(PubSubClient.Ids));
            shared.AddRange((await two.TakeForAsync(TimeSpan.FromMilliseconds(50))).SelectMany(PubSubClient.Ids));
        }

        Assert.Equal(Numbers(2000), shared.Order());
        Assert.Equal(Numbers(2000), (await TakeIdsAsync(other, 2000)).Order());
    }

    [Fact]
    public async Task A_bulk_delivery_holds_at_most_what_the_subscription_says()
    {
        await using var run = await PubSubRun.StartAsync(Bulk);
        await PubSubClient.PublishNumbersAsync(run.Sidecar.Http, "a", 0, 175);
        var sizes = new List<int>();
        while (sizes.Sum() < 175)
            sizes.Add(PubSubClient.Ids((await run.App.TakeAsync(1))[0]).Count());
        Assert.All(sizes, size => Assert.InRange(size, 1, 50));
    }

    [Fact]
    public async Task Only_the_entries_that_were_not_taken_are_delivered_again()
    {
        await using var run = await PubSubRun.StartAsync([.. Bulk, PubSubResources.Inbound("policy: constant, duration: 20ms, maxRetries: 1")]);
        var entries = Enumerable.Range(0, 10).Select(n => new JsonObject
        {
            ["entryId"] = $"{n}",
            ["event"] = n == 7 ? new JsonObject { ["reply"] = new JsonObject { ["status"] = "RETRY" } } : new JsonObject(),
            ["contentType"] = "application/json",
            ["metadata"] = new JsonObject { ["cloudevent.id"] = $"e{n}" },
        });
        using var answer = await run.Sidecar.PostAsync("/v1.0/publish/bulk/pubsub/a", new JsonArray([.. entries]).ToJsonString());

        var deliveries = await run.App.TakeAsync(2);
        Assert.Equal(10, PubSubClient.Ids(deliveries[0]).Count());
        Assert.Equal(["e7"], PubSubClient.Ids(deliveries[1]));
    }

    [Fact]
    public async Task A_batch_the_app_never_answers_does_not_stop_the_topic()
    {
        var never = new TaskCompletionSource<IResult>();
        await using var run = await PubSubRun.StartAsync(Bulk, delivery => PubSubClient.Ids(delivery).Contains("e0") ? never.Task : DeliveryApp.AnswerAsAskedAsync(delivery));
        await PubSubClient.PublishNumbersAsync(run.Sidecar.Http, "a", 0, 1);
        await run.App.TakeAsync(1);

        await PubSubClient.PublishNumbersAsync(run.Sidecar.Http, "a", 1, 500);
        Assert.Equal(500, (await TakeIdsAsync(run.App, 500)).Count);
        await Eventually.TrueAsync(async () => await run.LeasesAsync() == 1, "only the stuck batch is in flight");
        never.SetResult(Results.Ok());
    }

    [Fact]
    public async Task A_group_that_is_new_gets_what_was_published_before_it_existed()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var publisher = await RunningSidecar.StartAsync(database.ConnectionString, "publisher", resources: [PubSubResources.Component()]);
        await PubSubClient.PublishNumbersAsync(publisher.Http, "a", 0, 20);

        await using var app = await DeliveryApp.StartAsync();
        await using var late = await RunningSidecar.StartAsync(database.ConnectionString, "late", app.Port, Bulk);
        Assert.Equal(Numbers(20), (await TakeIdsAsync(app, 20)).Order());
    }

    [Fact]
    public async Task Nothing_is_delivered_before_the_app_listens_and_all_of_it_after()
    {
        await using var database = await TestDatabase.CreateAsync();
        int port;
        await using (var reserved = await DeliveryApp.StartAsync())
            port = reserved.Port;
        await using var sidecar = await RunningSidecar.StartAsync(database.ConnectionString, "app", port, Bulk);
        await PubSubClient.PublishNumbersAsync(sidecar.Http, "a", 0, 5);

        await using var app = await DeliveryApp.StartAsync(port: port);
        Assert.Equal(Numbers(5), (await TakeIdsAsync(app, 5)).Order());
    }

    [Fact]
    public async Task The_apps_own_subscription_replaces_the_declared_one()
    {
        await using var run = await PubSubRun.StartAsync(
            [PubSubResources.Component(), PubSubResources.Subscription("a", "/declared"), PubSubResources.Subscription("b", "/declared")],
            subscriptions: """
                [{"pubsubname":"pubsub","topic":"a","routes":{"rules":[{"match":"event.type == 'x'","path":"/x"}],"default":"/own"}},
                 {"pubsubname":"pubsub","topic":"c","route":"own"},{"pubsubname":"pubsub","topic":"ignored"}]
                """);
        foreach (var topic in new[] { "a", "b", "c" })
            await run.Sidecar.PublishAsync(topic, "{}");
        await run.Sidecar.PublishAsync("a", "{}", "?metadata.cloudevent.type=x");
        Assert.Equal(["/declared", "/own", "/own", "/x"], (await run.App.TakeAsync(4)).Select(delivery => delivery.Path).Order());
    }

    [Fact]
    public async Task Settled_messages_are_deleted_after_a_while_and_open_ones_never()
    {
        await using var database = await TestDatabase.CreateAsync();
        var never = new TaskCompletionSource<IResult>();
        await using var app = await DeliveryApp.StartAsync(delivery => PubSubClient.Ids(delivery).Contains("e5") ? never.Task : DeliveryApp.AnswerAsAskedAsync(delivery));
        await using var sidecar = await RunningSidecar.StartAsync(
            database.ConnectionString, "app", app.Port, [PubSubResources.Component(), PubSubResources.Subscription("a", "/a")],
            changeSettings: settings => settings with { Retention = TimeSpan.Zero });
        await PubSubClient.PublishNumbersAsync(sidecar.Http, "a", 0, 5);
        await app.TakeAsync(5);
        await PubSubClient.PublishNumbersAsync(sidecar.Http, "a", 5, 5);
        await app.TakeAsync(5);
        await PubSubClient.PublishNumbersAsync(sidecar.Http, "unread", 0, 3);

        // Only what the stuck message and those after it do not hold back goes.
        var retention = sidecar.Services.GetServices<IHostedService>().OfType<TopicRetention>().Single();
        await Eventually.TrueAsync(async () => await LeftAsync() == 8, "the settled messages are deleted");
        Assert.Equal(8, await LeftAsync());

        never.SetResult(Results.Ok());
        await Eventually.TrueAsync(async () => await LeftAsync() == 3, "the rest is deleted once it is settled");

        // The sidecar deletes by itself too, so what is left is counted, not what was deleted.
        async Task<long> LeftAsync()
        {
            await retention.DeleteOnceAsync(CancellationToken.None);
            return await PubSubRun.CountAsync(database, "select count(*) from sidecar.messages");
        }
    }

    [Fact]
    public async Task Publishers_at_the_same_time_never_hide_a_message_from_a_cursor()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var app = await DeliveryApp.StartAsync();
        await using var one = await RunningSidecar.StartAsync(database.ConnectionString, "one", resources: [PubSubResources.Component()]);
        await using var two = await RunningSidecar.StartAsync(database.ConnectionString, "two", resources: [PubSubResources.Component()]);
        await using var reader = await RunningSidecar.StartAsync(database.ConnectionString, "reader", app.Port, Bulk);

        var sent = new ConcurrentBag<int>();
        await Task.WhenAll(Enumerable.Range(0, 200).Select(async i =>
        {
            await PubSubClient.PublishNumbersAsync((i % 2 == 0 ? one : two).Http, "a", i * 3, 3);
            sent.Add(i);
        }));
        Assert.Equal(200, sent.Count);
        Assert.Equal(Numbers(600), (await TakeIdsAsync(app, 600)).Order());
    }

    private static IEnumerable<string> Numbers(int count) => Enumerable.Range(0, count).Select(n => $"e{n}").Order();

    private static async Task<List<string>> TakeIdsAsync(DeliveryApp app, int count)
    {
        var ids = new List<string>();
        while (ids.Count < count)
            ids.AddRange(PubSubClient.Ids((await app.TakeAsync(1))[0]));
        return ids;
    }
}
