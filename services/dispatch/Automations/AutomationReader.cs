using System.Text.Json;
using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Dispatch.Messages;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Dispatch.Automations;

/// <summary>Reads an automation as its owner wrote it, and reports every error by field: what is saved can be sent.</summary>
internal static class AutomationReader
{
    private const int MaxText = 255;

    private static readonly (string Kind, string Roots)[] Allowed =
    [
        (TriggerKind.StageChanged, "lead.name, lead.phone, lead.stage, lead.id, lead.attributes.NAME"),
        (TriggerKind.TriggerFired, "trigger.PATH.INTO.THE.BODY"),
        (TriggerKind.MemberJoined, "member.name, member.phone, group.subject"),
    ];

    /// <summary>Reads <c>{name, enabled?, trigger: {kind, stage_id|trigger_id|group_jid}, steps: [{step_id, delay?, instance_id, message}]}</c>.</summary>
    /// <param name="enabled">Whether it is on when the body does not say.</param>
    /// <param name="version">The version that the writer has seen (<c>version</c>), when the body says so.</param>
    public static AutomationDraft Read(JsonElement body, DispatchOptions options, bool enabled, FieldErrors errors, out int? version)
    {
        var fields = new JsonFields(body, "", errors);
        var name = fields.Text("name", MaxText, required: true);
        enabled = fields.Bool("enabled") ?? enabled;
        version = fields.Int("version", 1, int.MaxValue);
        var (kind, value) = ReadTrigger(fields, errors);
        var steps = ReadSteps(fields, kind, options, errors);
        fields.RefuseOthers();
        return new AutomationDraft(name ?? "", enabled, kind, value, steps);
    }

    private static (string Kind, string Value) ReadTrigger(JsonFields fields, FieldErrors errors)
    {
        if (fields.Object("trigger") is not { } element)
        {
            errors.Add("trigger", "is required");
            return ("", "");
        }

        var trigger = new JsonFields(element, "trigger", errors);
        var kind = trigger.Text("kind", MaxText, required: true) ?? "";
        if (Allowed.All(one => one.Kind != kind))
        {
            if (kind.Length > 0)
                errors.Add("trigger.kind", $"must be one of {string.Join(", ", Allowed.Select(static one => one.Kind))}");
            return ("", "");
        }

        var name = AutomationDraft.ValueName(kind);
        var value = trigger.Text(name, MaxText, required: true)?.Trim() ?? "";
        trigger.RefuseOthers();
        if (kind != TriggerKind.MemberJoined || value.Length == 0)
            return (kind, value);
        var group = Jid.Parse(value);
        if (!group.IsGroup)
            errors.Add("trigger.group_jid", "must be the JID of a group (…@g.us)");
        return (kind, group.Value);
    }

    private static List<AutomationStep> ReadSteps(JsonFields fields, string kind, DispatchOptions options, FieldErrors errors)
    {
        var steps = new List<AutomationStep>();
        if (fields.Get("steps") is not { ValueKind: JsonValueKind.Array } array || array.GetArrayLength() is var count && (count < 1 || count > options.MaxSteps))
        {
            errors.Add("steps", $"must be a list of 1 to {options.MaxSteps} steps");
            return steps;
        }

        foreach (var element in array.EnumerateArray())
        {
            var path = $"steps[{steps.Count}]";
            var step = ReadStep(element, path, kind, options, errors);
            if (steps.Any(other => other.StepId == step.StepId && step.StepId.Length > 0))
                errors.Add($"{path}.step_id", "stands there twice");
            if (steps.Count > 0 && step.Delay < steps[^1].Delay)
                errors.Add($"{path}.delay", "must not be shorter than that of the step before: every delay counts from the cause");
            steps.Add(step);
        }

        return steps;
    }

    private static AutomationStep ReadStep(JsonElement element, string path, string kind, DispatchOptions options, FieldErrors errors)
    {
        var fields = new JsonFields(element, path, errors);
        var id = fields.Text("step_id", 100, required: true) ?? "";
        var delayText = fields.Text("delay", MaxText);
        var delay = delayText is null ? TimeSpan.Zero : Delay.Read(delayText);
        if (delay is null)
            errors.Add($"{path}.delay", "must be an ISO 8601 duration of days, hours, minutes and seconds, such as PT10M");
        else if (delay > options.MaxDelay)
            errors.Add($"{path}.delay", $"must be at most {Delay.Write(options.MaxDelay)}");
        var instance = fields.Text("instance_id", MaxText, required: true) ?? "";
        var message = new Message();
        if (fields.Object("message") is { } given)
        {
            message = MessageRules.Read(given, $"{path}.message", hasPlaceholders: true, toRequired: kind == TriggerKind.TriggerFired, errors);
            CheckPlaceholders(message, $"{path}.message", kind, errors);
        }
        else
        {
            errors.Add($"{path}.message", "is required");
        }

        fields.RefuseOthers();
        return new AutomationStep(id, delay ?? TimeSpan.Zero, instance, message);
    }

    private static void CheckPlaceholders(Message message, string path, string kind, FieldErrors errors) => MessageTexts.Map(message, (field, text) =>
    {
        if (Placeholders.Parse(text, out var error) is not { } parts)
        {
            errors.Add($"{path}.{field}", error!);
            return text;
        }

        foreach (var part in parts)
        {
            if (part.IsPlaceholder && kind.Length > 0 && !IsKnown(part.Text, kind))
                errors.Add($"{path}.{field}", $"has the placeholder '{part.Text}', which is not known here: {Allowed.First(one => one.Kind == kind).Roots}");
        }

        return text;
    });

    private static bool IsKnown(string path, string kind) => kind switch
    {
        TriggerKind.StageChanged => path is "lead.name" or "lead.phone" or "lead.stage" or "lead.id" || IsBelow(path, "lead.attributes."),
        TriggerKind.TriggerFired => IsBelow(path, "trigger."),
        _ => path is "member.name" or "member.phone" or "group.subject",
    };

    private static bool IsBelow(string path, string root) => path.StartsWith(root, StringComparison.Ordinal) && path.Length > root.Length;
}
