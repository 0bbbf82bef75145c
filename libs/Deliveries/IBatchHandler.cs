using Npgsql;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>What a consumer does with its events. Everything else about deliveries is this library's business.</summary>
public interface IBatchHandler
{
    /// <summary>
    /// Applies a batch of events inside the account's transaction. The events come sorted by (log, position), each position once; unless
    /// <paramref name="context"/> says that they are replayed, none of them was applied before. They are applied exactly when the
    /// transaction commits. A failed batch is tried again in smaller parts, so the handler keeps nothing in memory that assumes the commit.
    /// </summary>
    /// <param name="events">Events that <see cref="Concerns"/> holds for, with their payloads.</param>
    /// <param name="context">Whether they come for the first time.</param>
    /// <param name="transaction">Holds the account's row lock: batches of one consumer run one at a time. The handler neither commits it nor rolls it back.</param>
    /// <param name="cancellationToken">Ends the work; the transaction is then rolled back.</param>
    /// <exception cref="PoisonException">An event can never be applied as it is.</exception>
    Task ApplyAsync(IReadOnlyList<CollectedEvent> events, DeliveryContext context, NpgsqlTransaction transaction, CancellationToken cancellationToken);

    /// <summary>False for a type that means nothing here: such events are accounted for and counted without reaching <see cref="ApplyAsync"/>.</summary>
    bool Handles(string type);

    /// <summary>True for an event of a handled type, told by a source that may tell it.</summary>
    sealed bool Concerns(CollectedEvent value) => Handles(value.Type) && EventOrigin.IsBelieved(value);
}
