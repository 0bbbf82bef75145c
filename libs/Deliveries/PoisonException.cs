namespace WhatsAppMesh.Deliveries;

/// <summary>An event that can never succeed as it is: it becomes a dead letter at once, without retries.</summary>
/// <param name="step">Where handling failed: "read", "decide", "store" ...</param>
/// <param name="message">Why. It is kept and shown to operators, so it holds no personal data: no JID, phone number or text of a message.</param>
/// <param name="innerException">The cause, when there is one.</param>
public sealed class PoisonException(string step, string message, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>Where handling failed.</summary>
    public string Step { get; } = step;
}
