using Dapr;
using Dapr.Client;
using Grpc.Core;
using WhatsAppMesh.Dispatch.Claims;
using WhatsAppMesh.Libs.Tests.Scraping;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>Claims over a real sidecar, in the semantics of both kinds of state stores.</summary>
public abstract class ClaimTests(string stateType, string? token) : IAsyncLifetime
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    private readonly ManualClock _clock = new();
    private readonly SeenDependencies _seen = new();
    private SendWorld _world = null!;
    private DaprClient _dapr = null!;

    public async Task InitializeAsync()
    {
        _world = await SendWorld.StartAsync(stateType, token: token);
        _dapr = _world.ClientOf(_world.Sidecar);
    }

    public async Task DisposeAsync()
    {
        _dapr.Dispose();
        await _world.DisposeAsync();
        _seen.Dispose();
    }

    [Fact]
    public async Task Of_many_who_want_a_claim_one_gets_it()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => TakeAsync(Worker($"w{i}"), "race")));

        Assert.Single(answers.OfType<ClaimAnswer.Taken>());
        Assert.Equal(15, answers.OfType<ClaimAnswer.Busy>().Count());
        Assert.Empty(_seen.Logs.OfDependencies);
        Assert.DoesNotContain(_seen.Counted, static one => one.Contains("result=failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Batches_that_overlap_share_no_claim()
    {
        var wishes = Enumerable.Range(0, 50).Select(static i => new ClaimWish($"job-{i}", 0)).ToList();
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Worker($"w{i}").TakeAsync([.. wishes.Skip(10 * i).Take(30)], default)));

        var taken = answers.SelectMany(static a => a).OfType<ClaimAnswer.Taken>().Select(static t => t.Claim.Key).ToList();
        Assert.Equal(50, taken.Count);
        Assert.Equal(50, taken.Distinct().Count());
    }

    [Fact]
    public async Task Refused_create_is_an_error_and_no_conflict_and_settled_by_reading_back()
    {
        var first = await TakenAsync(Worker("first"), "key");

        var refused = await Assert.ThrowsAsync<DaprException>(() => _dapr.SaveStateAsync(
            "claims", "key", new Claim("me", 9, _clock.GetUtcNow(), 60), new StateOptions { Concurrency = ConcurrencyMode.FirstWrite }));

        Assert.Equal(StatusCode.Internal, Assert.IsType<RpcException>(refused.InnerException).StatusCode);
        Assert.IsType<ClaimAnswer.Busy>(await TakeAsync(Worker("second"), "key"));
        Assert.NotNull(await Worker("first").RenewAsync(first, default));
    }

    [Fact]
    public async Task Create_whose_answer_was_lost_is_ours_all_the_same()
    {
        using var lossy = new LossyDapr(_world.Sidecar);
        var store = Worker("w", lossy.Client);
        lossy.LoseAnswersOf("SaveState");

        var claim = await TakenAsync(store, "key");

        Assert.Equal(1, claim.Fence);
        Assert.IsType<ClaimAnswer.Busy>(await TakeAsync(Worker("other"), "key"));
        Assert.True(lossy.Lost > 0);
    }

    [Fact]
    public async Task Claim_is_taken_over_only_after_a_whole_lease_of_ones_own_watching()
    {
        var holder = await TakenAsync(Worker("holder"), "key");
        _clock.Advance(Lease * 3);
        // Whoever comes late has seen nothing yet, however old the claim is.
        var other = Worker("other");
        Assert.IsType<ClaimAnswer.Busy>(await TakeAsync(other, "key"));
        _clock.Advance(Lease - TimeSpan.FromSeconds(1));
        Assert.IsType<ClaimAnswer.Busy>(await TakeAsync(other, "key"));
        _clock.Advance(TimeSpan.FromSeconds(1));

        var taken = await TakenAsync(other, "key");

        Assert.Equal(holder.Fence + 1, taken.Fence);
        Assert.Null(await Worker("holder").RenewAsync(holder, default));
        await Worker("holder").SettleAsync([(holder, ClaimState.Sent, "late")], default);
        Assert.NotNull(await other.RenewAsync(taken, default));
    }

    [Fact]
    public async Task Renewed_claim_is_not_taken_over()
    {
        var store = Worker("holder");
        var holder = await TakenAsync(store, "key");
        var other = Worker("other");
        await TakeAsync(other, "key");
        _clock.Advance(Lease - TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.FromSeconds(1), store.Left(holder));

        var renewed = await store.RenewAsync(holder, default);

        Assert.Equal(Lease, store.Left(renewed!));
        Assert.NotEqual(holder.ETag, renewed!.ETag);
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.IsType<ClaimAnswer.Busy>(await TakeAsync(other, "key"));
        _clock.Advance(TimeSpan.FromSeconds(59));
        Assert.IsType<ClaimAnswer.Busy>(await TakeAsync(other, "key"));
    }

    [Fact]
    public async Task Of_many_who_take_over_one_gets_it()
    {
        await TakenAsync(Worker("holder"), "key");
        var others = Enumerable.Range(0, 8).Select(i => Worker($"w{i}")).ToList();
        await Task.WhenAll(others.Select(other => TakeAsync(other, "key")));
        _clock.Advance(Lease);

        var answers = await Task.WhenAll(others.Select(other => TakeAsync(other, "key")));

        Assert.Equal(2, Assert.Single(answers.OfType<ClaimAnswer.Taken>()).Claim.Fence);
    }

    [Fact]
    public async Task Released_claim_is_free_at_once_and_its_fence_grows()
    {
        var store = Worker("a");
        await store.SettleAsync([(await TakenAsync(store, "key"), ClaimState.Released, null)], default);

        Assert.Equal(2, (await TakenAsync(Worker("b"), "key")).Fence);
    }

    [Fact]
    public async Task Sent_is_kept_and_refused_until_it_expires()
    {
        var store = Worker("a", retention: TimeSpan.FromSeconds(62));
        await store.SettleAsync([(await TakenAsync(store, "key"), ClaimState.Sent, "3EB0")], default);

        Assert.Equal(new ClaimAnswer.AlreadySent("3EB0", 1), await TakeAsync(Worker("b"), "key"));
        _clock.Advance(Lease * 10);
        Assert.IsType<ClaimAnswer.AlreadySent>(await TakeAsync(Worker("b"), "key"));
        await using var sidecar = Npgsql.NpgsqlDataSource.Create(_world.SidecarConnectionString);
        await using var ttl = sidecar.CreateCommand("select extract(epoch from expires_at - now())::int from sidecar.state where key like '%key'");
        Assert.InRange((int)(await ttl.ExecuteScalarAsync())!, 1, 62);
    }

    [Fact]
    public async Task Fence_grows_even_when_the_store_was_emptied()
    {
        Assert.Equal(42, ((ClaimAnswer.Taken)(await Worker("a").TakeAsync([new ClaimWish("key", 41)], default))[0]).Claim.Fence);
    }

    [Fact]
    public async Task Outage_is_no_answer_and_no_claim()
    {
        var store = Worker("a");
        var held = await TakenAsync(store, "held");
        await _world.Sidecar.KillAsync();

        await Assert.ThrowsAsync<DaprException>(() => TakeAsync(store, "key"));
        await Assert.ThrowsAsync<DaprException>(() => store.RenewAsync(held, default));
        Assert.False(await store.SettleAsync([(held, ClaimState.Sent, null)], default));
        Assert.Equal("Claims cannot be written or read in the state store 'claims', so due jobs wait (unavailable).", _seen.States.Degraded["claims"]);
        Assert.Single(_seen.Logs.OfDependencies);

        var again = await _world.AddSidecarAsync();
        using var dapr = _world.ClientOf(again);
        Assert.IsType<ClaimAnswer.Busy>(await TakeAsync(Worker("b", dapr), "held"));
        Assert.IsType<ClaimAnswer.Taken>(await TakeAsync(Worker("b", dapr), "key"));
        Assert.Empty(_seen.States.Degraded);
        Assert.Equal(2, _seen.Logs.OfDependencies.Count);
    }

    [Fact]
    public async Task A_store_without_its_table_is_told_once_and_its_recovery_is_seen_without_a_job()
    {
        var store = Worker("a");
        await _world.ExecuteAtSidecarAsync("alter table sidecar.state rename to hidden");

        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<DaprException>(() => TakeAsync(store, $"key-{i}"));
            await store.ProbeAsync(default);
        }

        Assert.Single(_seen.Logs.OfDependencies);
        Assert.Contains("'claims'", _seen.States.Degraded["claims"], StringComparison.Ordinal);
        await _world.ExecuteAtSidecarAsync("alter table sidecar.hidden rename to state");
        await store.ProbeAsync(default);
        Assert.Empty(_seen.States.Degraded);
        Assert.Equal("No longer degraded, claims: it works again", _seen.Logs.OfDependencies[^1]);
        Assert.IsType<ClaimAnswer.Taken>(await TakeAsync(store, "key-0"));
    }

    [Fact]
    public async Task A_probe_that_was_left_behind_stands_in_no_way()
    {
        await TakenAsync(Worker("a"), "probe-a");
        await _world.ExecuteAtSidecarAsync("alter table sidecar.state rename to hidden");
        var store = Worker("a");
        await Assert.ThrowsAsync<DaprException>(() => TakeAsync(store, "key"));
        await _world.ExecuteAtSidecarAsync("alter table sidecar.hidden rename to state");

        await store.ProbeAsync(default);

        Assert.Empty(_seen.States.Degraded);
    }

    private ClaimStore Worker(string name, DaprClient? dapr = null, TimeSpan? retention = null)
    {
        var options = new ClaimOptions { Lease = Lease, Retention = retention ?? TimeSpan.FromDays(30) };
        return new ClaimStore(dapr ?? _dapr, options, new WorkerIdentity(name), new LeaseWatch(_clock), new ClaimCalls(_seen.Meters, _seen.States, options), _clock);
    }

    private static async Task<ClaimAnswer> TakeAsync(ClaimStore store, string key) => (await store.TakeAsync([new ClaimWish(key, 0)], default))[0];

    private static async Task<HeldClaim> TakenAsync(ClaimStore store, string key) => Assert.IsType<ClaimAnswer.Taken>(await TakeAsync(store, key)).Claim;
}

/// <summary>On a store that tells refusals from outages, and updates only what exists.</summary>
public sealed class PostgresClaimTests() : ClaimTests("state.postgresql", SendWorld.SidecarToken);

/// <summary>On a store that reports an outage as a conflict, and creates what an ETag does not find.</summary>
public sealed class RedisClaimTests() : ClaimTests("state.redis", SendWorld.SidecarToken);

/// <summary>Beside a sidecar that asks for no token.</summary>
public sealed class OpenClaimTests() : ClaimTests("state.postgresql", null);
