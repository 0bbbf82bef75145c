using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.PubSub;

/// <summary>Processes that end: what was acknowledged to a publisher is delivered all the same.</summary>
public sealed class KillTests
{
    private static readonly string[] Resources = [PubSubResources.Component(), PubSubResources.Subscription("a", "/a", extra: PubSubResources.Bulk(20, 20))];

    [Fact]
    public async Task What_a_killed_sidecar_had_in_flight_is_delivered_again_and_nothing_is_lost()
    {
        await using var database = await TestDatabase.CreateAsync();
        var hang = true;
        var stuck = new TaskCompletionSource<IResult>();
        await using var app = await DeliveryApp.StartAsync(delivery => hang ? stuck.Task : DeliveryApp.AnswerAsAskedAsync(delivery));
        await using var killed = await SidecarProcess.StartAsync(database.ConnectionString, "app", app.Port, Resources);
        await PubSubClient.PublishNumbersAsync(killed.Http, "a", 0, 100);
        await app.TakeAsync(1);
        await killed.KillAsync();
        hang = false;
        stuck.SetResult(Results.Ok());

        await using var next = await SidecarProcess.StartAsync(database.ConnectionString, "app", app.Port, Resources);
        await AllArriveAsync(app, 100);
    }

    [Fact]
    public async Task A_sidecar_killed_under_load_loses_nothing_it_acknowledged()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var app = await DeliveryApp.StartAsync();
        await using var publisher = await RunningSidecar.StartAsync(database.ConnectionString, "publisher", resources: [PubSubResources.Component()]);
        var publishing = Task.Run(async () =>
        {
            for (var i = 0; i < 60; i++)
                await PubSubClient.PublishNumbersAsync(publisher.Http, "a", i * 20, 20);
        });

        var seen = new HashSet<string>();
        for (var kill = 0; kill < 3; kill++)
        {
            await using var sidecar = await SidecarProcess.StartAsync(database.ConnectionString, "app", app.Port, Resources);
            seen.UnionWith((await app.TakeAsync(3)).SelectMany(PubSubClient.Ids));
            await sidecar.KillAsync();
        }

        await using var last = await SidecarProcess.StartAsync(database.ConnectionString, "app", app.Port, Resources);
        await publishing;
        await AllArriveAsync(app, 1200, seen);
    }

    [Fact]
    public async Task A_publisher_killed_after_its_answer_has_lost_nothing()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using (var publisher = await SidecarProcess.StartAsync(database.ConnectionString, "publisher", null, [PubSubResources.Component()]))
        {
            await PubSubClient.PublishNumbersAsync(publisher.Http, "a", 0, 50);
            await publisher.KillAsync();
        }

        await using var app = await DeliveryApp.StartAsync();
        await using var reader = await RunningSidecar.StartAsync(database.ConnectionString, "app", app.Port, Resources);
        await AllArriveAsync(app, 50);
    }

    [Fact]
    public async Task A_sidecar_that_is_stopped_hands_over_at_once_and_only_what_is_open()
    {
        await using var database = await TestDatabase.CreateAsync();
        var never = new TaskCompletionSource<IResult>();
        await using var slow = await DeliveryApp.StartAsync(delivery => PubSubClient.Ids(delivery).Contains("e0") ? never.Task : DeliveryApp.AnswerAsAskedAsync(delivery));
        await using var stopped = await SidecarProcess.StartAsync(database.ConnectionString, "app", slow.Port, [PubSubResources.Component(), PubSubResources.Subscription("a", "/a")]);
        await PubSubClient.PublishNumbersAsync(stopped.Http, "a", 0, 10);
        await slow.TakeAsync(10);

        await using var app = await DeliveryApp.StartAsync();
        await using var next = await RunningSidecar.StartAsync(database.ConnectionString, "app", app.Port, [PubSubResources.Component(), PubSubResources.Subscription("a", "/a")]);
        Assert.Equal(0, await stopped.StopAsync());
        Assert.Equal(["e0"], (await app.TakeAsync(1)).SelectMany(PubSubClient.Ids));
        Assert.Empty(await app.TakeForAsync(TimeSpan.FromMilliseconds(200)));
        never.SetResult(Results.Ok());
    }

    [Fact]
    public async Task A_subscription_to_a_component_that_is_not_loaded_ends_the_sidecar_with_a_sentence()
    {
        await using var database = await TestDatabase.CreateAsync();
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => SidecarProcess.StartAsync(
            database.ConnectionString, "app", null, [PubSubResources.Subscription("a", "/a")]));
        Assert.Contains("ended with 1", failure.Message, StringComparison.Ordinal);
        Assert.Contains("names the pub/sub component pubsub, which is not loaded", failure.Message, StringComparison.Ordinal);
    }

    private static async Task AllArriveAsync(DeliveryApp app, int count, HashSet<string>? seen = null)
    {
        seen ??= [];
        while (seen.Count < count)
            seen.UnionWith((await app.TakeAsync(1)).SelectMany(PubSubClient.Ids));
        Assert.Equal(Enumerable.Range(0, count).Select(n => $"e{n}").Order(), seen.Order());
    }
}
