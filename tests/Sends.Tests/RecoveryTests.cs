using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.Dispatch.Claims;
using WhatsAppMesh.Dispatch.Sending;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>Jobs and claims that something went wrong with: between claim and start, before the end was written, or with the worker itself.</summary>
public sealed class RecoveryTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);

    // Longer than any test: nothing is cured by a claim that lapses.
    private static readonly (string, string) LongLease = ("Dispatch:Claims:Lease", "00:10:00");

    [Fact]
    public async Task What_a_dead_worker_left_is_not_sent_past_what_holds_its_instance_back()
    {
        await using var world = await SendWorld.StartAsync();
        world.Broker.Instances.Set("instance-0", "disconnected");
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings(
            ("Dispatch:Claims:Lease", "00:00:06"), ("Dispatch:Claims:Timeout", "00:00:03"), ("Dispatch:Sending:CallTimeout", "00:00:04")));
        // Once it is known to be offline, a slow answer changes nothing.
        var status = dispatch.Services.GetRequiredService<InstanceStatus>();
        await Eventually.TrueAsync(async () => !(await status.GetAsync("instance-0", default)).Connected, "the instance is known to be offline", Patience);
        var job = (await world.AddJobsAsync(1, dueAgo: TimeSpan.FromHours(-1)))[0];
        await world.ExecuteAsync("update jobs set status = 'processing', fence = 1, attempts = 1, updated_at = now() - interval '1 h'");

        await world.UntilAsync(job, "pending");

        Assert.Empty(world.Broker.Sends.All);
        Assert.Equal("the worker was gone", await world.ScalarAsync<string>("select last_error from jobs where id = $1", job));
        world.Broker.Instances.Set("instance-0", "connected");
        await world.UntilAsync(job, "sent");
        Assert.Equal(1, world.Broker.Sends.Count().Sent);
    }

    [Fact]
    public async Task Claims_are_free_again_when_what_follows_on_them_fails()
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings(LongLease, ("Dispatch:Sending:Poll", "false")));
        var job = (await world.AddJobsAsync(1))[0];
        await world.ExecuteAsync("alter table attempts rename to hidden");
        var due = new DueJob(job, await world.ScalarAsync<string>("select send_key from jobs where id = $1", job), 0, "instance-0", TimeSpan.Zero);
        var processor = dispatch.Services.GetRequiredService<JobProcessor>();

        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => processor.ProcessAsync([due], default));

        await world.ExecuteAsync("alter table hidden rename to attempts");
        await Eventually.TrueAsync(async () => (await processor.ProcessAsync([due], default)).Running.Count == 1, "the claim is free", Patience);
        await world.UntilAsync(job, "sent");
        Assert.Equal(1, world.Broker.Sends.Count().Sent);
    }

    [Fact]
    public async Task A_send_that_worked_is_known_to_have_worked_though_its_row_could_not_be_written()
    {
        await using var world = await SendWorld.StartAsync(remembersKeys: false);
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings(LongLease, ("Dispatch:Sending:Idempotency", "none")));
        await world.ExecuteAsync("""
            create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
            create trigger refuse before update on jobs for each row when (new.status = 'sent') execute function refuse()
            """);
        var job = (await world.AddJobsAsync(1))[0];
        var key = await world.ScalarAsync<string>("select send_key from jobs where id = $1", job);

        using var dapr = world.ClientOf(world.Sidecar);
        await Eventually.TrueAsync(
            async () => await dapr.GetStateAsync<Claim?>("claims", key) is { State: ClaimState.Sent }, "the claim says that it was sent", Patience);

        Assert.Equal("processing", await world.ScalarAsync<string>("select status from jobs where id = $1", job));
        await world.ExecuteAsync("drop trigger refuse on jobs");
        await world.UntilAsync(job, "sent");
        Assert.Equal((1, 0), (world.Broker.Sends.Count().Sent, world.Broker.Sends.Count().Doubled));
    }
}
