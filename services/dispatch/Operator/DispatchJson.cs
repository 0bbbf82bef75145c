using System.Text.Json;
using System.Text.Json.Serialization;
using WhatsAppMesh.Dispatch.Automations;
using WhatsAppMesh.Dispatch.Messages;

namespace WhatsAppMesh.Dispatch.Operator;

/// <summary>An automation as the API shows it: as it is written, and what the service adds.</summary>
/// <param name="Version">To be sent back with a change (<c>version</c> or <c>If-Match</c>), so that nobody undoes another's.</param>
internal sealed record AutomationView(
    Guid Id, string Name, bool Enabled, IReadOnlyDictionary<string, string> Trigger, IReadOnlyList<StepView> Steps, int Version,
    DateTimeOffset EnabledSince, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt)
{
    /// <summary>The view of an automation, with messages when the caller may see them.</summary>
    public static AutomationView Of(Automation one, bool withMessages) => new(
        one.Id, one.Draft.Name, one.Draft.Enabled,
        new Dictionary<string, string> { ["kind"] = one.Draft.TriggerKind, [AutomationDraft.ValueName(one.Draft.TriggerKind)] = one.Draft.TriggerValue },
        [.. one.Draft.Steps.Select(step => new StepView(
            step.StepId, Delay.Write(step.Delay), step.InstanceId, withMessages ? JsonSerializer.SerializeToElement(step.Message, MessageJson.Default.Message) : null))],
        one.Version, one.EnabledSince, one.CreatedAt, one.UpdatedAt);
}

/// <summary>The part of an automation that its owner writes.</summary>
internal sealed record AutomationDefinition(string Name, bool Enabled, IReadOnlyDictionary<string, string> Trigger, IReadOnlyList<StepView> Steps);

/// <summary>A step as the API shows it. Viewers do not see the message.</summary>
internal sealed record StepView(string StepId, string Delay, string InstanceId, JsonElement? Message);

/// <summary>A page of automations.</summary>
internal sealed record AutomationPage(IReadOnlyList<AutomationView> Automations, string? NextPageToken);

/// <summary>An execution: what became of a job. Viewers see neither message nor subject.</summary>
/// <param name="AttemptCount">Attempts that reached the broker, or tried to.</param>
/// <param name="Category">Class of the last failure: transient, throttled, permanent or unknown.</param>
/// <param name="BrokerStatus">HTTP status of the broker's last answer.</param>
/// <param name="IdempotencyKey">What the broker got as Idempotency-Key: the same on a replay.</param>
internal sealed record ExecutionView(
    Guid Id, string Status, string Kind, string? TriggerKind, Guid? AutomationId, string? StepId, string Entity, string Occurrence, string InstanceId,
    DateTimeOffset DueAt, DateTimeOffset? NextAttemptAt, int AttemptCount, string? Category, int? BrokerStatus, string? Error, string? ExternalId, string IdempotencyKey,
    Guid? ReplayOf, Guid? ReplayedAs, DateTimeOffset? DiscardedAt, int? Log, long? Position, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, DateTimeOffset? FinishedAt)
{
    public JsonElement? Message { get; init; }

    public JsonElement? Subject { get; init; }

    public IReadOnlyList<AttemptView>? Attempts { get; init; }

    public IReadOnlyList<DecisionView>? Decisions { get; init; }
}

/// <summary>One attempt to send.</summary>
/// <param name="SendBeganAt">Null: nothing can have left.</param>
/// <param name="BrokerAnswer">At most 2 KB, numbers and JIDs taken out.</param>
internal sealed record AttemptView(
    int Number, DateTimeOffset StartedAt, DateTimeOffset? SendBeganAt, DateTimeOffset? FinishedAt, int? BrokerStatus, string? Category, int? LatencyMs,
    string? BrokerAnswer, string? Error);

/// <summary>What somebody decided about an execution.</summary>
internal sealed record DecisionView(string Action, string RequestedBy, string Reason, DateTimeOffset DecidedAt);

/// <summary>A page of executions.</summary>
internal sealed record ExecutionPage(IReadOnlyList<ExecutionView> Executions, string? NextPageToken);

/// <summary>Answer of a replay.</summary>
internal sealed record ReplayAnswer(string Status, Guid? NewExecutionId, string? Note);

/// <summary>A run: the jobs that were due when it was asked for.</summary>
internal sealed record RunView(
    Guid RunId, string State, int Queued, int Claimed, int Skipped, int Sent, int Failed, string RequestedBy, DateTimeOffset CreatedAt, DateTimeOffset? FinishedAt);

/// <summary>A replay of many executions.</summary>
/// <param name="Selected">Executions that matched when it was made.</param>
/// <param name="Done">How many of them are behind it.</param>
internal sealed record BulkReplayView(
    Guid? ReplayId, string State, int Selected, int Done, int Replayed, int Skipped, int Rate, string Reason, string RequestedBy, DateTimeOffset? CreatedAt, DateTimeOffset? FinishedAt);

/// <summary>Answer of /api/triggers/stats. The last three repeat others under older names.</summary>
internal sealed record StatsView(
    int WindowDays, long TotalExecutions, IReadOnlyDictionary<string, long> ByStatus, long RetriesObserved, long IdempotentReplays, long DlqSize, long SendsToday,
    bool WatermarkHit, long Total, long WppCommandCount, bool CircuitBreakerWatermarkHit);

/// <summary>Times as all of the operator API writes them: UTC, with a <c>Z</c>.</summary>
internal sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
{
    /// <inheritdoc/>
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDateTimeOffset();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => writer.WriteStringValue(value.UtcDateTime);
}

/// <summary>JSON of the operator API. As deep as what was let in before bodies had to be flatter, and the lists around it.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, MaxDepth = 128,
    Converters = [typeof(UtcTimeConverter)])]
[JsonSerializable(typeof(AutomationView))]
[JsonSerializable(typeof(AutomationPage))]
[JsonSerializable(typeof(AutomationDefinition))]
[JsonSerializable(typeof(ExecutionView))]
[JsonSerializable(typeof(ExecutionPage))]
[JsonSerializable(typeof(ReplayAnswer))]
[JsonSerializable(typeof(RunView))]
[JsonSerializable(typeof(BulkReplayView))]
[JsonSerializable(typeof(StatsView))]
internal sealed partial class DispatchJson : JsonSerializerContext;
