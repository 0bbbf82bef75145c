using Dapr;
using Grpc.Core;
using WhatsAppMesh.Dispatch.Claims;
using WhatsAppMesh.Libs.Tests.Scraping;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>What is told and counted of a state store that does not take or give claims, and what is no failure at all.</summary>
public sealed class ClaimCallTests : IAsyncLifetime
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    private readonly ManualClock _clock = new();
    private readonly SeenDependencies _seen = new();
    private FakeClaims _store = null!;

    private IEnumerable<string> Calls => _seen.Counted.Where(static one => one.StartsWith("mesh_claim_calls_total", StringComparison.Ordinal))
        .Select(static one => one["mesh_claim_calls_total".Length..]);

    public async Task InitializeAsync() => _store = await FakeClaims.StartAsync();

    public async Task DisposeAsync()
    {
        await _store.DisposeAsync();
        _seen.Dispose();
    }

    [Theory]
    [InlineData(StatusCode.Unauthenticated, "unauthenticated")]
    [InlineData(StatusCode.PermissionDenied, "permission_denied")]
    [InlineData(StatusCode.InvalidArgument, "invalid_argument")]
    [InlineData(StatusCode.FailedPrecondition, "failed_precondition")]
    [InlineData(StatusCode.Unavailable, "unavailable")]
    [InlineData(StatusCode.Internal, "internal")]
    [InlineData(StatusCode.Aborted, "aborted")]
    public async Task A_store_that_takes_no_write_is_told_once_with_its_name_and_code(StatusCode status, string code)
    {
        var store = Worker("w");
        _store.WritesEndWith = status;

        for (var i = 0; i < 3; i++)
            await Assert.ThrowsAsync<DaprException>(() => TakeAsync(store, "key"));

        Assert.Equal($"Claims cannot be written or read in the state store 'claims', so due jobs wait ({code}).", _seen.States.Degraded["claims"]);
        Assert.Single(_seen.Logs.OfDependencies);
        Assert.Equal(3, Calls.Count(one => one == $"{{call=create,result=failed,code={code}}}"));
        Assert.Equal(3, Calls.Count(one => one == $"{{call=read,result=unanswered,code={code}}}"));

        _store.WritesEndWith = StatusCode.OK;
        Assert.IsType<ClaimAnswer.Taken>(await TakeAsync(store, "key"));
        Assert.Empty(_seen.States.Degraded);
        Assert.Equal(2, _seen.Logs.OfDependencies.Count);
    }

    [Theory]
    [InlineData(StatusCode.PermissionDenied, "permission_denied")]
    [InlineData(StatusCode.Unauthenticated, "unauthenticated")]
    public async Task A_store_that_gives_nothing_is_told_with_the_code_of_the_read(StatusCode status, string code)
    {
        _store.ReadsEndWith = status;

        await Assert.ThrowsAsync<DaprException>(() => TakeAsync(Worker("w"), "key"));

        Assert.EndsWith($"({code}).", _seen.States.Degraded["claims"], StringComparison.Ordinal);
        Assert.Equal(["{call=create,result=ok,code=none}", $"{{call=read,result=failed,code={code}}}"], Calls);
        _store.WritesEndWith = status;
        await Assert.ThrowsAsync<DaprException>(() => TakeAsync(Worker("w"), "key"));
        Assert.Contains($"{{call=create,result=failed,code={code}}}", Calls);
    }

    [Fact]
    public async Task A_claim_that_is_anothers_is_a_refusal_and_no_failure()
    {
        await TakeAsync(Worker("holder"), "key");

        Assert.IsType<ClaimAnswer.Busy>(await TakeAsync(Worker("other"), "key"));

        Assert.Contains("{call=create,result=refused,code=internal}", Calls);
        Assert.DoesNotContain(Calls, static one => one.Contains("failed", StringComparison.Ordinal));
        Assert.Empty(_seen.Logs.OfDependencies);
    }

    [Fact]
    public async Task A_store_that_gives_and_does_not_take_is_told_although_every_claim_is_there()
    {
        await TakeAsync(Worker("holder"), "key");
        _store.WritesEndWith = StatusCode.PermissionDenied;

        Assert.IsType<ClaimAnswer.Busy>(await TakeAsync(Worker("other"), "key"));

        Assert.EndsWith("(permission_denied).", _seen.States.Degraded["claims"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lapsed_claim_that_nobody_can_take_over_is_told_whatever_the_store_calls_it()
    {
        await TakeAsync(Worker("holder"), "key");
        var other = Worker("other");
        await TakeAsync(other, "key");
        _clock.Advance(Lease);
        _store.WritesEndWith = StatusCode.Aborted;

        await TakeAsync(other, "key");

        Assert.Contains("{call=take_over,result=failed,code=aborted}", Calls);
        Assert.Contains("claims", _seen.States.Degraded.Keys);
    }

    [Fact]
    public async Task A_renewal_and_a_settling_that_fail_are_told_and_counted()
    {
        var store = Worker("w");
        var held = Assert.IsType<ClaimAnswer.Taken>(await TakeAsync(store, "key")).Claim;
        _store.WritesEndWith = StatusCode.Unavailable;

        Assert.Equal(held, await store.RenewAsync(held, default));
        Assert.EndsWith("(unavailable).", _seen.States.Degraded["claims"], StringComparison.Ordinal);
        _store.WritesEndWith = StatusCode.PermissionDenied;
        Assert.False(await store.SettleAsync([(held, ClaimState.Sent, null)], default));
        Assert.EndsWith("(permission_denied).", _seen.States.Degraded["claims"], StringComparison.Ordinal);

        Assert.Contains("{call=renew,result=failed,code=unavailable}", Calls);
        Assert.Contains("{call=settle,result=failed,code=permission_denied}", Calls);
        _store.WritesEndWith = StatusCode.OK;
        Assert.NotNull(await store.RenewAsync(held, default));
        Assert.Empty(_seen.States.Degraded);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("\"a text\"")]
    [InlineData("{}")]
    [InlineData("null")]
    public async Task What_is_no_claim_is_told_as_malformed_and_holds_up_no_other(string text)
    {
        _store.Put("foreign", text);

        var answers = await Worker("w").TakeAsync([new("foreign", 0), new("free", 0)], default);

        Assert.IsType<ClaimAnswer.NoAnswer>(answers[0]);
        Assert.IsType<ClaimAnswer.Taken>(answers[1]);
        Assert.Contains("{call=read,result=unanswered,code=malformed}", Calls);
        Assert.Contains("claims", _seen.States.Degraded.Keys);
    }

    [Fact]
    public async Task Nothing_is_probed_while_the_store_works()
    {
        await Worker("w").ProbeAsync(default);

        Assert.Empty(_seen.Counted);
    }

    [Fact]
    public async Task A_probe_finds_out_that_the_store_takes_claims_again()
    {
        var store = Worker("w");
        _store.WritesEndWith = StatusCode.Unavailable;
        await Assert.ThrowsAsync<DaprException>(() => TakeAsync(store, "key"));
        await store.ProbeAsync(default);
        Assert.NotEmpty(_seen.States.Degraded);

        _store.WritesEndWith = StatusCode.OK;
        await store.ProbeAsync(default);

        Assert.Empty(_seen.States.Degraded);
        Assert.Equal("No longer degraded, claims: it works again", _seen.Logs.OfDependencies[^1]);
    }

    private ClaimStore Worker(string name)
    {
        var options = new ClaimOptions { Lease = Lease };
        return new(_store.Client, options, new WorkerIdentity(name), new LeaseWatch(_clock), new ClaimCalls(_seen.Meters, _seen.States, options), _clock);
    }

    private static async Task<ClaimAnswer> TakeAsync(ClaimStore store, string key) => (await store.TakeAsync([new ClaimWish(key, 0)], default))[0];
}
