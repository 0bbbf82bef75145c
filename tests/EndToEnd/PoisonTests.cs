using WhatsAppMesh.Collector;
using WhatsAppMesh.DeadLetters.V1;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.EndToEnd;

/// <summary>Events that cannot be handled, and what operators can do about them.</summary>
[Collection(MeshCollection.Name)]
public sealed class PoisonTests(MeshUnderTest test)
{
    private static readonly GroupMember Ana = new("999000000000301@lid", "5500900000301@s.whatsapp.net");

    public static TheoryData<string> Ways() => ["invoke", "publish", "grpc"];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Poison_event_dies_with_its_reason_and_is_replayed_once_its_cause_is_gone(string way)
    {
        var tenant = test.NewTenant();
        var group = $"12036300000000{tenant.Name.GetHashCode(StringComparison.Ordinal) & 0xFFFF:D5}@g.us";
        var constraint = $"refuses_{way}";
        await Books.ExecuteAsync(test.Mesh, "membership", $"alter table whatsapp_groups add constraint {constraint} check (jid <> '{group}' or tenant <> '{tenant.Name}')");
        var neighbours = Enumerable.Range(0, 20).Select(i => GroupEvents.Snapshot($"1203630000001000{i:D2}@g.us", "Vizinho", [Ana]));

        await Task.WhenAll(neighbours.Append(GroupEvents.Snapshot(group, "Grupo recusado", [Ana])).Select(e => tenant.PostAsync(e)));

        var open = await Eventually.AskAsync(() => test.Client.OpenDeadLettersAsync(tenant.Name), l => l.Count > 0, MeshUnderTest.Patience);
        var letter = Assert.Single(open!);
        Assert.Equal(("groups.metadata", "poison", State.Open), (letter.Type, letter.Category, letter.State));
        Assert.Contains(constraint, letter.Message, StringComparison.Ordinal);
        Assert.NotEmpty(letter.Error);
        Assert.NotEmpty(letter.Step);
        await Books.SettledAsync(test.Mesh);
        for (var i = 0; i < 20; i++)
            Assert.Single(await tenant.MembersAsync($"1203630000001000{i:D2}@g.us", m => m.Count == 1));

        await Books.ExecuteAsync(test.Mesh, "membership", $"alter table whatsapp_groups drop constraint {constraint}");
        await ReplayAsync(way, tenant.Name, letter.Id);

        Assert.Single(await tenant.MembersAsync(group, m => m.Count == 1));
        var settled = await Eventually.AskAsync(() => LetterAsync(tenant.Name, letter.Id), l => l.State == State.Replayed, MeshUnderTest.Patience);
        Assert.Equal(State.Replayed, settled!.State);
    }

    private async Task ReplayAsync(string way, string tenant, string id)
    {
        var json = $$"""{"ids":["{{id}}"],"reason":"the constraint is gone"}""";
        switch (way)
        {
            case "invoke":
                await test.Client.InvokeAsync("membership", "dead-letters/replay", json);
                break;
            case "publish":
                await test.Client.PublishAsync("whatsapp.events.membership.replay", json);
                break;
            default:
                await test.Client.DeadLetters.ReplayAsync(new ReplayRequest { Tenant = tenant, Ids = { id }, Reason = "the constraint is gone" });
                break;
        }
    }

    private async Task<DeadLetter> LetterAsync(string tenant, string id) =>
        (await test.Client.DeadLetters.GetAsync(new GetRequest { Tenant = tenant, Id = id })).DeadLetter;
}
