using System.Collections.Concurrent;
using Npgsql;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Faults;

/// <summary>A row of the lake, as far as the books need it.</summary>
internal readonly record struct LakeRow(int Log, long Position, Guid EventId, string Type, long Quarter);

/// <summary>
/// What was posted, what was promised (answered with 2xx), what is stored and what is applied: as sets of event ids, read from the
/// databases themselves, past every cache and API.
/// </summary>
/// <param name="mesh">Whose databases.</param>
/// <param name="tenant">The tenant whose events are posted.</param>
public sealed class FaultBooks(MeshInstance mesh, string tenant)
{
    private readonly ConcurrentDictionary<Guid, CollectorEvent> _posted = new();
    private readonly ConcurrentDictionary<Guid, bool> _accepted = new();
    private IReadOnlyList<string>? _consumers;

    /// <summary>Events of which at least one post was tried.</summary>
    public int Posted => _posted.Count;

    /// <summary>Events answered with 2xx.</summary>
    public int Accepted => _accepted.Count;

    /// <summary>Notes that an event is about to be posted.</summary>
    public void Post(CollectorEvent collected) => _posted[collected.EventId] = collected;

    /// <summary>Notes that an event was answered with 2xx.</summary>
    public void Accept(Guid eventId) => _accepted[eventId] = true;

    /// <summary>Events posted that not every consumer has accounted for yet.</summary>
    public async Task<int> InFlightAsync(CancellationToken cancellationToken)
    {
        var rows = await LakeAsync(cancellationToken);
        var applied = await AppliedByAllAsync(rows, cancellationToken);
        return _posted.Keys.Count(id => !applied.Contains(id));
    }

    /// <summary>Compares what was promised with what is stored, at any time.</summary>
    public async Task<FaultBalance> CheckAsync(CancellationToken cancellationToken)
    {
        // What is promised while the lake is read need not be in it.
        var promised = _accepted.Keys.ToArray();
        var rows = await LakeAsync(cancellationToken);
        var stored = rows.Select(r => r.EventId).ToHashSet();
        return new FaultBalance(promised.Count(id => !stored.Contains(id)), Doubled(rows));
    }

    /// <summary>True once every consumer has accounted for an event.</summary>
    public async Task<bool> IsAppliedAsync(Guid eventId, CancellationToken cancellationToken)
    {
        var places = await QueryAsync(
            "ingest",
            "select s.log, s.position from seen s join tenants t on t.id = s.tenant where t.name = $1 and s.event_id = $2",
            r => (Log: r.GetInt32(0), Position: r.GetInt64(1)), cancellationToken, tenant, eventId);
        if (places.Count == 0)
            return false;
        foreach (var consumer in await ConsumersAsync(cancellationToken))
        {
            var has = await QueryAsync(
                consumer, "select done @> $2::int8 from deliveries.account where log = $1", r => r.GetBoolean(0), cancellationToken, places[0].Log, places[0].Position);
            if (has is not [true])
                return false;
        }
        return true;
    }

    /// <summary>Everything that must be true once nothing is under way any more.</summary>
    /// <returns>What is not true, as sentences; empty when the books balance.</returns>
    public async Task<(FaultBalance Balance, IReadOnlyList<string> Faults)> CloseAsync(CancellationToken cancellationToken)
    {
        var rows = await LakeAsync(cancellationToken);
        var stored = rows.Where(r => r.Type != "member.joined").Select(r => r.EventId).ToHashSet();
        var posted = _posted.Keys.ToHashSet();
        var applied = await AppliedByAllAsync(rows, cancellationToken);
        List<string> faults = [];
        Require(faults, posted.Except(_accepted.Keys).Count(), "events were posted and never accepted");
        Require(faults, posted.Except(stored).Count(), "events were posted and are not in the lake");
        Require(faults, stored.Except(posted).Count(), "events are in the lake that nobody posted");
        Require(faults, posted.Except(applied).Count(), "events were posted and not applied");
        Require(faults, Doubled(rows), "events are in the lake twice");
        faults.AddRange(await FactsAsync(rows, cancellationToken));
        return (new FaultBalance(posted.Except(applied).Count(), Doubled(rows)), faults);
    }

    /// <summary>Messages that no consumer group has settled yet; zero with a sidecar that keeps its topics elsewhere.</summary>
    public async Task<long> UnsettledAsync(CancellationToken cancellationToken)
    {
        if (await QueryAsync(MeshDatabases.Sidecar, "select to_regclass('sidecar.cursors') is not null", r => r.GetBoolean(0), cancellationToken) is not [true])
            return 0;
        return (await QueryAsync(
            MeshDatabases.Sidecar,
            """
            select (select coalesce(sum(t.last + 1 - c.next), 0)::bigint from sidecar.cursors c join sidecar.topics t on t.id = c.topic)
                + (select count(*) from sidecar.leases)
            """,
            r => r.GetInt64(0), cancellationToken))[0];
    }

    /// <summary>Owners of a database that keep an account of the log.</summary>
    public async Task<IReadOnlyList<string>> ConsumersAsync(CancellationToken cancellationToken)
    {
        if (_consumers is not null)
            return _consumers;
        List<string> consumers = [];
        foreach (var owner in mesh.Databases.ConnectionStrings.Keys)
        {
            if (await QueryAsync(owner, "select to_regclass('deliveries.account') is not null", r => r.GetBoolean(0), cancellationToken) is [true])
                consumers.Add(owner);
        }
        return _consumers = consumers;
    }

    private static void Require(List<string> faults, int count, string what)
    {
        if (count > 0)
            faults.Add($"{count} {what}");
    }

    // A roster is an observation: told again in another quarter of an hour it counts again (and a retry may cross the border of one).
    private static int Doubled(IEnumerable<LakeRow> rows) =>
        rows.GroupBy(r => (r.EventId, Quarter: r.Type == "groups.metadata" ? r.Quarter : 0)).Sum(g => g.Count() - 1);

    private Task<List<LakeRow>> LakeAsync(CancellationToken cancellationToken) => QueryAsync(
        "ingest",
        """
        select e.log, e.position, e.event_id, e.type, floor(extract(epoch from e.received_at) / 900)::bigint
        from whatsapp_events e join tenants t on t.id = e.tenant where t.name = $1
        """,
        r => new LakeRow(r.GetInt32(0), r.GetInt64(1), r.GetGuid(2), r.GetString(3), r.GetInt64(4)), cancellationToken, tenant);

    private async Task<HashSet<Guid>> AppliedByAllAsync(List<LakeRow> rows, CancellationToken cancellationToken)
    {
        var applied = rows.ToList();
        foreach (var consumer in await ConsumersAsync(cancellationToken))
        {
            var spans = await QueryAsync(
                consumer, "select a.log, lower(s), upper(s) from deliveries.account a, unnest(a.done) s",
                r => (Log: r.GetInt32(0), From: r.GetInt64(1), To: r.GetInt64(2)), cancellationToken);
            applied.RemoveAll(row => !spans.Exists(s => s.Log == row.Log && row.Position >= s.From && row.Position < s.To));
        }
        return [.. applied.Select(r => r.EventId)];
    }

    /// <summary>Each notification and each roster is one fact of its group; what was applied twice is there twice.</summary>
    private async Task<IReadOnlyList<string>> FactsAsync(List<LakeRow> rows, CancellationToken cancellationToken)
    {
        var facts = await QueryAsync(
            "membership",
            "select f.log, f.position from membership_facts f join whatsapp_groups g on g.id = f.group_id where g.tenant = $1",
            r => (r.GetInt32(0), r.GetInt64(1)), cancellationToken, tenant);
        var told = rows.Where(r => _posted.TryGetValue(r.EventId, out var posted) && IsFact(posted)).Select(r => (r.Log, r.Position)).ToHashSet();
        List<string> faults = [];
        Require(faults, told.Except(facts).Count(), "notifications and rosters have no fact in membership");
        Require(faults, facts.Except(told).Count(), "facts in membership come from no notification or roster");
        Require(faults, facts.Count - facts.Distinct().Count(), "facts are in membership twice");
        return faults;
    }

    private static bool IsFact(CollectorEvent collected) =>
        collected.Type == "groups.metadata" || collected.Payload.Span.IndexOf("messageStubType"u8) >= 0;

    private async Task<List<T>> QueryAsync<T>(string owner, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken, params object[] values)
    {
        // No pool: its connections would not survive the faults.
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(mesh.Databases.ConnectionString(owner)) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        var rows = new List<T>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(read(reader));
        return rows;
    }
}

/// <summary>What is wrong between promise and lake (or, at the end, between posts and effects).</summary>
/// <param name="Lost">Events promised that are not there.</param>
/// <param name="Doubled">Events that are there more than once.</param>
public sealed record FaultBalance(int Lost, int Doubled);
