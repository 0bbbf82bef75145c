using System.Text.Json;
using WhatsAppMesh.Dispatch.Automations;
using WhatsAppMesh.Dispatch.Messages;

namespace WhatsAppMesh.Dispatch.Jobs;

/// <summary>Something that starts jobs: a stay in a stage, a webhook, a join.</summary>
/// <param name="TriggerValue">The stage, the trigger or the group's JID.</param>
/// <param name="Entity">The lead, the trigger or the stay in the group: an opaque id.</param>
/// <param name="Occurrence">Which time it was: the same for every telling of it.</param>
/// <param name="StartedAt">What delays count from.</param>
/// <param name="Body">Of a trigger: what was posted.</param>
/// <param name="HappenedAt">Of a join: when it was. Null: when it was received.</param>
internal sealed record Cause(
    string Tenant, string TriggerKind, string TriggerValue, string Entity, string Occurrence, Subject Subject, DateTimeOffset StartedAt, int Log, long Position,
    JsonElement Body = default, DateTimeOffset? HappenedAt = null)
{
    /// <summary>True when it was told so long afterwards that nobody expects a message about it any more.</summary>
    public bool IsLate(TimeSpan limit) => HappenedAt < StartedAt - limit;
}

/// <summary>A job to be made.</summary>
internal sealed record NewJob(
    Cause Cause, Guid AutomationId, string StepId, string Key, string InstanceId, Message Message, Subject Subject, DateTimeOffset DueAt);

/// <summary>Decides which jobs a cause makes.</summary>
internal static class JobPlan
{
    private const int MaxValue = 4096;

    // When an automation was switched on is told by dispatch's clock, when its cause came by that of the lake.
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(5);

    /// <summary>One job for each step of each automation that waits for this cause and was switched on when it came.</summary>
    public static IEnumerable<NewJob> For(Cause cause, IEnumerable<Automation> automations) =>
        from automation in automations
        where automation.Tenant == cause.Tenant && automation.Draft is { Enabled: true } draft
            && draft.TriggerKind == cause.TriggerKind && draft.TriggerValue == cause.TriggerValue && cause.StartedAt >= automation.EnabledSince - ClockTolerance
        from step in automation.Draft.Steps
        select new NewJob(
            cause, automation.Id, step.StepId, JobKey.Of(cause.Tenant, cause.Entity, ValueOf(cause), automation.Id, step.StepId, cause.Occurrence),
            step.InstanceId, step.Message, SubjectOf(cause, step.Message), cause.StartedAt + step.Delay);

    private static string ValueOf(Cause cause) =>
        cause.TriggerKind == TriggerKind.MemberJoined ? JobKey.OfGroup(cause.Tenant, cause.TriggerValue) : cause.TriggerValue;

    // Of what was posted only the values that the message asks for are kept.
    private static Subject SubjectOf(Cause cause, Message message) => cause.TriggerKind != TriggerKind.TriggerFired
        ? cause.Subject
        : cause.Subject with
        {
            Values = MessageTexts.Paths(message).Select(path => (path, Value: ValueAt(cause.Body, path)))
                .Where(static value => value.Value is not null).ToDictionary(static value => value.path, static value => value.Value!),
        };

    /// <summary>The value at <c>trigger.path.to.value</c>: a text, a number or a truth value; items of a list by their number from 0.</summary>
    private static string? ValueAt(JsonElement body, string path)
    {
        var at = body;
        foreach (var step in path.Split('.').Skip(1))
        {
            if (at.ValueKind == JsonValueKind.Array && int.TryParse(step, out var index) && index >= 0 && index < at.GetArrayLength())
                at = at[index];
            else if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(step, out at))
                return null;
        }

        var text = at.ValueKind switch
        {
            JsonValueKind.String => at.GetString(),
            JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => at.GetRawText(),
            _ => null,
        };
        return text?.Length > MaxValue ? text[..MaxValue] : text;
    }
}
