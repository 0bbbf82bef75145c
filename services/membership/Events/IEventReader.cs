namespace WhatsAppMesh.Membership.Events;

/// <summary>
/// Turns events of some types into observations. A new type of event is one new class: the registry finds it by this interface.
/// </summary>
public interface IEventReader
{
    /// <summary>Event types that it reads.</summary>
    IReadOnlyList<string> Types { get; }

    /// <summary>Adds what the event says. Stores nothing and calls nothing.</summary>
    /// <exception cref="WhatsAppMesh.Deliveries.PoisonException">The event can never be understood.</exception>
    void Read(ObservedEvent source, Observations into);
}
