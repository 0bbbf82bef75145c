using System.Text.Json;
using Npgsql;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.EndToEnd;

/// <summary>A transport worse than any real one between the log and membership: what it does to deliveries makes no difference in the end.</summary>
public sealed class FaultyTransportTests
{
    private const int Events = 300;

    // Everything that the tables say, without surrogate ids and without what the order of arrival may round.
    private static readonly string[] Tables =
    [
        "select 'group', tenant, jid, subject, description, announce, first_seen_at from whatsapp_groups",
        "select 'person', tenant, known_by, lid, phone_jid, push_name, first_seen_at from whatsapp_participants",
        "select 'pair', tenant, phone, lid, since, is_unlinked from identity_pairs",
        """
        select 'member', g.tenant, g.jid, p.known_by, m.role, m.joined_at, m.left_at, m.tag from whatsapp_group_participants m
        join whatsapp_participants p on p.id = m.participant_id join whatsapp_groups g on g.id = m.group_id
        """,
        """
        select 'stay', g.tenant, g.jid, p.known_by, s.number, s.joined_at, s.left_at, s.is_start_untimed, s.is_end_untimed from whatsapp_group_stays s
        join whatsapp_participants p on p.id = s.participant_id join whatsapp_groups g on g.id = s.group_id
        """,
        "select 'facts', count(*) from membership_facts",
    ];

    [Theory]
    [InlineData("lose=0.05,duplicate=0.05,shuffle,seed=7")]
    [InlineData("lose=1")]
    public async Task Account_balances_and_membership_is_the_same_as_without_faults(string faults)
    {
        var test = new MeshUnderTest
        {
            Replicas = new Dictionary<string, int>(),
            Environment = new Dictionary<string, IReadOnlyDictionary<string, string>>
            {
                ["membership.sidecar"] = new Dictionary<string, string> { ["DEVSIDECAR_MISBEHAVE"] = faults },
                ["membership"] = new Dictionary<string, string> { ["Deliveries__PullInterval"] = "00:00:00.5", ["Deliveries__PullGrace"] = "00:00:02" },
            },
        };
        try
        {
            await test.InitializeAsync();
            var tenant = test.NewTenant();
            await PostAsync(test, tenant);
            await tenant.SettledAsync();
            await BalancedAsync(test);
            Assert.Matches("mesh_consumer_pulled_total\\{result=\"applied\",service=\"membership\"\\} [1-9]", await MetricsAsync(test));
            var withFaults = await StateAsync(test.Mesh);
            Assert.Contains(withFaults, static row => row.StartsWith("stay|", StringComparison.Ordinal));

            // Without any transport, and so without its faults: an emptied membership fills itself from the lake, in the order of the log.
            await test.Mesh.Process("membership").KillAsync();
            await Books.ExecuteAsync(test.Mesh, "membership", "drop schema public cascade; drop schema deliveries cascade; create schema public");
            await test.Mesh.StartAgainAsync(["membership"]);
            await tenant.SettledAsync();
            await BalancedAsync(test);

            Assert.Equal(withFaults, await StateAsync(test.Mesh));
        }
        finally
        {
            await test.DisposeAsync();
        }
    }

    private static async Task PostAsync(MeshUnderTest test, TestTenant tenant)
    {
        var shape = new TrafficShape { Groups = 8, MembersPerGroup = 12, StubShare = 0.4, SnapshotShare = 0.05 };
        var traffic = new TrafficGenerator(23, shape, TimeProvider.System.GetUtcNow().AddHours(-2));
        using var client = LoadSender.CreateClient(test.Mesh.Service("edge").HttpAddress, 4);
        var plan = new LoadPlan { Connections = 4, Count = Events, Rate = 100, RetryUntilAccepted = true };
        var report = await new LoadSender(client, TimeProvider.System).RunAsync(n => tenant.Sign(traffic.Event(n)), plan);
        Assert.Equal((Events, 0), (report.Accepted, report.Refused));
    }

    private static async Task BalancedAsync(MeshUnderTest test)
    {
        var head = await Books.HeadAsync(test.Mesh);
        using var http = new HttpClient();
        using var audit = JsonDocument.Parse(await http.GetStringAsync(new Uri(test.Mesh.Service("membership").HttpAddress, $"/audit?heads=1:{head}")));
        var log = audit.RootElement.GetProperty("logs")[0];
        var counts = new[] { "applied", "dead", "discarded", "retired", "pending", "never_logged", "torn" }.Select(set => log.GetProperty(set).GetProperty("count").GetInt64());
        Assert.Equal([head, 0, 0, 0, 0, 0, 0], counts);
    }

    private static async Task<string> MetricsAsync(MeshUnderTest test)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync(new Uri(test.Mesh.Service("membership").HttpAddress, "/metrics"));
    }

    private static async Task<List<string>> StateAsync(MeshInstance mesh)
    {
        var rows = new List<string>();
        await using var connection = new NpgsqlConnection(mesh.Databases.ConnectionString("membership"));
        await connection.OpenAsync();
        foreach (var table in Tables)
        {
            await using var command = new NpgsqlCommand(table, connection);
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
                rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(column => reader.IsDBNull(column) ? "-" : reader.GetValue(column) is DateTime time ? time.ToString("O", null) : reader.GetValue(column).ToString())));
        }

        rows.Sort(StringComparer.Ordinal);
        return rows;
    }
}
