using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.DevSidecar.PubSub.Log;
using WhatsAppMesh.DevSidecar.Tests.Running;

namespace WhatsAppMesh.DevSidecar.Tests.PubSub;

/// <summary>Rows of leases that nobody delivers: they must not hold up what they stand for, nor what comes after.</summary>
public sealed class LostLeaseTests
{
    private const string Insert = """
        with lost as (
            insert into sidecar.leases (topic, consumer, first, last, owner, until)
            select id, 'app', 2, 3, $1, now() + interval '1 s' from sidecar.topics where name = 'a' returning 1)
        select count(*) from lost
        """;

    private static readonly string[] Resources = [PubSubResources.Component(), PubSubResources.Subscription("a", "/a", extra: PubSubResources.Bulk(50, 20))];

    [Fact]
    public async Task Row_of_this_process_that_it_does_not_know_of_runs_out_and_is_delivered()
    {
        var never = new TaskCompletionSource<IResult>();
        await using var run = await PubSubRun.StartAsync(Resources, delivery => PubSubClient.Ids(delivery).Contains("e0") ? never.Task : DeliveryApp.AnswerAsAskedAsync(delivery));

        // A lease that stays open keeps renewals going.
        await PubSubClient.PublishNumbersAsync(run.Sidecar.Http, "a", 0, 1);
        await run.App.TakeAsync(1);
        await PubSubClient.PublishNumbersAsync(run.Sidecar.Http, "a", 1, 2);
        Assert.Equal(["e1", "e2"], await TakeIdsAsync(run.App, 2));
        await Eventually.TrueAsync(async () => await run.LeasesAsync() == 1, "only the stuck message is in flight");

        Assert.Equal(1, await run.CountAsync(Insert, run.Sidecar.Services.GetRequiredService<LeaseBook>().Owner));
        Assert.Equal(["e1", "e2"], await TakeIdsAsync(run.App, 2));
        await Eventually.TrueAsync(async () => await run.LeasesAsync() == 1, "the lost row is gone");
        never.SetResult(Results.Ok());
    }

    [Fact]
    public async Task Row_whose_messages_are_gone_goes_too()
    {
        await using var run = await PubSubRun.StartAsync(Resources);
        await PubSubClient.PublishNumbersAsync(run.Sidecar.Http, "a", 0, 1);
        await run.App.TakeAsync(1);
        await Eventually.TrueAsync(async () => await run.LeasesAsync() == 0, "nothing is in flight");

        Assert.Equal(1, await run.CountAsync(Insert, Guid.NewGuid()));
        await Eventually.TrueAsync(async () => await run.LeasesAsync() == 0, "the row without messages is gone");
    }

    [Fact]
    public async Task Claim_steps_over_ids_whose_messages_are_gone()
    {
        await using var run = await PubSubRun.StartAsync(Resources);
        await PubSubClient.PublishNumbersAsync(run.Sidecar.Http, "a", 0, 1);
        await run.App.TakeAsync(1);
        await run.CountAsync("with gap as (update sidecar.topics set last = last + 2500 where name = 'a' returning 1) select count(*) from gap");

        await PubSubClient.PublishNumbersAsync(run.Sidecar.Http, "a", 1, 1);
        Assert.Equal(["e1"], await TakeIdsAsync(run.App, 1));
        await Eventually.TrueAsync(async () => await run.LeasesAsync() == 0, "no row is left for the gap");
    }

    private static async Task<List<string>> TakeIdsAsync(DeliveryApp app, int count)
    {
        var ids = new List<string>();
        while (ids.Count < count)
            ids.AddRange((await app.TakeAsync(1)).SelectMany(PubSubClient.Ids));
        return [.. ids.Order()];
    }
}
