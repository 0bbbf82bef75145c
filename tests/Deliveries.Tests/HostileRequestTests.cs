using System.Net;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using WhatsAppMesh.DeadLetters.V1;
using Client = WhatsAppMesh.DeadLetters.V1.DeadLetters.DeadLettersClient;

namespace WhatsAppMesh.Deliveries.Tests;

/// <summary>Requests that no method could take: each is refused by the name of its field, on every road, and nothing is changed.</summary>
public sealed class HostileRequestTests
{
    private const string Id = "00000000-0000-4000-8000-000000000001";

    private static readonly Dictionary<string, Func<Client, Task>> Requests = new()
    {
        ["filter.tenant: NUL"] = client => ListAsync(client, static filter => filter.Tenant = "ac\0me"),
        ["filter.tenant: too long"] = client => ListAsync(client, static filter => filter.Tenant = new string('a', 501)),
        ["filter.types[1]: NUL"] = client => ListAsync(client, static filter => filter.Types_.Add(["test.ok", "a\0"])),
        ["filter.types[0]: too long"] = client => ListAsync(client, static filter => filter.Types_.Add(new string('a', 501))),
        ["filter.types: too many"] = client => ListAsync(client, static filter => filter.Types_.Add(Enumerable.Repeat("a", 101))),
        ["filter.category: NUL"] = client => ListAsync(client, static filter => filter.Category = "\0"),
        ["filter.error: too long"] = client => ListAsync(client, static filter => filter.Error = new string('a', 501)),
        ["filter.state: unknown"] = client => ListAsync(client, static filter => filter.State = (State)99),
        ["filter.dead_from: before all time"] = client => ListAsync(client, static filter => filter.DeadFrom = new Timestamp { Seconds = long.MinValue }),
        ["filter.dead_to: after all time"] = client => ListAsync(client, static filter => filter.DeadTo = new Timestamp { Seconds = 253402300800 }),
        ["filter.dead_to: nanoseconds"] = client => ListAsync(client, static filter => filter.DeadTo = new Timestamp { Nanos = -1 }),
        ["page_token: NUL"] = client => ListAsync(client, static _ => { }, "\0"),
        ["page_token: not base64"] = client => ListAsync(client, static _ => { }, "%%%"),
        ["page_token: another length"] = client => ListAsync(client, static _ => { }, "AAAA"),
        ["page_size: negative"] = async client => await client.ListAsync(new() { Filter = new() { Tenant = Envelopes.Tenant }, PageSize = -1 }),
        ["tenant: missing"] = async client => await client.GetAsync(new() { Id = Id }),
        ["tenant: NUL"] = async client => await client.GetAsync(new() { Tenant = "\0", Id = Id }),
        ["id: empty"] = async client => await client.GetAsync(new() { Tenant = Envelopes.Tenant }),
        ["id: no UUID"] = async client => await client.GetAsync(new() { Tenant = Envelopes.Tenant, Id = "{0x00,0x00}" }),
        ["id: in braces"] = async client => await client.GetAsync(new() { Tenant = Envelopes.Tenant, Id = $"{{{Id}}}" }),
        ["job_id: no UUID"] = async client => await client.GetJobAsync(new() { Tenant = Envelopes.Tenant, JobId = "1" }),
        ["requested_by: NUL"] = async client => await client.PauseJobAsync(new() { Tenant = Envelopes.Tenant, JobId = Id, RequestedBy = "\0" }),
        ["requested_by: too long"] = async client => await client.CancelJobAsync(new() { Tenant = Envelopes.Tenant, JobId = Id, RequestedBy = new string('a', 501) }),
        ["reason: NUL"] = client => DiscardAsync(client, static request => request.Reason = "a\0b"),
        ["reason: blank"] = client => DiscardAsync(client, static request => request.Reason = " "),
        ["reason: too long"] = client => DiscardAsync(client, static request => request.Reason = new string('a', 501)),
        ["ids[1]: no UUID"] = client => DiscardAsync(client, static request => request.Ids.Add("x")),
        ["ids[1]: NUL"] = client => DiscardAsync(client, static request => request.Ids.Add("\0")),
        ["ids: none"] = client => DiscardAsync(client, static request => request.Ids.Clear()),
        ["ids: too many"] = client => DiscardAsync(client, static request => request.Ids.Add(Enumerable.Repeat(Id, 10_000))),
        ["ids, filter, ranges: two ways"] = client => ReplayAsync(client, static request => request.Filter = new()),
        ["rate: negative"] = client => ReplayAsync(client, static request => request.Rate = -1),
        ["rate: too fast"] = client => ReplayAsync(client, static request => request.Rate = int.MaxValue),
        ["ranges: backwards"] = client => ReplayRangeAsync(client, new PositionRange { Log = 1, From = 2, To = 1 }),
        ["ranges: log zero"] = client => ReplayRangeAsync(client, new PositionRange { From = 1, To = 1 }),
        ["ranges: too many"] = client => ReplayRangeAsync(client, [.. Enumerable.Repeat(new PositionRange { Log = 1, From = 1, To = 1 }, 1001)]),
        ["ranges: too much"] = client => ReplayRangeAsync(client, new PositionRange { Log = 1, From = 1, To = long.MaxValue }),
    };

    public static TheoryData<string> Names() => [.. Requests.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task What_no_method_could_take_is_refused_by_name(string name)
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        world.Lake.Add(Envelopes.Event(1), Envelopes.Event(2_000_000));

        var refusal = await Assert.ThrowsAsync<RpcException>(() => Requests[name](new Client(replica.Channel)));

        Assert.Equal((StatusCode.InvalidArgument, name.Split(": ")[0]), (refusal.StatusCode, refusal.Status.Detail.Split(": ")[0]));
        Assert.Equal(0, await world.QueryAsync<long>("select (select count(*) from deliveries.replay_jobs) + (select count(*) from deliveries.audit_trail)"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("7")]
    [InlineData("{oops")]
    [InlineData("{\"ids\":[1]}")]
    [InlineData("{\"ids\":\"x\"}")]
    [InlineData("{\"ids\":[\"x\"]}")]
    [InlineData("{\"ids\":[\"\\ud800\"],\"reason\":\"r\"}")]
    [InlineData("{\"ids\":[\"00000000-0000-4000-8000-000000000001\"],\"reason\":\"\\udc00\"}")]
    [InlineData("{\"ids\":[\"00000000-0000-4000-8000-000000000001\"],\"reason\":\"a\\u0000\"}")]
    [InlineData("{\"reason\":\"a\",\"reason\":\"b\"}")]
    [InlineData("{\"filter\":{\"tenant\":\"a\",\"tenant\":\"b\"}}")]
    [InlineData("{\"filter\":{\"dead_from\":\"9999999-01-01T00:00:00Z\"}}")]
    [InlineData("{\"filter\":{\"state\":99}}")]
    [InlineData("{\"filter\":{\"state\":\"STATE_WHAT\"}}")]
    [InlineData("{\"filter\":{},\"rate\":1e999999,\"reason\":\"r\"}")]
    [InlineData("{\"filter\":{},\"rate\":1.5,\"reason\":\"r\"}")]
    [InlineData("{\"positions\":[{\"log\":1,\"from\":\"99999999999999999999\",\"to\":1}],\"reason\":\"r\"}")]
    [InlineData("{\"positions\":7,\"ranges\":null,\"reason\":\"r\"}")]
    [InlineData("nested")]
    public async Task An_invoked_method_answers_nonsense_with_a_problem(string body)
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        if (body == "nested")
            body = new string('[', 20_000) + new string(']', 20_000);

        var (status, problem) = await replica.PostAsync("/dead-letters/replay", body);
        var (_, answer) = await replica.PostAsync("/events/replay", $$"""{"id":"r-1","data":{{(body.Length == 0 || body[^1] is not ('}' or ']') ? "{}" : body)}}}""");

        Assert.Equal((HttpStatusCode.BadRequest, "invalid_argument"), (status, problem.GetProperty("code").GetString()));
        Assert.True(answer.TryGetProperty("code", out var code) ? code.GetString() == "invalid_body" : answer.GetProperty("status").GetString() == "DROP");
        Assert.Equal(0, await world.QueryAsync<long>("select count(*) from deliveries.replay_jobs"));
    }

    [Fact]
    public async Task A_body_that_is_too_large_for_an_invoked_method_is_refused_as_such()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();

        var (status, _) = await replica.PostAsync("/dead-letters/list", JsonSerializer.Serialize(new string('x', 1024 * 1024)));

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, status);
    }

    [Fact]
    public async Task A_database_that_is_away_is_unavailable_on_every_road()
    {
        await using var world = await World.CreateAsync();
        await using var replica = await Replica.StartAsync("Host=127.0.0.1;Port=1;Username=nobody;Database=none;Timeout=1", world.Lake.Address);
        var client = new Client(replica.Channel);
        var account = new V1.Account.AccountClient(replica.Channel);

        Func<Task>[] calls =
        [
            async () => await client.ListAsync(new() { Filter = new() { Tenant = Envelopes.Tenant } }),
            async () => await client.GetAsync(new() { Tenant = Envelopes.Tenant, Id = Id }),
            async () => await client.DiscardAsync(new() { Tenant = Envelopes.Tenant, Ids = { Id }, Reason = "r" }),
            async () => await client.GetJobAsync(new() { Tenant = Envelopes.Tenant, JobId = Id }),
            async () => await account.GetAuditAsync(new() { Heads = { { 1, 1 } } }),
            async () => await account.GetMissingAsync(new() { Ranges = { new V1.PositionRange { Log = 1, From = 1, To = 1 } } }),
        ];
        foreach (var call in calls)
            await DeadLetterTests.RefusedAsync(StatusCode.Unavailable, call);

        foreach (var (method, body) in new[]
        {
            ("list", "{}"), ("get", $$"""{"id":"{{Id}}"}"""), ("replay", $$"""{"ids":["{{Id}}"]}"""), ("discard", $$"""{"ids":["{{Id}}"]}"""),
            ("job", $$"""{"job_id":"{{Id}}"}"""), ("pause", $$"""{"job_id":"{{Id}}"}"""), ("resume", $$"""{"job_id":"{{Id}}"}"""), ("cancel", $$"""{"job_id":"{{Id}}"}"""),
        })
        {
            var (status, problem) = await replica.PostAsync("/dead-letters/" + method, body);
            Assert.Equal((method, HttpStatusCode.ServiceUnavailable, "unavailable"), (method, status, problem.GetProperty("code").GetString()));
        }
    }

    [Fact]
    public async Task A_lake_that_is_away_is_unavailable_in_our_own_words()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await world.Lake.DisposeAsync();

        var refusal = await Assert.ThrowsAsync<RpcException>(() => ReplayRangeAsync(new Client(replica.Channel), new PositionRange { Log = 1, From = 1, To = 1 }));
        var (status, problem) = await replica.PostAsync("/dead-letters/replay", """{"positions":[{"log":1,"from":1,"to":1}],"reason":"r"}""");

        Assert.Equal((StatusCode.Unavailable, "The lake cannot be asked now; try again."), (refusal.StatusCode, refusal.Status.Detail));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "unavailable"), (status, problem.GetProperty("code").GetString()));
    }

    private static async Task ListAsync(Client client, Action<DeadLetterFilter> change, string token = "")
    {
        var request = new ListRequest { Filter = new() { Tenant = Envelopes.Tenant }, PageToken = token };
        change(request.Filter);
        await client.ListAsync(request);
    }

    private static async Task DiscardAsync(Client client, Action<DiscardRequest> change)
    {
        var request = new DiscardRequest { Tenant = Envelopes.Tenant, Ids = { Id }, Reason = "r" };
        change(request);
        await client.DiscardAsync(request);
    }

    private static async Task ReplayAsync(Client client, Action<ReplayRequest> change)
    {
        var request = new ReplayRequest { Tenant = Envelopes.Tenant, Ids = { Id }, Reason = "r" };
        change(request);
        await client.ReplayAsync(request);
    }

    private static async Task ReplayRangeAsync(Client client, params PositionRange[] ranges) =>
        await client.ReplayAsync(new() { Tenant = Envelopes.Tenant, Ranges = { ranges }, Reason = "r" });
}
