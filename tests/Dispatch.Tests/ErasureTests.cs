using System.Text.Json.Nodes;
using Grpc.Core;
using WhatsAppMesh.Dispatch.Automations;
using WhatsAppMesh.Dispatch.Messages;
using WhatsAppMesh.Dispatch.Privacy;
using WhatsAppMesh.Dispatch.Tests.Driving;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Dispatch.Tests;

/// <summary>A person leaves dispatch: nothing is sent to them any more, and nothing says who they were.</summary>
public sealed class ErasureTests : IAsyncLifetime
{
    private readonly Lake _lake = new();
    private readonly Erasure _erasure = new(
        "acme", Guid.NewGuid(), new Person(Guid.NewGuid(), [Jid.Parse("5511999990001@s.whatsapp.net")]), "reason", "ops", "", new Dictionary<int, long>());

    private DispatchDatabase _database = null!;

    public async Task InitializeAsync()
    {
        _database = await DispatchDatabase.CreateAsync();
        await _database.AutomationAsync("stage_changed", "offer", [new AutomationStep("a", TimeSpan.Zero, "sales", new Message { Content = "Hi {{lead.name}}" })]);
        await _database.ApplyAsync(_lake.Stage("42", "offer", 1, more: new JsonObject { ["name"] = "Ana", ["phone"] = "+55 (11) 99999-0001" }));
        await _database.ApplyAsync(_lake.Stage("43", "offer", 2, more: new JsonObject { ["name"] = "Bia", ["phone"] = "+5511999990002" }));
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task What_was_to_be_sent_is_called_off_and_what_was_known_is_forgotten()
    {
        var rows = await EraseAsync();
        Assert.Equal((1L, 1L), (rows["jobs"], rows["leads"]));
        Assert.Equal(["42|cancelled|{}|{}"], await _database.RowsAsync("select entity, status, message::text, subject::text from jobs where entity = '42'"));
        Assert.Equal(["43|pending"], await _database.RowsAsync("select entity, status from jobs where message <> '{}'"));
        Assert.Equal(["42|-", "43|Bia"], await _database.RowsAsync("select lead_id, facts->'name'->>'v' from leads order by lead_id"));
        Assert.All((await EraseAsync()).Values, static again => Assert.Equal(0L, again));
    }

    [Fact]
    public async Task What_is_being_sent_at_this_moment_is_waited_for()
    {
        await _database.ExecuteAsync("update jobs set status = 'processing' where entity = '42'");
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(EraseAsync)).StatusCode);
        Assert.Equal(["42|Ana"], await _database.RowsAsync("select lead_id, facts->'name'->>'v' from leads where lead_id = '42'"));
        await _database.ExecuteAsync("""
            update jobs set status = 'sent', finished_at = now() where entity = '42';
            insert into attempts (job_id, number, fence, worker, started_at, answer) select id, 1, 1, 'w', now(), 'sent to ' || entity from jobs
            """);
        await EraseAsync();
        Assert.Equal(["42|-", "43|sent to 43"], await _database.RowsAsync("select entity, answer from attempts join jobs on id = job_id order by entity"));
        Assert.Equal(["sent|{}"], await _database.RowsAsync("select status, message::text from jobs where entity = '42'"));
    }

    [Fact]
    public async Task A_longer_number_is_somebody_else()
    {
        await _database.ApplyAsync(_lake.Stage("44", "offer", 3, more: new JsonObject { ["name"] = "Caio", ["phone"] = "+551199999000199" }));
        await EraseAsync();
        Assert.Equal(["44|pending|Caio"], await _database.RowsAsync(
            "select j.entity, j.status, l.facts->'name'->>'v' from jobs j join leads l on l.lead_id = j.entity where j.entity = '44' and j.message <> '{}'"));
    }

    [Fact]
    public async Task Ids_that_a_CRM_or_a_broker_made_of_a_number_and_what_people_wrote_about_it_are_erased_too()
    {
        await _database.ApplyAsync(_lake.Stage("5511999990001", "offer", 3, more: new JsonObject { ["name"] = "Ana" }));
        await _database.ExecuteAsync("""
            update jobs set status = 'sent', finished_at = now(), external_id = 'true_5511999990001@c.us_3EB0', last_error = 'no answer for +55 11 99999-0001' where entity = '5511999990001';
            insert into job_decisions (id, tenant, job_id, action, requested_by, reason, decided_at)
            select gen_random_uuid(), tenant, id, 'replay', 'ops', '5511999990001 asked for it', now() from jobs where entity = '5511999990001';
            insert into deliveries.audit_trail (at, tenant, who, action, reason, count) values (now(), 'acme', 'ops', 'discard', 'of 5511999990001', 1)
            """);
        await EraseAsync();
        foreach (var table in new[] { "jobs", "job_decisions", "leads", "stage_events", "attempts", "bulk_replays", "deliveries.audit_trail", "deliveries.outbox" })
            Assert.DoesNotContain(await _database.RowsAsync($"select t::text from {table} t"), row => _erasure.Person.IsIn(row) || row.Contains("Ana", StringComparison.Ordinal));
        Assert.Equal(["1"], await _database.RowsAsync("select count(*) from leads where lead_id like 'erased-%'"));
        Assert.All((await EraseAsync()).Values, static again => Assert.Equal(0L, again));
    }

    [Fact]
    public async Task What_remains_of_a_lead_is_what_a_rebuild_from_the_erased_lake_gives()
    {
        var events = new[]
        {
            _lake.Stage("42", "won", 4, more: new JsonObject { ["name"] = "Ana", ["phone"] = "5511999990001", ["attributes"] = new JsonObject { ["city"] = "Here" } }),
            _lake.Stage("5511999990001", "offer", 5, more: new JsonObject { ["contact"] = new JsonObject { ["name"] = "Ana" } }),
        };
        await _database.ApplyAsync(events[0]);
        await _database.ApplyAsync(events[1]);
        await EraseAsync();
        const string Leads = "select lead_id, stage_id, facts::text from leads where lead_id <> '43' order by lead_id";
        const string Stages = "select lead_id, stage_id, event_id from stage_events where position > 2 order by 1, 2, 3";
        var (leads, stages) = (await _database.RowsAsync(Leads), await _database.RowsAsync(Stages));
        await _database.ExecuteAsync("delete from stage_events; delete from leads; delete from jobs");
        foreach (var one in events)
        {
            one.PayloadJson = PayloadErasure.Erase(one.PayloadJson, _erasure.Person)!;
            await _database.ApplyAsync(one);
        }
        Assert.Equal(leads, await _database.RowsAsync(Leads));
        Assert.Equal(stages, await _database.RowsAsync(Stages));
    }

    private Task<IReadOnlyDictionary<string, long>> EraseAsync() => new DispatchErasure(_database.Source, TimeProvider.System).EraseAsync(_erasure, default);
}
