using System.Text.Json;
using Npgsql;
using WhatsAppMesh.Deliveries;

namespace WhatsAppMesh.Dispatch.Automations;

/// <summary>Automations as their table has them.</summary>
internal static class AutomationRows
{
    /// <summary>Columns that <see cref="Read"/> reads, from a table called <c>a</c>.</summary>
    public const string Columns = "a.id, a.tenant, a.name, a.enabled, a.trigger_kind, a.trigger_value, a.steps::text, a.version, a.enabled_since, a.created_at, a.updated_at";

    /// <summary>One row.</summary>
    public static Automation Read(NpgsqlDataReader row) => new(
        row.GetGuid(0), row.GetString(1),
        new AutomationDraft(row.GetString(2), row.GetBoolean(3), row.GetString(4), row.GetString(5),
            JsonSerializer.Deserialize(row.GetString(6), AutomationJson.Default.IReadOnlyListAutomationStep)!),
        row.GetInt32(7), row.Time(8), row.Time(9), row.Time(10));

    /// <summary>
    /// Reads the live automations of these triggers, and keeps them as they are until the commit: one that is switched off meanwhile waits,
    /// and then cancels the jobs made here.
    /// </summary>
    public static void Load(RoundTrip trip, IReadOnlyCollection<(string Tenant, string Kind, string Value)> triggers, List<Automation> into) => trip.Read($"""
        select {Columns} from automations a
        where a.enabled and a.deleted_at is null and a.id = any(array(
            select l.id from unnest($1::text[], $2::text[], $3::text[]) k(tenant, kind, value)
            cross join lateral (
                select id from automations where tenant = k.tenant and trigger_kind = k.kind and trigger_value = k.value and enabled and deleted_at is null offset 0) l))
        order by a.id for share of a
        """,
        row => into.Add(Read(row)),
        triggers.Select(static trigger => trigger.Tenant).ToArray(), triggers.Select(static trigger => trigger.Kind).ToArray(),
        triggers.Select(static trigger => trigger.Value).ToArray());
}
