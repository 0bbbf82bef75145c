using Npgsql;
using WhatsAppMesh.DeadLetters.V1;
using WhatsAppMesh.Membership.V1;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Demo;

/// <summary>Fourth part of the demo: an event that cannot be handled, why, and what happens once its cause is gone.</summary>
internal sealed class DemoPoison(MeshInstance mesh, MeshClient client, DemoDoor door, DemoVerdicts verdicts)
{
    private const string Constraint = "demo_refuses_one_group";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        verdicts.Heading("An event that cannot be handled");
        await using var database = mesh.Databases.Open("membership");
        await ExecuteAsync(database, $"alter table whatsapp_groups add constraint {Constraint} check (jid <> '{DemoCast.PoisonGroup}')", cancellationToken);
        verdicts.Line("membership's database now refuses one group");
        await door.NewAsync("roster of that group", DemoCast.PoisonRoster);
        var open = await Eventually.AskAsync(() => client.OpenDeadLettersAsync(DemoCast.Tenant, cancellationToken), l => l.Count > 0, Patience, cancellationToken) ?? [];
        if (!verdicts.Check(open.Count == 1, $"{open.Count} dead letter"))
            return;
        var letter = open[0];
        verdicts.Check(letter.Category == "poison", $"{letter.Type} at position {letter.Position}: {letter.Category}, {letter.Error} in step '{letter.Step}', tried {letter.Attempts} times");
        verdicts.Check(letter.Message.Contains(Constraint, StringComparison.Ordinal), $"reason: {DemoVerdicts.Short(letter.Message)}");
        await ExecuteAsync(database, $"alter table whatsapp_groups drop constraint {Constraint}", cancellationToken);
        verdicts.Line("the constraint is gone");
        await ReplayAsync(letter.Id, cancellationToken);
    }

    private async Task ReplayAsync(string id, CancellationToken cancellationToken)
    {
        await client.InvokeAsync("membership", "dead-letters/replay", $$$"""{"ids":["{{{id}}}"],"reason":"the constraint is gone"}""", cancellationToken);
        var letter = await Eventually.AskAsync(
            async () => (await client.DeadLetters.GetAsync(new GetRequest { Tenant = DemoCast.Tenant, Id = id }, cancellationToken: cancellationToken)).DeadLetter,
            l => l.State == State.Replayed, Patience, cancellationToken);
        verdicts.Check(letter?.State == State.Replayed, $"replayed by id: {letter?.State}");
        var members = await Eventually.AskAsync(
            () => client.Membership.ListMembersAsync(new ListMembersRequest { Tenant = DemoCast.Tenant, GroupJid = DemoCast.PoisonGroup }, cancellationToken: cancellationToken).ResponseAsync,
            m => m.Members.Count == 2, Patience, cancellationToken);
        verdicts.Check(members?.Members.Count == 2, $"the group is there, with {members?.Members.Count} members");
    }

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
