using Dapr;
using Grpc.Core;
using WhatsAppMesh.Dispatch.Claims;
using WhatsAppMesh.Libs.Tests.Scraping;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>A store that cannot tell what is there: the Dapr client shows its keys as absent, and absent is not free.</summary>
public sealed class UnreadableClaimTests : IAsyncLifetime
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    private readonly ManualClock _clock = new();
    private readonly SeenDependencies _seen = new();
    private FakeClaims _store = null!;

    public async Task InitializeAsync() => _store = await FakeClaims.StartAsync();

    public async Task DisposeAsync()
    {
        await _store.DisposeAsync();
        _seen.Dispose();
    }

    [Fact]
    public async Task A_key_that_cannot_be_read_is_no_answer_and_its_neighbours_have_theirs()
    {
        await TakeAsync(Worker("holder"), "held");
        _store.CannotRead("lost");

        var answers = await Worker("w").TakeAsync([new("free", 0), new("lost", 0), new("held", 0)], default);

        Assert.IsType<ClaimAnswer.Taken>(answers[0]);
        Assert.IsType<ClaimAnswer.NoAnswer>(answers[1]);
        Assert.IsType<ClaimAnswer.Busy>(answers[2]);
    }

    [Fact]
    public async Task A_store_none_of_whose_keys_can_be_read_is_an_outage()
    {
        _store.CannotRead("a", "b");

        await Assert.ThrowsAsync<DaprException>(() => Worker("w").TakeAsync([new("a", 0), new("b", 0)], default));
    }

    [Fact]
    public async Task A_held_claim_that_cannot_be_read_is_not_lost_and_nobody_elses()
    {
        var store = Worker("holder");
        var held = Assert.IsType<ClaimAnswer.Taken>(await TakeAsync(store, "key")).Claim;
        _store.CannotRead("key");

        await Assert.ThrowsAsync<DaprException>(() => store.RenewAsync(held, default));
        _clock.Advance(Lease * 2);
        var other = Worker("other");
        await Assert.ThrowsAsync<DaprException>(() => TakeAsync(other, "key"));

        // What was not seen was not watched: the lease is watched from the first sight on.
        _store.CannotRead();
        Assert.IsType<ClaimAnswer.Busy>(await TakeAsync(other, "key"));
        Assert.NotNull(await store.RenewAsync(held, default) ?? await store.RenewAsync(held, default));
    }

    [Fact]
    public async Task A_taking_over_that_cannot_be_read_back_is_no_answer()
    {
        await TakeAsync(Worker("holder"), "key");
        var other = Worker("other");
        Assert.IsType<ClaimAnswer.Busy>(await TakeAsync(other, "key"));
        _clock.Advance(Lease);
        var reads = 0;
        _store.BeforeRead = () => _store.CannotRead(++reads == 2 ? ["key"] : []);

        await Assert.ThrowsAsync<DaprException>(() => TakeAsync(other, "key"));
    }

    // The Dapr client makes a cancellation of the second, though nobody cancelled.
    [Theory]
    [InlineData(StatusCode.Internal)]
    [InlineData(StatusCode.DeadlineExceeded)]
    [InlineData(StatusCode.Unavailable)]
    public async Task A_read_that_ends_with_an_error_is_an_outage_and_no_cancellation(StatusCode status)
    {
        var store = Worker("w");
        var held = Assert.IsType<ClaimAnswer.Taken>(await TakeAsync(store, "held")).Claim;
        _store.ReadsEndWith = status;

        await Assert.ThrowsAsync<DaprException>(() => TakeAsync(store, "key"));
        await Assert.ThrowsAsync<DaprException>(() => store.RenewAsync(held, default));
    }

    private ClaimStore Worker(string name)
    {
        var options = new ClaimOptions { Lease = Lease };
        return new(_store.Client, options, new WorkerIdentity(name), new LeaseWatch(_clock), new ClaimCalls(_seen.Meters, _seen.States, options), _clock);
    }

    private static async Task<ClaimAnswer> TakeAsync(ClaimStore store, string key) => (await store.TakeAsync([new ClaimWish(key, 0)], default))[0];
}
