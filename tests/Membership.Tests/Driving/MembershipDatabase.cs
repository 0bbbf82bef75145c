using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Membership.Schema;
using WhatsAppMesh.Migrations;

namespace WhatsAppMesh.Membership.Tests.Driving;

/// <summary>A membership database of a test's own, and the handler that fills it.</summary>
public sealed class MembershipDatabase : IAsyncDisposable
{
    private const string Tables = """
        whatsapp_groups, whatsapp_participants, whatsapp_participant_jids, identity_pairs, number_changes, membership_rosters, membership_facts,
        group_phone_mentions, group_checkpoints, group_tags, whatsapp_group_participants, whatsapp_group_stays, member_joins, group_field_changes
        """;

    private readonly TestDatabase _database;
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    private MembershipDatabase(TestDatabase database, MembershipOptions options)
    {
        _database = database;
        var builder = new NpgsqlDataSourceBuilder(database.ConnectionString);
        builder.UseLoggerFactory(LoggerFactory.Create(logging => logging.AddProvider(Statements).SetMinimumLevel(LogLevel.Debug)));
        Source = builder.Build();
        Handler = new MembershipHandler(options, new MembershipMetrics(_services.GetRequiredService<IMeterFactory>()));
    }

    public NpgsqlDataSource Source { get; }

    public string ConnectionString => _database.ConnectionString;

    public MembershipHandler Handler { get; }

    /// <summary>Counts the statements that were sent.</summary>
    public StatementCounter Statements { get; } = new();

    public static async Task<MembershipDatabase> CreateAsync(MembershipOptions? options = null)
    {
        var database = new MembershipDatabase(await TestDatabase.CreateAsync(), options ?? new MembershipOptions());
        await SchemaMigration.RunAsync(database._database.ConnectionString, static connection => new MembershipContext(connection), default);
        return database;
    }

    /// <summary>Applies events as one batch, as deliveries would: sorted, in one transaction.</summary>
    public async Task ApplyAsync(params IEnumerable<CollectedEvent> events)
    {
        await using var connection = await Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await Handler.ApplyAsync([.. events.OrderBy(static e => e.Log).ThenBy(static e => e.Position)], DeliveryContext.First, transaction, default);
        await transaction.CommitAsync();
    }

    /// <summary>Rows of a query, columns joined by <c>|</c>, null as <c>-</c>.</summary>
    public async Task<List<string>> RowsAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(column => reader.IsDBNull(column)
                ? "-"
                : reader.GetValue(column) is DateTime time ? time.ToString("MM-dd HH:mm:ss.ffffff", null) : reader.GetValue(column).ToString())));
        }
        return rows;
    }

    public async Task<T> ValueAsync<T>(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async Task EmptyAsync()
    {
        await using var command = Source.CreateCommand($"truncate {Tables} restart identity cascade");
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Members as <c>JID|role|joined|left|tag</c>, each by the JID that the person is known by.</summary>
    public Task<List<string>> MembersAsync(string group = Collector.GroupJid) => RowsAsync($"""
        select p.known_by, m.role, to_char(m.joined_at at time zone 'utc', 'HH24:MI'), to_char(m.left_at at time zone 'utc', 'HH24:MI'), m.tag
        from whatsapp_group_participants m join whatsapp_participants p on p.id = m.participant_id join whatsapp_groups g on g.id = m.group_id
        where g.jid = '{group}' order by p.known_by collate "C"
        """);

    /// <summary>JIDs of who is in the group now.</summary>
    public Task<List<string>> ActiveAsync(string group = Collector.GroupJid) => RowsAsync($"""
        select p.known_by from whatsapp_group_participants m
        join whatsapp_participants p on p.id = m.participant_id join whatsapp_groups g on g.id = m.group_id
        where g.jid = '{group}' and m.left_at is null order by p.known_by collate "C"
        """);

    /// <summary>Everything that the tables say, without surrogate ids: equal for equal states.</summary>
    public async Task<List<string>> StateAsync()
    {
        string[] queries =
        [
            "select 'group', tenant, jid, subject, description, announce, stated_fields, timed_received_at, untimed_received_at, first_seen_at, last_seen_at from whatsapp_groups order by 2, 3",
            "select 'person', tenant, known_by, lid, phone_jid, push_name, username, first_seen_at, last_seen_at from whatsapp_participants order by 2, 3",
            """
            select 'jid', j.tenant, j.jid, p.known_by, j.owned_since, j.first_seen_at, j.last_active_at, j.push_name, j.push_name_at, j.username
            from whatsapp_participant_jids j join whatsapp_participants p on p.id = j.participant_id order by 2, 3
            """,
            """
            select 'field change', g.tenant, g.jid, c.order_at, c.log, c.position, c.ordinal, c.field, c.value, c.untimed, c.received_at, c.source
            from group_field_changes c join whatsapp_groups g on g.id = c.group_id order by 2, 3, 4, 5, 6, 7
            """,
            "select 'change', tenant, old_phone, new_phone, first_at, last_at from number_changes order by 2, 3, 4",
            "select 'pair', tenant, phone, lid, since, is_unlinked from identity_pairs order by 2, 3, 4",
            """
            select 'member', g.tenant, g.jid, p.known_by, m.role, m.joined_at, m.left_at, m.is_left_untimed, m.tag, m.promoted_received_at from whatsapp_group_participants m
            join whatsapp_participants p on p.id = m.participant_id join whatsapp_groups g on g.id = m.group_id order by 2, 3, 4
            """,
            """
            select 'stay', g.tenant, g.jid, p.known_by, s.number, s.joined_at, s.is_start_untimed, s.left_at, s.is_end_untimed, s.is_end_by_roster, s.evidence::text
            from whatsapp_group_stays s
            join whatsapp_participants p on p.id = s.participant_id join whatsapp_groups g on g.id = s.group_id order by 2, 3, 4, 5
            """,
        ];
        var state = new List<string>();
        foreach (var query in queries)
            state.AddRange(await RowsAsync(query));
        return state;
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await _services.DisposeAsync();
        await _database.DisposeAsync();
    }
}
