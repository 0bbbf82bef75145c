using System.Collections.Concurrent;
using Npgsql;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Deliveries.Tests;

/// <summary>A consumer that writes one row per event it applies, and fails as a test wants it to.</summary>
internal sealed class TestHandler : IBatchHandler
{
    /// <summary>Every type but this one is handled.</summary>
    public const string UnknownType = "test.unknown";

    /// <summary>Type of events that are poison.</summary>
    public const string PoisonType = "test.poison";

    /// <summary>Called for each event before its row is written.</summary>
    public Func<CollectedEvent, NpgsqlTransaction, Task>? Before { get; set; }

    /// <summary>Called once the batch's rows are written.</summary>
    public Func<NpgsqlTransaction, Task>? After { get; set; }

    /// <summary>Sizes of the batches seen, failed ones included.</summary>
    public ConcurrentQueue<int> Batches { get; } = new();

    /// <summary>What was said about each of them.</summary>
    public ConcurrentQueue<DeliveryContext> Contexts { get; } = new();

    public bool Handles(string type) => type != UnknownType;

    public async Task ApplyAsync(IReadOnlyList<CollectedEvent> events, DeliveryContext context, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        Batches.Enqueue(events.Count);
        Contexts.Enqueue(context);
        foreach (var value in events)
        {
            if (Before is { } before)
                await before(value, transaction);
            if (value.Type == PoisonType)
                throw new PoisonException("decide", "This one never succeeds.");
            await using var command = new NpgsqlCommand("insert into effects (log, position, payload) values ($1, $2, $3)", transaction.Connection, transaction)
            {
                Parameters = { new() { Value = value.Log }, new() { Value = value.Position }, new() { Value = value.PayloadJson } },
            };
            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        if (After is { } after)
            await after(transaction);
    }
}
