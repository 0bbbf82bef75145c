using Npgsql;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>What a consumer does with its events. Everything else about deliveries is this folder's business.</summary>
public interface IBatchHandler
{
    /// <summary>
    /// Applies a batch of events inside the account's transaction. The events come sorted by (log, position), each position once, none of
    /// them applied before; they are applied exactly when the transaction commits. A failed batch is tried again in smaller parts, so
    /// the handler keeps nothing in memory that assumes the commit.
    /// </summary>
    /// <exception cref="PoisonException">An event can never be applied as it is.</exception>
    Task ApplyAsync(IReadOnlyList<CollectedEvent> events, NpgsqlTransaction transaction, CancellationToken cancellationToken);

    /// <summary>False for a type that means nothing here: such events are accounted for and counted without reaching <see cref="ApplyAsync"/>.</summary>
    bool Handles(string type);
}
