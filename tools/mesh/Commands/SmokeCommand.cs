using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Npgsql;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Membership.V1;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh smoke</c>: one signed event through a running mesh, as a tenant of its own.</summary>
internal static class SmokeCommand
{
    private const string Source = "smoke";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    // What one smoke event leaves behind, by the group's id; its people are in no other group.
    private const string CleanUp =
        """
        with gone as (select id from whatsapp_groups where tenant = 'smoke' and jid = $1),
             people as (select participant_id as id from whatsapp_group_participants where group_id in (select id from gone))
        select (select array_agg(id) from gone), (select array_agg(id) from people)
        """;

    private static readonly string[] GroupTables =
        ["member_joins", "whatsapp_group_stays", "whatsapp_group_participants", "group_tags", "group_phone_mentions", "group_field_changes", "membership_facts", "membership_rosters"];

    public static Command Create(MeshContext context)
    {
        var command = new Command(
            "smoke",
            "Send one signed event through the running mesh, check that membership has it, and remove it from membership again. "
            + "It belongs to the tenant 'smoke'; the event itself stays in the lake, which forgets nothing.");
        command.Does((_, cancellationToken) => RunAsync(context.Folder, new Screen(), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(MeshFolder folder, Screen screen, CancellationToken cancellationToken)
    {
        if (MeshState.Load(folder) is not { Ready: true } state || !state.IsAlive())
            throw new MeshException("No mesh is up. Start one with './mesh up'.");
        var secrets = MeshSecrets.LoadOrCreate(folder);
        var stamp = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        var group = $"12036{stamp}@g.us";
        var member = new GroupMember($"999{stamp}@lid", $"55009{stamp}@s.whatsapp.net");
        var post = new CollectorSigner(secrets.SmokeSecret, TimeProvider.System, Source).Sign(GroupEvents.Snapshot(group, "smoke", [member]), SigningScheme.V2);

        var clock = Stopwatch.StartNew();
        using var client = LoadSender.CreateClient(state.Services.First(s => s.AppId == "edge").Http, 1);
        using var answer = await LoadSender.PostUntilAnsweredAsync(client, post, Patience, TimeProvider.System, cancellationToken);
        screen.Verdict(answer.StatusCode == HttpStatusCode.Created, $"edge answered {(int)answer.StatusCode} after {clock.ElapsedMilliseconds} ms");
        if (answer.StatusCode != HttpStatusCode.Created)
            return ExitCodes.Failed;

        var edge = state.Services.First(s => s.AppId == "edge");
        using var mesh = new MeshClient(edge.DaprHttp, edge.DaprGrpc, state.AsksForToken ? secrets.DaprApiToken : "");
        var members = await Eventually.AskAsync(
            () => mesh.Membership.ListMembersAsync(new ListMembersRequest { Tenant = Source, GroupJid = group }, cancellationToken: cancellationToken).ResponseAsync,
            m => m.Members.Count == 1, Patience, cancellationToken);
        var good = members?.Members.Count == 1 && members.Members[0].Lid == member.Lid;
        screen.Verdict(good, good
            ? $"membership has it after {clock.ElapsedMilliseconds} ms"
            : $"membership does not have it after {Patience.TotalSeconds} s: see './mesh logs ingest' and './mesh logs membership'");
        await CleanUpAsync(secrets.Databases["membership"], group, cancellationToken);
        return good ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static async Task CleanUpAsync(string connectionString, string group, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var (groups, people) = await FindAsync(connection, group, cancellationToken);
        foreach (var table in GroupTables)
            await DeleteAsync(connection, $"delete from {table} where group_id = any($1)", groups, cancellationToken);
        await DeleteAsync(connection, "delete from whatsapp_groups where id = any($1)", groups, cancellationToken);
        await DeleteAsync(connection, "delete from identity_pairs where tenant = 'smoke' and lid in (select jid from whatsapp_participant_jids where participant_id = any($1))", people, cancellationToken);
        await DeleteAsync(connection, "delete from whatsapp_participant_jids where participant_id = any($1)", people, cancellationToken);
        await DeleteAsync(connection, "delete from whatsapp_participants where id = any($1)", people, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task<(long[] Groups, long[] People)> FindAsync(NpgsqlConnection connection, string group, CancellationToken cancellationToken)
    {
        await using var find = new NpgsqlCommand(CleanUp, connection) { Parameters = { new() { Value = group } } };
        await using var reader = await find.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        long[] Ids(int column) => reader.IsDBNull(column) ? [] : reader.GetFieldValue<long[]>(column);
        return (Ids(0), Ids(1));
    }

    private static async Task DeleteAsync(NpgsqlConnection connection, string sql, long[] ids, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = ids } } };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
