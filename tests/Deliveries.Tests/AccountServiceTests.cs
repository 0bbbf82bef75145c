using Grpc.Core;
using WhatsAppMesh.Deliveries.V1;
using WhatsAppMesh.Events.V1;
using Client = WhatsAppMesh.Deliveries.V1.Account.AccountClient;

namespace WhatsAppMesh.Deliveries.Tests;

public sealed class AccountServiceTests
{
    [Fact]
    public async Task The_audit_says_the_same_over_grpc_as_on_the_http_port()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await replica.DeliverAsync(Envelopes.Range(1, 5));
        await replica.DeliverDeadAsync(Envelopes.Of(6));
        await replica.DeliverAsync(Envelopes.Of(9));

        var answer = await new Client(replica.Channel).GetAuditAsync(new() { Heads = { { 1, 8 }, { 2, 3 } } });

        Assert.Equal("consumer", answer.Service);
        Assert.True(answer.Rebuild.IsComplete);
        var first = answer.Logs[0];
        Assert.Equal(
            (1, 8L, "5: 1-5", "1: 6-6", "0: ", "0: ", "2: 7-8", "1: 9-9", "0: "),
            (first.Log, first.Head, Show(first.Applied), Show(first.Dead), Show(first.Discarded), Show(first.Retired), Show(first.Pending), Show(first.NeverLogged), Show(first.Torn)));
        Assert.Equal((2, "3: 1-3"), (answer.Logs[1].Log, Show(answer.Logs[1].Pending)));
    }

    [Fact]
    public async Task Without_heads_the_lake_is_asked()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        world.Lake.Add(Envelopes.Event(1), Envelopes.Event(2));
        await replica.DeliverAsync(Envelopes.Of(1));
        var client = new Client(replica.Channel);

        var log = Assert.Single((await client.GetAuditAsync(new())).Logs);
        Assert.Equal((2L, "1: 1-1", "1: 2-2"), (log.Head, Show(log.Applied), Show(log.Pending)));

        await world.Lake.DisposeAsync();
        await DeadLetterTests.RefusedAsync(StatusCode.Unavailable, async () => await client.GetAuditAsync(new()));
    }

    [Fact]
    public async Task What_is_missing_of_some_ranges_is_named()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await replica.DeliverAsync(Envelopes.Range(1, 9).Where(static (_, n) => n != 3));
        var client = new Client(replica.Channel);

        var missing = await client.GetMissingAsync(new()
        {
            Ranges = { new PositionRange { Log = 2, From = 5, To = 6 }, new PositionRange { Log = 1, From = 3, To = 5 }, new PositionRange { Log = 1, From = 8, To = 10 } },
        });

        Assert.Equal("1/4-4 1/10-10 2/5-6", string.Join(' ', missing.Ranges.Select(static range => $"{range.Log}/{range.From}-{range.To}")));
        Assert.Empty((await client.GetMissingAsync(new() { Ranges = { new PositionRange { Log = 1, From = 5, To = 9 } } })).Ranges);
    }

    [Fact]
    public async Task An_open_dead_letter_that_only_the_lake_can_replay_is_missing_until_it_is_settled()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        var talksOfIt = Envelopes.Event(4);
        talksOfIt.PayloadJson = """{"data":{"payloadInLake":true,"payload_in_lake" : true}}""";
        var slim = new CollectedEvent(Envelopes.Event(2)) { PayloadJson = "", PayloadInLake = true };
        await replica.DeliverAsync(Envelopes.Of(1), Envelopes.Of(5));
        await replica.DeliverDeadAsync(Envelopes.Of(slim));
        await replica.DeliverDeadAsync(Envelopes.Of(3));
        await replica.DeliverDeadAsync(Envelopes.Of(talksOfIt));
        var client = new Client(replica.Channel);

        Assert.Equal("1/2-2", await MissingAsync(1, 5));
        Assert.Equal("", await MissingAsync(3, 5));
        Assert.Equal("1/2-2 1/6-7", await MissingAsync(2, 7));

        await world.ExecuteAsync("update deliveries.dead_letters set state = 'discarded' where position = 2");
        Assert.Equal("", await MissingAsync(1, 5));

        async Task<string> MissingAsync(long from, long to) => string.Join(' ',
            (await client.GetMissingAsync(new() { Ranges = { new PositionRange { Log = 1, From = from, To = to } } })).Ranges
                .Select(static range => $"{range.Log}/{range.From}-{range.To}"));
    }

    public static TheoryData<int, long, long> NoRanges() => new() { { 0, 1, 2 }, { 1, 0, 2 }, { 1, 3, 2 }, { -1, 1, 1 }, { 1, 1, long.MaxValue } };

    [Theory]
    [MemberData(nameof(NoRanges))]
    public async Task Ranges_that_are_none_are_refused_by_name(int log, long from, long to)
    {
        await using var world = await World.CreateAsync();
        var client = new Client((await world.StartReplicaAsync()).Channel);

        var refusal = await Assert.ThrowsAsync<RpcException>(async () => await client.GetMissingAsync(new() { Ranges = { new PositionRange { Log = log, From = from, To = to } } }));

        Assert.Equal(StatusCode.InvalidArgument, refusal.StatusCode);
        Assert.StartsWith("ranges:", refusal.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Heads_and_lists_out_of_bounds_are_refused_by_name()
    {
        await using var world = await World.CreateAsync();
        var client = new Client((await world.StartReplicaAsync()).Channel);
        var many = new GetMissingRequest();
        many.Ranges.Add(Enumerable.Range(1, 1001).Select(static n => new PositionRange { Log = 1, From = n, To = n }));

        await DeadLetterTests.RefusedAsync(StatusCode.InvalidArgument, async () => await client.GetAuditAsync(new() { Heads = { { 0, 1 } } }));
        await DeadLetterTests.RefusedAsync(StatusCode.InvalidArgument, async () => await client.GetAuditAsync(new() { Heads = { { 1, -1 } } }));
        await DeadLetterTests.RefusedAsync(StatusCode.InvalidArgument, async () => await client.GetMissingAsync(new()));
        await DeadLetterTests.RefusedAsync(StatusCode.InvalidArgument, async () => await client.GetMissingAsync(many));
    }

    private static string Show(Positions positions) =>
        $"{positions.Count}: {string.Join(' ', positions.Ranges.Select(static range => $"{range.From}-{range.To}"))}";
}
