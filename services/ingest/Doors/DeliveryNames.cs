namespace WhatsAppMesh.Ingest;

/// <summary>What names a delivery of a trigger's sender (ADR 0031): configured at edge, which sends it along with each request.</summary>
/// <param name="Id">The id from the header that the sender's scheme names; null without one.</param>
/// <param name="Field">Path of the id in the body; null when the scheme has none there.</param>
/// <param name="EntityField">Path of what a post is about; null for <c>messageId</c>, else <c>data.messageId</c>.</param>
/// <param name="StatusField">
/// Path of what tells posts about one entity apart; null for <c>status</c>, else <c>event</c>; <see cref="NoStatus"/> when nothing does.
/// </param>
internal readonly record struct DeliveryNames(string? Id, string? Field = null, string? EntityField = null, string? StatusField = null)
{
    /// <summary>The status field of a trigger whose posts about one entity are all the same event.</summary>
    public const string NoStatus = "-";
}
