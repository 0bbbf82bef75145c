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

    private Task<IReadOnlyDictionary<string, long>> EraseAsync() => new DispatchErasure(_database.Source, TimeProvider.System).EraseAsync(_erasure, default);
}
