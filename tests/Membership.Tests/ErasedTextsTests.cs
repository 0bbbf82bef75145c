using System.Text.Json.Nodes;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.Tests;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Membership.Privacy;
using WhatsAppMesh.Membership.Tests.Driving;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>No column of any table says who an erased person was, and the tables are what a rebuild from the erased lake gives.</summary>
public sealed class ErasedTextsTests : IAsyncLifetime
{
    private readonly Person _person = new(Guid.NewGuid(), [Jid.Parse(PersonSamples.Lid), Jid.Parse(PersonSamples.Phone)], [PersonSamples.Username]);

    private MembershipDatabase _database = null!;

    public async Task InitializeAsync() => _database = await MembershipDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task Every_table_forgets_an_erased_person_and_is_what_a_rebuild_gives()
    {
        var events = History();
        foreach (var one in events)
            await _database.ApplyAsync(one);
        Assert.True((await NamedAsync()).Count > 5);
        // What is still to be told to the lake, and what people wrote.
        await using (var command = _database.Source.CreateCommand($$"""
            insert into deliveries.outbox (event_id, tenant, type, occurred_at, payload)
                values (gen_random_uuid(), 'acme', 'identity.linked', now(), '{"lid":"{{PersonSamples.Lid}}","phone_jid":"{{PersonSamples.Phone}}","reason":"told by +1 202 555 0103"}');
            insert into deliveries.audit_trail (at, tenant, who, action, reason, count) values (now(), 'acme', 'ops', 'discard', 'of 12025550103', 1)
            """))
            await command.ExecuteNonQueryAsync();

        await EraseAsync();
        Assert.Empty(await NamedAsync());
        Assert.All((await EraseAsync()).Values, static again => Assert.Equal(0L, again));
        var erased = await _database.StateAsync();
        await _database.EmptyAsync();
        foreach (var one in events)
            await _database.ApplyAsync(Erased(one));
        Assert.Equal(await _database.StateAsync(), erased);
    }

    private List<CollectedEvent> History()
    {
        var collector = new Collector();
        JsonObject Somebody() => new()
        {
            ["id"] = PersonSamples.Lid, ["phoneNumber"] = PersonSamples.Phone, ["username"] = PersonSamples.Username, ["name"] = PersonSamples.Name,
        };
        var events = new List<CollectedEvent>();
        void Add(Func<CollectedEvent> make)
        {
            collector.Clock += TimeSpan.FromHours(1);
            events.Add(make());
        }
        Add(() => collector.Event("groups.metadata", new JsonObject
        {
            ["id"] = Collector.GroupJid, ["subject"] = "@ana.souza_7 and +1 202 555 0103", ["desc"] = "ask 1-202-555-0103 or @999000000000003, not 120255501039",
            ["owner"] = PersonSamples.Phone, ["ownerUsername"] = PersonSamples.Username, ["descOwner"] = PersonSamples.Lid,
            ["participants"] = new JsonArray(Somebody(), Collector.Person(PersonSamples.OtherLid)),
        }));
        Add(() => collector.Message(collector.Clock, PersonSamples.Lid, PersonSamples.Phone, PersonSamples.Name));
        Add(() => collector.Event("group.member-tag.update", new JsonObject
        {
            ["groupId"] = Collector.GroupJid, ["participant"] = PersonSamples.Lid, ["label"] = PersonSamples.Secret,
        }));
        Add(() => collector.Stub("GROUP_PARTICIPANT_LEAVE", collector.Clock, Somebody()));
        Add(() => collector.Stub("GROUP_PARTICIPANT_ADD", collector.Clock, Somebody()));
        Add(() => collector.Event("contacts.upsert", new JsonArray(new JsonObject
        {
            ["id"] = PersonSamples.Lid, ["phoneNumber"] = PersonSamples.Phone, ["notify"] = PersonSamples.Name, ["username"] = PersonSamples.Username, ["status"] = PersonSamples.Secret,
        })));
        Add(() => collector.Event("groups.update", new JsonObject { ["id"] = Collector.GroupJid, ["subject"] = "call 0012025550103 now", ["author"] = PersonSamples.Lid }));
        return events;
    }

    private async Task<List<string>> NamedAsync()
    {
        var named = new List<string>();
        foreach (var table in await _database.RowsAsync("select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('public', 'deliveries') order by 1"))
        {
            named.AddRange((await _database.RowsAsync($"select t::text from {table} t"))
                .Where(static row => System.Text.RegularExpressions.Regex.IsMatch(row, PersonSamples.Gone)).Select(row => $"{table} {row}"));
        }
        return named;
    }

    private Task<IReadOnlyDictionary<string, long>> EraseAsync() => new MembershipErasure(_database.Source, new MembershipOptions())
        .EraseAsync(new Erasure("acme", Guid.NewGuid(), _person, "reason", "ops", "", new Dictionary<int, long>()), default);

    // As the lake rewrites an event.
    private CollectedEvent Erased(CollectedEvent source)
    {
        var erased = source.Clone();
        erased.PayloadJson = PayloadErasure.Erase(source.PayloadJson, _person) ?? source.PayloadJson;
        return erased;
    }
}
