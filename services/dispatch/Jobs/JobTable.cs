using System.Text.Json;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Dispatch.Leads;
using WhatsAppMesh.Dispatch.Messages;

namespace WhatsAppMesh.Dispatch.Jobs;

/// <summary>What a batch of events does to the jobs, a statement each however many they are.</summary>
internal static class JobTable
{
    private const string Stays = "unnest($1::text[], $2::text[], $3::text[]) p(tenant, lead_id, stay)";

    /// <summary>
    /// Reads and locks the jobs that these plans concern, and before them the automations of those that might come back: automations first
    /// and rows by id, as everything that changes many jobs, so that no two of them deadlock.
    /// </summary>
    /// <param name="enabled">Gets the automations that are on, and stay so until the commit.</param>
    /// <param name="into">Gets the jobs.</param>
    public static void Load(RoundTrip trip, IReadOnlyCollection<(LeadKey Lead, LeadPlan Plan)> plans, HashSet<Guid> enabled, List<(LeadKey Lead, StageJob Job)> into)
    {
        if (plans.Count == 0)
            return;
        object[] stays =
        [
            plans.Select(static one => one.Lead.Tenant).ToArray(), plans.Select(static one => one.Lead.LeadId).ToArray(),
            plans.Select(static one => string.Join('\n', one.Plan.Others.Prepend(one.Plan.Keep))).ToArray(),
        ];
        trip.Read($"""
            select a.id from automations a
            where a.enabled and a.deleted_at is null and a.id = any(array(
                select j.automation_id from {Stays} cross join lateral (
                    select automation_id from jobs where tenant = p.tenant and entity = p.lead_id and occurrence = any(string_to_array(p.stay, E'\n'))
                        and trigger_kind = 'stage_changed' and left_stage and status in ('cancelled', 'processing') offset 0) j))
            order by a.id for share of a
            """, row => enabled.Add(row.GetGuid(0)), stays);
        trip.Read($$"""
            select j.id, j.key, j.automation_id, j.step_id, j.occurrence, j.status, j.attempts, j.left_stage and j.message <> '{}', j.cancel_requested,
                j.reserved_until is not null, j.replay_of is not null, j.tenant, j.entity
            from jobs j
            where j.id = any(array(
                select j.id from {{Stays}} cross join lateral (
                    select id from jobs where tenant = p.tenant and entity = p.lead_id and trigger_kind = 'stage_changed'
                        and (occurrence = any(string_to_array(p.stay, E'\n')) or status in ('pending', 'processing')) offset 0) j))
            order by j.id for update of j
            """,
            row => into.Add((new LeadKey(row.GetString(11), row.GetString(12)), new StageJob(
                row.GetGuid(0), row.GetString(1), row.GetGuid(2), row.GetString(3), row.GetString(4), row.GetString(5), row.GetInt32(6), row.GetBoolean(7), row.GetBoolean(8),
                row.GetBoolean(9), row.GetBoolean(10)))), stays);
    }

    /// <summary>Writes what became of jobs that <see cref="Load"/> has locked.</summary>
    public static void Save(RoundTrip trip, IReadOnlyCollection<StageJob> changed, DateTimeOffset now)
    {
        if (changed.Count == 0)
            return;
        trip.Run("""
            update jobs j set status = v.status, left_stage = v.left_stage, cancel_requested = v.cancel_requested, occurrence = v.occurrence,
                key = v.key, send_key = case when j.key = v.key then j.send_key else v.send_key end,
                finished_at = case when v.status not in ('pending', 'processing') then coalesce(j.finished_at, $8) end, updated_at = $8
            from unnest($1::uuid[], $2::text[], $3::bool[], $4::bool[], $5::text[], $6::text[], $7::text[]) v(id, status, left_stage, cancel_requested, occurrence, key, send_key)
            where j.id = v.id
            """,
            changed.Select(static job => job.Id).ToArray(), changed.Select(static job => job.Status).ToArray(), changed.Select(static job => job.LeftStage).ToArray(),
            changed.Select(static job => job.CancelRequested).ToArray(), changed.Select(static job => job.Occurrence).ToArray(),
            changed.Select(static job => job.Key).ToArray(), changed.Select(static job => JobKey.Hash(job.Key)).ToArray(), now);
    }

    /// <summary>Makes jobs; those that exist already stay as they are.</summary>
    public static void Create(RoundTrip trip, IReadOnlyCollection<NewJob> jobs, Func<NewJob, string?> traceParentOf, DateTimeOffset now, Action<int> created)
    {
        if (jobs.Count == 0)
            return;
        var rows = jobs.OrderBy(static job => job.Cause.Tenant, StringComparer.Ordinal).ThenBy(static job => job.Key, StringComparer.Ordinal).ToArray();
        trip.Read("""
            with made as (
                insert into jobs (id, tenant, key, send_key, kind, automation_id, step_id, trigger_kind, entity, occurrence, instance_id, message, subject, status,
                    due_at, next_attempt_at, log, position, received_at, traceparent, created_at, updated_at)
                select id, tenant, key, send_key, 'automation', automation_id, step_id, trigger_kind, entity, occurrence, instance_id, message::jsonb, subject::jsonb, 'pending',
                    due_at, due_at, log, position, received_at, traceparent, $18, $18
                from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
                    $13::timestamptz[], $14::int[], $15::bigint[], $16::timestamptz[], $17::text[])
                    v(id, tenant, key, send_key, automation_id, step_id, trigger_kind, entity, occurrence, instance_id, message, subject, due_at, log, position, received_at, traceparent)
                on conflict (tenant, key) do nothing
                returning 1)
            select count(*)::int from made
            """,
            row => created(row.GetInt32(0)),
            rows.Select(_ => Guid.CreateVersion7(now)).ToArray(), rows.Select(static job => job.Cause.Tenant).ToArray(), rows.Select(static job => job.Key).ToArray(),
            rows.Select(static job => JobKey.Hash(job.Key)).ToArray(), rows.Select(static job => job.AutomationId).ToArray(), rows.Select(static job => job.StepId).ToArray(),
            rows.Select(static job => job.Cause.TriggerKind).ToArray(), rows.Select(static job => job.Cause.Entity).ToArray(), rows.Select(static job => job.Cause.Occurrence).ToArray(),
            rows.Select(static job => job.InstanceId).ToArray(), rows.Select(static job => JsonSerializer.Serialize(job.Message, MessageJson.Default.Message)).ToArray(),
            rows.Select(static job => JsonSerializer.Serialize(job.Subject, SubjectJson.Default.Subject)).ToArray(), rows.Select(static job => job.DueAt).ToArray(),
            rows.Select(static job => job.Cause.Log).ToArray(), rows.Select(static job => job.Cause.Position).ToArray(), rows.Select(static job => job.Cause.StartedAt).ToArray(),
            rows.Select(traceParentOf).ToArray(), now);
    }
}
