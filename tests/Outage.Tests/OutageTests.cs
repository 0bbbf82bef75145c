using System.Text;
using System.Text.Json.Nodes;
using Npgsql;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Membership.V1;

namespace WhatsAppMesh.Outage.Tests;

/// <summary>
/// Edge is away for a while in which people join, leave and are promoted. The collector keeps what it sees in its outbox, each change twice:
/// the stub with the server's time, and the update without any. Then all of it comes, late and in any order.
/// </summary>
public sealed class OutageTests : IAsyncLifetime
{
    private const string Group = "120363000000008101@g.us";

    private static readonly GroupMember Ana = new("999000000008101@lid", "12025550181@s.whatsapp.net", "superadmin");
    private static readonly GroupMember Bia = new("999000000008102@lid", "12025550182@s.whatsapp.net");
    private static readonly GroupMember Caio = new("999000000008103@lid", "12025550183@s.whatsapp.net");
    private static readonly GroupMember Dora = new("999000000008104@lid", "12025550184@s.whatsapp.net");
    private static readonly GroupMember Eva = new("999000000008105@lid", "12025550185@s.whatsapp.net");

    private readonly List<CollectorEvent> _outbox = [];
    private TwoServices _services = null!;

    public async Task InitializeAsync() => _services = await TwoServices.StartAsync();

    public async Task DisposeAsync() => await _services.DisposeAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task What_happened_while_edge_was_away_is_what_is_shown_afterwards(int seed)
    {
        await PostAsync(GroupEvents.Snapshot(Group, "Grupo", [Ana, Bia, Eva]));
        await _services.SettledAsync();

        Change(2, "GROUP_PARTICIPANT_ADD", "add", Caio);
        Change(4, "GROUP_PARTICIPANT_LEAVE", "remove", Caio);
        Announce(5, true);
        Change(6, "GROUP_PARTICIPANT_ADD", "add", Caio);
        Change(8, "GROUP_PARTICIPANT_ADD", "add", Dora);
        Announce(9, false);
        Change(10, "GROUP_PARTICIPANT_PROMOTE", "promote", Bia);
        Change(11, "GROUP_PARTICIPANT_REMOVE", "remove", Eva);
        Change(12, "GROUP_PARTICIPANT_PROMOTE", "promote", Dora);
        Change(13, "GROUP_PARTICIPANT_DEMOTE", "demote", Dora);

        _services.Clock.Advance(TimeSpan.FromMinutes(16));
        foreach (var waiting in InSomeOrder(seed))
        {
            _services.Clock.Advance(TimeSpan.FromSeconds(1));
            await PostAsync(waiting);
            // Each is folded by itself, in the order in which it comes.
            await _services.SettledAsync();
        }
        _services.Clock.Advance(TimeSpan.FromMinutes(2));
        await _services.SettledAsync();

        Assert.Equal(["Ana Superadmin", "Bia Admin", "Caio", "Dora"], await MembersAsync());
        Assert.Equal(["Caio 2-4", "Caio 6-", "Dora 8-"], await StaysSinceTheOutageAsync());
        Assert.Equal(["Caio", "Caio", "Dora"], await AnnouncedAsync());
        Assert.False((await _services.Members.GetGroupAsync(new GetGroupRequest { Tenant = "acme", GroupJid = Group })).Group.Announce);
    }

    [Fact]
    public async Task A_join_that_was_told_without_its_time_alone_is_announced_after_a_minute()
    {
        await PostAsync(GroupEvents.Snapshot(Group, "Grupo", [Ana]));
        await PostAsync(GroupEvents.Participants(Group, Ana, "add", [Caio]));
        await _services.SettledAsync();
        Assert.Contains("Caio", await MembersAsync());
        _services.Clock.Advance(TimeSpan.FromSeconds(59));
        await _services.SettledAsync();
        Assert.Empty(await AnnouncedAsync());
        _services.Clock.Advance(TimeSpan.FromSeconds(2));
        await _services.SettledAsync();
        Assert.Equal(["Caio"], await AnnouncedAsync());
    }

    [Fact]
    public async Task Its_twin_with_the_time_ends_the_wait_and_announces_nobody_twice()
    {
        await PostAsync(GroupEvents.Snapshot(Group, "Grupo", [Ana]));
        await PostAsync(GroupEvents.Participants(Group, Ana, "add", [Caio, Dora]));
        await PostAsync(MessageEvents.MembershipStub(Group, Ana, "GROUP_PARTICIPANT_ADD", [Caio], "3EB0A1", At(0)));
        await _services.SettledAsync();
        Assert.Equal(["Caio"], await AnnouncedAsync());
        _services.Clock.Advance(TimeSpan.FromMinutes(2));
        await _services.SettledAsync();
        await PostAsync(MessageEvents.MembershipStub(Group, Ana, "GROUP_PARTICIPANT_ADD", [Dora], "3EB0A2", At(0)));
        await _services.SettledAsync();
        Assert.Equal(["Caio", "Dora"], await AnnouncedAsync());
    }

    [Fact]
    public async Task Somebody_who_comes_back_under_the_same_words_is_back()
    {
        await PostAsync(GroupEvents.Snapshot(Group, "Grupo", [Ana]));
        foreach (var action in new[] { "add", "remove", "add", "remove", "add" })
        {
            await PostAsync(GroupEvents.Participants(Group, Ana, action, [Caio]));
            _services.Clock.Advance(TimeSpan.FromMinutes(16));
            await _services.SettledAsync();
        }
        Assert.Contains("Caio", await MembersAsync());
        Assert.Equal(3, (await StaysSinceTheOutageAsync()).Count);
        Assert.Equal(["Caio", "Caio", "Caio"], await AnnouncedAsync());
    }

    private DateTimeOffset At(int minute) => _services.Start.AddMinutes(minute);

    private void Change(int minute, string stub, string action, GroupMember member)
    {
        _outbox.Add(MessageEvents.MembershipStub(Group, Ana, stub, [member], $"3EB0{minute:D4}", At(minute)));
        _outbox.Add(GroupEvents.Participants(Group, Ana, action, [member]));
    }

    private void Announce(int minute, bool on)
    {
        _outbox.Add(CollectorEvent.Create("messages.upsert", Group, Json(new JsonObject
        {
            ["key"] = new JsonObject { ["remoteJid"] = Group, ["fromMe"] = false, ["id"] = $"3EB0A{minute:D4}", ["participant"] = Ana.Lid },
            ["messageTimestamp"] = At(minute).ToUnixTimeSeconds(),
            ["messageStubType"] = 26,
            ["messageStubParameters"] = new JsonArray(on ? "on" : "off"),
        })));
        _outbox.Add(CollectorEvent.Create("groups.update", Group, Json(new JsonObject { ["id"] = Group, ["announce"] = on, ["author"] = Ana.Lid })));
    }

    private static byte[] Json(JsonObject payload) => Encoding.UTF8.GetBytes(payload.ToJsonString());

    // As they were kept, the other way round, and mixed: a retried row falls behind newer ones.
    private IEnumerable<CollectorEvent> InSomeOrder(int seed) => seed switch
    {
        0 => _outbox,
        1 => Enumerable.Reverse(_outbox),
        _ => Shuffled(new Random(seed)),
    };

    private CollectorEvent[] Shuffled(Random random)
    {
        var mixed = _outbox.ToArray();
        random.Shuffle(mixed);
        return mixed;
    }

    private Task PostAsync(CollectorEvent collected) => _services.PostAsync(collected.EventId.ToString(), new JsonObject
    {
        ["type"] = collected.Type,
        ["chat_jid"] = collected.ChatJid,
        ["payload"] = JsonNode.Parse(collected.Payload.Span),
    }.ToJsonString());

    private async Task<List<string>> MembersAsync()
    {
        var answer = await _services.Members.ListMembersAsync(new ListMembersRequest { Tenant = "acme", GroupJid = Group, PageSize = 100 });
        return [.. answer.Members.Select(static member => member.Role == Role.Unspecified ? NameOf(member.Lid) : $"{NameOf(member.Lid)} {member.Role}").Order(StringComparer.Ordinal)];
    }

    // In minutes since the start.
    private Task<List<string>> StaysSinceTheOutageAsync() => RowsAsync(_services.Groups, $"""
        select p.known_by, round(extract(epoch from s.joined_at - '{_services.Start:O}') / 60) || '-'
            || coalesce(round(extract(epoch from s.left_at - '{_services.Start:O}') / 60)::text, '')
        from whatsapp_group_stays s join whatsapp_participants p on p.id = s.participant_id
        where p.known_by in ('999000000008103@lid', '999000000008104@lid') order by 1, s.number
        """);

    private Task<List<string>> AnnouncedAsync() =>
        RowsAsync(_services.Lake, "select participant_jid, '' from whatsapp_events where type = 'member.joined' order by 1");

    private static async Task<List<string>> RowsAsync(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(sql);
        await using var row = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await row.ReadAsync())
            rows.Add($"{NameOf(row.GetString(0))} {row.GetString(1)}".TrimEnd());
        return rows;
    }

    private static string NameOf(string lid) => lid[^5] switch { '1' => "Ana", '2' => "Bia", '3' => "Caio", '4' => "Dora", _ => "Eva" };
}
