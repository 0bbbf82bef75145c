using System.Text.Json.Nodes;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Facts;
using WhatsAppMesh.Membership.Privacy;
using WhatsAppMesh.Membership.Tests.Driving;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>
/// Whatever order a history arrives in, and however it is cut into batches, the tables end up the same. A failing history is made as
/// short as it can be and still fail, and is printed with its seed. MESH_PROPERTY_SEEDS names the last seed of a longer run.
/// </summary>
public sealed class HistoryPropertyTests : IAsyncLifetime
{
    private MembershipDatabase _database = null!;

    public async Task InitializeAsync() => _database = await MembershipDatabase.CreateAsync(
        // Short histories must meet checkpoints too.
        new MembershipOptions { CheckpointFacts = 2, CheckpointAge = TimeSpan.FromMinutes(20) });

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public Task Any_order_and_any_batches_end_in_the_same_state() => CheckAsync(15, 40, async (events, random) =>
    {
        var inOrder = await InOrderAsync(events);
        await _database.EmptyAsync();
        var shuffled = events.ToArray();
        random.Shuffle(shuffled);
        foreach (var batch in Batches(shuffled, random))
            await _database.ApplyAsync(batch);
        return Difference(inOrder, await _database.StateAsync());
    });

    [Fact]
    public Task Two_replicas_that_share_the_events_end_in_the_same_state() => CheckAsync(10, 40, async (events, random) =>
    {
        var inOrder = await InOrderAsync(events);
        await _database.EmptyAsync();
        var shuffled = events.ToArray();
        random.Shuffle(shuffled);
        var half = shuffled.Length / 2;
        await Task.WhenAll(ReplicaAsync(Batches(shuffled[..half], random)), ReplicaAsync(Batches(shuffled[half..], random)));
        return Difference(inOrder, await _database.StateAsync());
    });

    [Fact]
    public Task Step_by_step_gives_the_members_that_one_fold_of_all_facts_gives() => CheckAsync(20, 40, async (events, _) =>
    {
        await InOrderAsync(events);
        return Difference(Folded(events), await _database.RowsAsync("""
            select g.jid, p.known_by, coalesce(m.role, 'member'), m.joined_at, m.left_at from whatsapp_group_participants m
            join whatsapp_participants p on p.id = m.participant_id join whatsapp_groups g on g.id = m.group_id
            """));
    });

    [Fact]
    public Task Every_stay_that_was_told_as_a_join_waits_to_be_announced_exactly_once() => CheckAsync(15, 40, async (events, random) =>
    {
        var shuffled = events.ToArray();
        random.Shuffle(shuffled);
        await _database.EmptyAsync();
        foreach (var batch in Batches(shuffled, random))
            await _database.ApplyAsync(batch);
        return await _database.RowsAsync("""
            select 'stay announced ' || count(m.log) || ' times', s.evidence::text from whatsapp_group_stays s
            cross join lateral jsonb_to_recordset(s.evidence) e(log int, position bigint, jid text, "isJoin" boolean)
            left join member_joins m on m.group_id = s.group_id and m.log = e.log and m.position = e.position and m.jid = e.jid and m.state = 'pending'
            group by s.group_id, s.participant_id, s.number, s.evidence
            having count(m.log) > 1 or (count(m.log) = 0 and bool_or(e."isJoin"))
            """);
    });

    [Fact]
    public Task Erasing_a_person_leaves_what_a_rebuild_from_the_erased_lake_gives() => CheckErasureAsync(static (_, _) => 0);

    [Fact]
    public Task Erasing_a_person_who_came_back_leaves_what_a_rebuild_from_the_erased_lake_gives() =>
        CheckErasureAsync(static (random, length) => random.Next(length + 1));

    [Fact]
    public async Task Whoever_came_back_to_two_groups_is_the_same_pseudonym_there_after_a_second_erasure()
    {
        const string Other = "120363000000000002@g.us";
        var (lid, phone) = (Collector.Lid(2), Collector.Phone(2));
        var person = new Person(Guid.NewGuid(), [Jid.Parse(lid), Jid.Parse(phone)]);
        var collector = new Collector();
        await _database.EmptyAsync();
        CollectedEvent[] Round() =>
        [
            collector.Snapshot(Collector.Person(lid, phone), Collector.Person(Collector.Lid(1))),
            collector.SnapshotOf(Other, null, Collector.Person(phone)),
            collector.Message(collector.Clock, lid, phone, "Ana"),
        ];
        for (var round = 0; round < 3; round++)
        {
            collector.Clock += TimeSpan.FromHours(1);
            await _database.ApplyAsync(Round());
            Assert.Contains(lid, await _database.ActiveAsync());
            await EraseAsync(person);
            var pseudonym = person.PseudonymOf(Jid.Parse(lid));
            Assert.Equal(new[] { pseudonym, Collector.Lid(1) }.Order(StringComparer.Ordinal), await _database.ActiveAsync());
            Assert.Equal([pseudonym], await _database.ActiveAsync(Other));
            Assert.DoesNotContain(await _database.StateAsync(), row => person.MayBeIn(row) || row.Contains("Ana", StringComparison.Ordinal));
        }
    }

    /// <summary>Erases a person once before the event with the chosen index, and once at the end.</summary>
    private Task CheckErasureAsync(Func<Random, int, int> early) => CheckAsync(10, 40, async (events, random) =>
    {
        var person = new Person(new Guid("6f1d6f0e-7c52-5b0a-9a86-2d3c54b6a1e7"), [Jid.Parse(Collector.Lid(2)), Jid.Parse(Collector.Phone(2))]);
        // What such a message calls its sender is gone from the lake, and is the other's name here.
        events = events.FindAll(source => !NamesAnotherBeside(source, person));
        var rebuilt = await InOrderAsync(events.Select(source => Erased(source, person)));
        await _database.EmptyAsync();
        var split = early(random, events.Count);
        foreach (var one in events[..split])
            await _database.ApplyAsync(one);
        await EraseAsync(person);
        foreach (var one in events[split..])
            await _database.ApplyAsync(one);
        await EraseAsync(person);
        var again = await EraseAsync(person);
        var left = await _database.RowsAsync($"""
            select 'still named in ' || name, text from (
                select 'facts', entries from membership_facts union all select 'rosters', entries from membership_rosters union all
                select 'checkpoints', members from group_checkpoints union all select 'joins', m::text from member_joins m union all
                select 'tags', t::text from group_tags t union all select 'mentions', m::text from group_phone_mentions m) t(name, text)
            where text ~ '{person.Pattern}'
            """);
        return [.. Difference(rebuilt, await _database.StateAsync()), .. left, .. again.Where(static table => table.Value > 0).Select(static table => $"again {table.Key}")];
    });

    private Task<IReadOnlyDictionary<string, long>> EraseAsync(Person person) => new MembershipErasure(_database.Source, new MembershipOptions { CheckpointFacts = 2, CheckpointAge = TimeSpan.FromMinutes(20) })
        .EraseAsync(new Erasure("acme", Guid.NewGuid(), person, "reason", "ops", "", new Dictionary<int, long>()), default);

    private static bool NamesAnotherBeside(CollectedEvent source, Person person) =>
        source.Type == "messages.upsert" && JsonNode.Parse(source.PayloadJson)!["key"] is { } key && (string?)key["participantAlt"] is { } alt
        && person.IsIn(alt) != person.IsIn((string)key["participant"]!);

    // As the lake rewrites an event.
    private static CollectedEvent Erased(CollectedEvent source, Person person)
    {
        var erased = source.Clone();
        (erased.ChatJid, erased.ParticipantJid, erased.ParticipantAlt) =
            (person.Replace(source.ChatJid), person.Replace(source.ParticipantJid), person.Replace(source.ParticipantAlt));
        erased.PayloadJson = PayloadErasure.Erase(source.PayloadJson, person, person.IsIn(source.ParticipantJid) || person.IsIn(source.ParticipantAlt)) ?? source.PayloadJson;
        return erased;
    }

    private async Task<List<string>> InOrderAsync(IEnumerable<CollectedEvent> events)
    {
        await _database.EmptyAsync();
        foreach (var one in events)
            await _database.ApplyAsync(one);
        return await _database.StateAsync();
    }

    private async Task ReplicaAsync(IEnumerable<CollectedEvent[]> batches)
    {
        foreach (var batch in batches)
            await _database.ApplyAsync(batch);
    }

    /// <summary>The members by the book: all facts, all pairs, one fold. Knows no tables.</summary>
    private static List<string> Folded(List<CollectedEvent> events)
    {
        var seen = EventReaders.Read(events);
        var pairs = seen.Pairs.Select(static pair => (pair.Phone, pair.Lid, pair.At)).Concat(
            from fact in seen.Facts
            from entry in fact.Fact.Entries
            where entry.Lid is not null && entry.Phone is not null
            select (entry.Phone!, entry.Lid!, fact.Fact.Key.OrderAt));
        var unlinked = seen.Decisions.GroupBy(static decision => (decision.Phone, decision.Lid))
            .Where(static same => !same.MaxBy(static decision => decision.Key)!.IsLinked).Select(static same => same.Key).ToHashSet();
        var identity = new Identity(pairs.GroupBy(static pair => (Phone: pair.Item1, Lid: pair.Item2)).Where(same => !unlinked.Contains(same.Key))
            .Select(static same => new IdentityPair(same.Key.Phone, same.Key.Lid, same.Min(static pair => pair.Item3))),
            seen.NumberChanges.GroupBy(static change => (change.OldPhone, change.NewPhone))
                .Select(static same => new NumberChange(same.Key.OldPhone, same.Key.NewPhone, same.Min(static change => change.At), same.Max(static change => change.At))));
        return [.. from fact in seen.Facts
                   group fact.Fact by fact.Group into own
                   from member in Fold.Of([.. own.OrderBy(static fact => fact.Key)], identity).Members
                   select $"{own.Key.Jid}|{member.Key}|{member.Value.Role.ToString().ToLowerInvariant()}|{Text(member.Value.JoinedAt)}|{Text(member.Value.LeftAt)}"];

        static string Text(DateTimeOffset? time) => time?.ToString("MM-dd HH:mm:ss.ffffff", null) ?? "-";
    }

    private static IEnumerable<CollectedEvent[]> Batches(CollectedEvent[] events, Random random)
    {
        var sizes = new Random(random.Next());
        for (var start = 0; start < events.Length;)
        {
            var size = Math.Min(sizes.Next(1, 8), events.Length - start);
            yield return events[start..(start + size)];
            start += size;
        }
    }

    private static List<string> Difference(List<string> expected, List<string> actual) =>
    [
        .. expected.Except(actual).Select(static row => "expected " + row),
        .. actual.Except(expected).Select(static row => "actual   " + row),
    ];

    private static async Task CheckAsync(int seeds, int length, Func<List<CollectedEvent>, Random, Task<List<string>>> property)
    {
        var last = int.TryParse(Environment.GetEnvironmentVariable("MESH_PROPERTY_SEEDS"), out var asked) ? asked : seeds;
        for (var seed = 1; seed <= last; seed++)
        {
            var history = RandomHistory.Of(seed, length);
            if ((await property(history, new Random(seed))).Count == 0)
                continue;
            for (var i = history.Count - 1; i >= 0; i--)
            {
                List<CollectedEvent> shorter = [.. history[..i], .. history[(i + 1)..]];
                if ((await property(shorter, new Random(seed))).Count > 0)
                    history = shorter;
            }
            var lines = history.Select(static e => $"{e.Position} {e.Type} {e.OccurredAt.ToDateTimeOffset():dd HH:mm:ss} {e.OccurredAtSource} {e.PayloadJson}");
            Assert.Fail($"Seed {seed}:\n{string.Join('\n', await property(history, new Random(seed)))}\nHistory:\n{string.Join('\n', lines)}");
        }
    }
}
