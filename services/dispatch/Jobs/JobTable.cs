using System.Text.Json;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Dispatch.Leads;
using WhatsAppMesh.Dispatch.Messages;

namespace WhatsAppMesh.Dispatch.Jobs;

/// <summary>What a batch of events does to the jobs, a statement each however many they are.</summary>
internal static class JobTable
{
    /// <summary>
    /// Cancels what waits for a stay that a lead has left (what is being sent is asked to stop), and lets live again what was cancelled for
    /// a stay that a correction shows never to have ended, unless another telling of the same stay has sent it.
    /// </summary>
    public static void Keep(RoundTrip trip, IReadOnlyCollection<(LeadKey Lead, LeadPlan Plan)> plans, DateTimeOffset now, Action<int> cancelled)
    {
        if (plans.Count == 0)
            return;
        object[] parameters =
        [
            plans.Select(static one => one.Lead.Tenant).ToArray(), plans.Select(static one => one.Lead.LeadId).ToArray(), plans.Select(static one => one.Plan.Keep).ToArray(),
            plans.Select(static one => string.Join('\n', one.Plan.Others)).ToArray(), now,
        ];
        const string Plans = "with plans as materialized (select * from unnest($1::text[], $2::text[], $3::text[], $4::text[]) v(tenant, lead_id, keep, others))";
        trip.Read($"""
            {Plans}, left_behind as materialized (
                select j.id from plans p cross join lateral (
                    select id from jobs where tenant = p.tenant and entity = p.lead_id and occurrence <> p.keep and trigger_kind = 'stage_changed'
                        and status in ('pending', 'processing') and not cancel_requested offset 0) j),
            done as (
                update jobs j set status = case j.status when 'pending' then 'cancelled' else j.status end, left_stage = true, cancel_requested = j.status = 'processing',
                    finished_at = case j.status when 'pending' then $5 end, updated_at = $5
                where j.id = any(array(select id from left_behind)) and j.status in ('pending', 'processing')
                returning 1)
            select count(*)::int from done
            """, row => cancelled(row.GetInt32(0)), parameters);
        trip.Run($"""
            {Plans}, back as materialized (
                select j.id, j.automation_id, j.step_id, p.tenant, p.lead_id, p.others from plans p cross join lateral (
                    select id, automation_id, step_id from jobs where tenant = p.tenant and entity = p.lead_id and occurrence = p.keep and trigger_kind = 'stage_changed'
                        and left_stage and status in ('cancelled', 'processing') offset 0) j)
            update jobs j set status = case j.status when 'cancelled' then 'pending' else j.status end, left_stage = false, cancel_requested = false, finished_at = null, updated_at = $5
            from back b
            where j.id = b.id and j.status in ('cancelled', 'processing')
                and (select a.enabled and a.deleted_at is null from automations a where a.id = b.automation_id)
                and (select o.id from jobs o where b.others <> '' and o.tenant = b.tenant and o.entity = b.lead_id and o.occurrence = any(string_to_array(b.others, E'\n'))
                        and o.automation_id = b.automation_id and o.step_id = b.step_id and o.status not in ('cancelled', 'expired') limit 1) is null
            """, parameters);
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
