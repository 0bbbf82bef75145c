using System.Text.Json;
using Grpc.Core;
using WhatsAppMesh.Deliveries.V1;

namespace WhatsAppMesh.Edge.Tests.Operator;

/// <summary>The audit across consumers: when it balances, and when not.</summary>
public sealed class AuditTests
{
    [Fact]
    public async Task It_balances_when_every_position_is_in_one_set()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        api.Services.Audit = static (_, head) => new LogAudit { Log = 1, Head = head, Applied = FakeServices.Range(3, head), Dead = FakeServices.Range(1, 1), Discarded = FakeServices.Range(2, 2) };
        var audit = await AuditAsync(api);
        Assert.True(audit.GetProperty("balanced").GetBoolean());
        Assert.Equal("1:100", audit.GetProperty("heads").GetString());
        Assert.Equal(["membership", "dispatch"], audit.GetProperty("services").EnumerateArray().Select(static service => service.GetProperty("service").GetString()));
    }

    [Fact]
    public async Task Pending_positions_do_not_balance_but_are_whole()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        api.Services.Audit = static (app, head) => app == "membership"
            ? new LogAudit { Log = 1, Head = head, Applied = FakeServices.Range(1, head - 5), Pending = FakeServices.Range(head - 4, head) }
            : new LogAudit { Log = 1, Head = head, Applied = FakeServices.Range(1, head) };
        var log = Log(await AuditAsync(api), balanced: false);
        Assert.Equal(5, log.GetProperty("pending").GetProperty("count").GetInt64());
        Assert.False(log.GetProperty("balanced").GetBoolean());
        Assert.True(log.GetProperty("is_whole").GetBoolean());
    }

    [Fact]
    public async Task Positions_above_the_head_are_invented_unless_they_were_logged_meanwhile()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        api.Services.Heads.Enqueue(103);
        api.Services.Audit = static (_, head) => new LogAudit { Log = 1, Head = head, Applied = FakeServices.Range(1, head), NeverLogged = FakeServices.Range(101, 103) };
        Assert.True((await AuditAsync(api)).GetProperty("balanced").GetBoolean());

        api.Services.Audit = static (_, head) => new LogAudit { Log = 1, Head = head, Applied = FakeServices.Range(1, head), NeverLogged = FakeServices.Range(101, 110) };
        var log = Log(await AuditAsync(api), balanced: false);
        Assert.Equal(7, log.GetProperty("never_logged").GetProperty("count").GetInt64());
        Assert.Equal(104, log.GetProperty("never_logged").GetProperty("ranges")[0][0].GetInt64());
        Assert.False(log.GetProperty("is_whole").GetBoolean());
    }

    [Fact]
    public async Task Sets_that_do_not_add_up_to_the_log_do_not_balance()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        api.Services.Audit = static (_, head) => new LogAudit { Log = 1, Head = head, Applied = FakeServices.Range(1, head), Torn = FakeServices.Range(4, 4) };
        Log(await AuditAsync(api), balanced: false);
        api.Services.Audit = static (_, head) => new LogAudit { Log = 1, Head = head, Applied = FakeServices.Range(2, head) };
        Log(await AuditAsync(api), balanced: false);
        api.Services.Audit = static (_, head) => new LogAudit { Log = 1, Head = head, Applied = FakeServices.Range(1, head), Dead = FakeServices.Range(4, 4) };
        Log(await AuditAsync(api), balanced: false);
    }

    [Fact]
    public async Task A_consumer_that_cannot_be_asked_does_not_balance()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        api.Services.Failure = static (app, _) => app == "dispatch" ? new RpcException(new Status(StatusCode.Unavailable, "away")) : null;
        var audit = await AuditAsync(api);
        Assert.False(audit.GetProperty("balanced").GetBoolean());
        Assert.True(audit.GetProperty("services")[0].GetProperty("balanced").GetBoolean());
        Assert.True(audit.GetProperty("services")[1].TryGetProperty("problem", out _));
    }

    [Fact]
    public async Task The_same_head_can_be_looked_at_again()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        var audit = await AuditAsync(api, "?heads=1:40");
        Assert.Equal("1:40", audit.GetProperty("heads").GetString());
        Assert.Equal(40, Log(audit, balanced: true).GetProperty("head").GetInt64());
    }

    private static Task<JsonElement> AuditAsync(OperatorUnderTest api, string query = "") => api.AskAsync("GET", "/api/audit" + query, OperatorUnderTest.AllViewer);

    private static JsonElement Log(JsonElement audit, bool balanced)
    {
        Assert.Equal(balanced, audit.GetProperty("balanced").GetBoolean());
        return audit.GetProperty("services")[0].GetProperty("logs")[0];
    }
}
