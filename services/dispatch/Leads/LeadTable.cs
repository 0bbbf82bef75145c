using System.Text.Json;
using Npgsql;
using WhatsAppMesh.Deliveries;

namespace WhatsAppMesh.Dispatch.Leads;

/// <summary>Whose lead: ids are the CRM's own, unique within a tenant.</summary>
internal readonly record struct LeadKey(string Tenant, string LeadId);

/// <summary>A lead as the tables have it, and what a batch does to it.</summary>
internal sealed class Lead(LeadKey key)
{
    private readonly Dictionary<Guid, StageEvent> _events = [];
    private readonly HashSet<Guid> _changed = [];

    public LeadKey Key => key;

    public string StageId { get; private set; } = "";

    public LeadFacts Facts { get; } = [];

    /// <summary>The timeline, in no order.</summary>
    public IReadOnlyCollection<StageEvent> Events => _events.Values;

    /// <summary>Entries that are to be written.</summary>
    public IEnumerable<StageEvent> Changed => _changed.Select(id => _events[id]);

    public void Loaded(StageEvent one) => _events[one.EventId] = one;

    /// <summary>Adds what an event tells.</summary>
    public void Add(StageEvent one, IReadOnlyDictionary<string, LeadFact> facts)
    {
        var now = _events.TryGetValue(one.EventId, out var known) ? known.RevisedBy(one) : one;
        if (now != known)
        {
            _events[one.EventId] = now;
            _changed.Add(one.EventId);
        }

        Facts.Merge(facts);
    }

    /// <summary>Takes over what was decided.</summary>
    public void Decide(LeadPlan plan)
    {
        StageId = plan.StageId;
        if (plan.Decided is not { } decided)
            return;
        Mark(decided, isUsed: true);
    }

    /// <summary>The jobs made under another event of the stay go by the event that names it now.</summary>
    public void TakeOver(LeadPlan plan)
    {
        foreach (var one in Events.Where(one => one.Occurrence == plan.Keep || plan.Others.Contains(one.Occurrence)).ToList())
            Mark(one, isUsed: one.Occurrence == plan.Keep);
    }

    private void Mark(StageEvent one, bool isUsed)
    {
        _events[one.EventId] = one with { Used = isUsed };
        _changed.Add(one.EventId);
    }
}

/// <summary>The leads that a batch touches: loaded in one statement each table, written in one each.</summary>
internal sealed class LeadTable
{
    private readonly SortedDictionary<(string, string), Lead> _leads = [];

    public IReadOnlyCollection<Lead> Leads => _leads.Values;

    public Lead this[LeadKey key]
    {
        get
        {
            if (!_leads.TryGetValue((key.Tenant, key.LeadId), out var lead))
                _leads[(key.Tenant, key.LeadId)] = lead = new Lead(key);
            return lead;
        }
    }

    /// <summary>Reads the timelines and the facts of these leads.</summary>
    public void Load(RoundTrip trip, IReadOnlyCollection<LeadKey> keys)
    {
        var (tenants, leads) = (keys.Select(static key => key.Tenant).ToArray(), keys.Select(static key => key.LeadId).ToArray());
        trip.Read("""
            select k.tenant, k.lead_id, e.event_id, e.revision, e.order_at, e.log, e.position, e.stage_id, e.occurrence, e.received_at, e.imported, e.used
            from unnest($1::text[], $2::text[]) k(tenant, lead_id)
            cross join lateral (select * from stage_events where tenant = k.tenant and lead_id = k.lead_id offset 0) e
            """,
            row => this[new LeadKey(row.GetString(0), row.GetString(1))].Loaded(new StageEvent(
                row.GetGuid(2), row.GetInt32(3), row.Time(4), row.GetInt32(5), row.GetInt64(6), row.GetString(7), row.GetString(8), row.Time(9), row.GetBoolean(10), row.GetBoolean(11))),
            tenants, leads);
        trip.Read("""
            select k.tenant, k.lead_id, l.facts::text
            from unnest($1::text[], $2::text[]) k(tenant, lead_id)
            cross join lateral (select facts from leads where tenant = k.tenant and lead_id = k.lead_id offset 0) l
            """,
            row => this[new LeadKey(row.GetString(0), row.GetString(1))].Facts.Merge(JsonSerializer.Deserialize(row.GetString(2), LeadJson.Default.LeadFacts)!),
            tenants, leads);
    }

    /// <summary>Writes what changed.</summary>
    public void Save(RoundTrip trip, DateTimeOffset now)
    {
        var events = Leads.SelectMany(static lead => lead.Changed.Select(one => (lead.Key, one))).ToArray();
        if (events.Length > 0)
        {
            trip.Run("""
                insert into stage_events (tenant, lead_id, event_id, revision, order_at, log, position, stage_id, occurrence, received_at, imported, used)
                select * from unnest($1::text[], $2::text[], $3::uuid[], $4::int[], $5::timestamptz[], $6::int[], $7::bigint[], $8::text[], $9::text[], $10::timestamptz[], $11::bool[], $12::bool[])
                on conflict (tenant, lead_id, event_id) do update set
                    revision = excluded.revision, order_at = excluded.order_at, log = excluded.log, position = excluded.position, stage_id = excluded.stage_id,
                    occurrence = excluded.occurrence, received_at = excluded.received_at, imported = excluded.imported, used = excluded.used
                """,
                events.Select(static e => e.Key.Tenant).ToArray(), events.Select(static e => e.Key.LeadId).ToArray(), events.Select(static e => e.one.EventId).ToArray(),
                events.Select(static e => e.one.Revision).ToArray(), events.Select(static e => e.one.OrderAt).ToArray(), events.Select(static e => e.one.Log).ToArray(),
                events.Select(static e => e.one.Position).ToArray(), events.Select(static e => e.one.StageId).ToArray(), events.Select(static e => e.one.Occurrence).ToArray(),
                events.Select(static e => e.one.ReceivedAt).ToArray(), events.Select(static e => e.one.Imported).ToArray(), events.Select(static e => e.one.Used).ToArray());
        }

        if (_leads.Count > 0)
        {
            trip.Run("""
                insert into leads (tenant, lead_id, stage_id, facts, updated_at)
                select tenant, lead_id, stage_id, facts::jsonb, $5 from unnest($1::text[], $2::text[], $3::text[], $4::text[]) v(tenant, lead_id, stage_id, facts)
                on conflict (tenant, lead_id) do update set stage_id = excluded.stage_id, facts = excluded.facts, updated_at = excluded.updated_at
                """,
                Leads.Select(static lead => lead.Key.Tenant).ToArray(), Leads.Select(static lead => lead.Key.LeadId).ToArray(), Leads.Select(static lead => lead.StageId).ToArray(),
                Leads.Select(static lead => JsonSerializer.Serialize(lead.Facts, LeadJson.Default.LeadFacts)).ToArray(), now);
        }
    }

    /// <summary>What is known of a lead, for placeholders: its fields, and <c>stage</c> and <c>id</c>. Empty when nothing is known (any more).</summary>
    public static async Task<IReadOnlyDictionary<string, string>> FactsAsync(NpgsqlDataSource database, LeadKey key, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("select stage_id, facts::text from leads where tenant = $1 and lead_id = $2");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Tenant });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.LeadId });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        if (!await row.ReadAsync(cancellationToken))
            return new Dictionary<string, string>();
        var known = JsonSerializer.Deserialize(row.GetString(1), LeadJson.Default.LeadFacts)!.ToDictionary(static fact => fact.Key, static fact => fact.Value.Value);
        known["stage"] = row.GetString(0);
        known["id"] = key.LeadId;
        return known;
    }
}
