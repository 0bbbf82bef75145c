using System.Text.Json.Serialization;
using WhatsAppMesh.Dispatch.Messages;

namespace WhatsAppMesh.Dispatch.Automations;

/// <summary>What a tenant wants sent, to whom and when.</summary>
/// <param name="Version">1, and one more with each change.</param>
/// <param name="EnabledSince">Causes received before start no job.</param>
internal sealed record Automation(
    Guid Id, string Tenant, AutomationDraft Draft, int Version, DateTimeOffset EnabledSince, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>The part of an automation that its owner writes.</summary>
/// <param name="TriggerKind">One of <see cref="Jobs.TriggerKind"/>.</param>
/// <param name="TriggerValue">The stage, the trigger or the group's JID.</param>
internal sealed record AutomationDraft(string Name, bool Enabled, string TriggerKind, string TriggerValue, IReadOnlyList<AutomationStep> Steps)
{
    /// <summary>Name of the trigger's value on the wire.</summary>
    public static string ValueName(string kind) => kind switch
    {
        Jobs.TriggerKind.StageChanged => "stage_id",
        Jobs.TriggerKind.TriggerFired => "trigger_id",
        _ => "group_jid",
    };
}

/// <summary>One send of an automation.</summary>
/// <param name="StepId">Unique within the automation; part of the job's key.</param>
/// <param name="Delay">From the cause on; no shorter than that of the step before.</param>
/// <param name="InstanceId">The broker's instance that sends it.</param>
internal sealed record AutomationStep(string StepId, TimeSpan Delay, string InstanceId, Message Message);

/// <summary>JSON of the column <c>steps</c>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<AutomationStep>))]
internal sealed partial class AutomationJson : JsonSerializerContext;
