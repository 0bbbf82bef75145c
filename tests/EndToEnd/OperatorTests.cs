using System.Text.Json.Nodes;
using Npgsql;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.EndToEnd;

/// <summary>What an operator does at the console, over the operator API of a running mesh.</summary>
[Collection(MeshCollection.Name)]
public sealed class OperatorTests(MeshUnderTest test)
{
    private static readonly GroupMember Ana = new("999000000000401@lid", "5500900000401@s.whatsapp.net");

    [Fact]
    public async Task A_dead_letter_is_listed_shown_and_replayed_from_the_console()
    {
        var tenant = test.NewTenant();
        const string Group = "120363000000004001@g.us";
        await Books.ExecuteAsync(test.Mesh, "membership", $"alter table whatsapp_groups add constraint refuses_console check (jid <> '{Group}' or tenant <> '{tenant.Name}')");
        await tenant.PostAsync(GroupEvents.Snapshot(Group, "Grupo recusado", [Ana]));
        using var console = OperatorClient.Of(tenant);
        var page = await Eventually.AskAsync(
            () => console.AskAsync("GET", "/api/dead-letters?service=membership"), p => p["dead_letters"]!.AsArray().Count > 0, MeshUnderTest.Patience);
        var id = page!["dead_letters"]![0]!["id"]!.GetValue<string>();

        var (listed, list, _) = await console.ConsoleAsync("dlq", "list", "--service", "membership");
        Assert.Equal(0, listed);
        Assert.Contains(id, list, StringComparison.Ordinal);
        Assert.Contains("poison", list, StringComparison.Ordinal);
        var (_, shown, _) = await console.ConsoleAsync("dlq", "show", id, "--json");
        Assert.Contains("refuses_console", JsonNode.Parse(shown)!["dead_letter"]!["message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("Grupo recusado", shown, StringComparison.Ordinal);
        var (counted, _, _) = await console.ConsoleAsync("dlq", "replay", "--service", "membership", "--all", "--dry-run");
        Assert.Equal(0, counted);
        var (unreasoned, _, why) = await console.ConsoleAsync("dlq", "replay", id);
        Assert.Equal(2, unreasoned);
        Assert.Contains("--reason", why, StringComparison.Ordinal);

        var (failed, again, _) = await console.ConsoleAsync("dlq", "replay", id, "--reason", "to see it fail");
        Assert.Equal(1, failed);
        Assert.Contains("1 failed again", again, StringComparison.Ordinal);
        await Books.ExecuteAsync(test.Mesh, "membership", "alter table whatsapp_groups drop constraint refuses_console");
        var (replayed, done, _) = await console.ConsoleAsync("dlq", "replay", "--service", "membership", "--all", "--reason", "the constraint is gone", "--json");
        Assert.Equal(0, replayed);
        var job = JsonNode.Parse(done)!;
        Assert.Equal(("done", tenant.Name), (job["state"]!.GetValue<string>(), job["requested_by"]!.GetValue<string>()));
        Assert.Single(await tenant.MembersAsync(Group, m => m.Count == 1));
        Assert.Single((await console.AskAsync("GET", $"/api/groups/{Group}/members"))["members"]!.AsArray());
        Assert.Empty((await console.AskAsync("GET", "/api/dead-letters?service=membership"))["dead_letters"]!.AsArray());
    }

    [Fact]
    public async Task The_audit_balances_waits_for_what_is_pending_and_tells_what_was_invented()
    {
        var tenant = test.NewTenant();
        using var console = new OperatorClient(test, test.Mesh.Secrets.OperatorKey);
        await tenant.PostAsync(GroupEvents.Snapshot("120363000000004002@g.us", "Grupo", [Ana]));
        var (balanced, table, error) = await console.ConsoleAsync("audit");
        Assert.True(balanced == 0, table + error);
        Assert.Contains("never logged", table, StringComparison.Ordinal);

        await using (var connection = new NpgsqlConnection(test.Mesh.Databases.ConnectionString("membership")))
        {
            // Nobody can account for anything, and everybody can look.
            await connection.OpenAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await new NpgsqlCommand("lock table deliveries.account in exclusive mode", connection, transaction).ExecuteNonQueryAsync();
            await tenant.PostAsync(GroupEvents.Snapshot("120363000000004003@g.us", "Grupo", [Ana]));
            var (pending, json, _) = await console.ConsoleAsync("audit", "--no-wait", "--json");
            Assert.Equal(1, pending);
            var membership = JsonNode.Parse(json)!["services"]!.AsArray().Single(static service => service!["service"]!.GetValue<string>() == "membership")!;
            Assert.True(membership["logs"]![0]!["pending"]!["count"]!.GetValue<long>() > 0, json);
        }

        var (settled, _, _) = await console.ConsoleAsync("audit");
        Assert.Equal(0, settled);

        await Books.ExecuteAsync(test.Mesh, "membership", "update deliveries.account set done = done + int8multirange(int8range(900000000, 900000003))");
        try
        {
            var (invented, told, _) = await console.ConsoleAsync("audit");
            Assert.Equal(1, invented);
            Assert.Contains("900000000-900000002", told, StringComparison.Ordinal);
        }
        finally
        {
            await Books.ExecuteAsync(test.Mesh, "membership", "update deliveries.account set done = done - int8multirange(int8range(900000000, 900000003))");
        }
    }

    [Fact]
    public async Task What_is_exported_is_imported_as_another_tenant_s_history()
    {
        var (from, to) = (test.NewTenant(), test.NewTenant());
        const string Group = "120363000000004004@g.us";
        await from.PostAsync(GroupEvents.Snapshot(Group, "Grupo", [Ana]));
        using var source = OperatorClient.Of(from);
        using var target = OperatorClient.Of(to);
        var (_, lines) = await source.SendAsync("GET", "/api/events/export?type=groups.metadata");
        Assert.Contains(Group, lines, StringComparison.Ordinal);
        var (status, answer) = await target.SendAsync("POST", "/api/events/import", lines, "application/x-ndjson");
        Assert.True((int)status == 200, answer);
        Assert.Equal(1, JsonNode.Parse(answer)!["appended"]!.GetValue<long>());
        Assert.Single(await to.MembersAsync(Group, m => m.Count == 1));
    }
}
