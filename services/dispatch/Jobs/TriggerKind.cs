namespace WhatsAppMesh.Dispatch.Jobs;

/// <summary>What may start a job, by the names used on the wire and in the tables.</summary>
internal static class TriggerKind
{
    /// <summary>A lead came into a stage.</summary>
    public const string StageChanged = "stage_changed";

    /// <summary>A trigger's webhook was called.</summary>
    public const string TriggerFired = "trigger_fired";

    /// <summary>Somebody joined a group.</summary>
    public const string MemberJoined = "member_joined";
}
