using Npgsql;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Store;

namespace WhatsAppMesh.Membership;

/// <summary>Turns events into groups, people and memberships, a batch at a time.</summary>
public sealed class MembershipHandler(MembershipOptions options, MembershipMetrics metrics) : IBatchHandler
{
    /// <inheritdoc/>
    public bool Handles(string type) => EventReaders.Reads(type);

    /// <inheritdoc/>
    public async Task ApplyAsync(IReadOnlyList<CollectedEvent> events, DeliveryContext context, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        foreach (var run in Runs(events))
        {
            var observations = EventReaders.Read(run);
            var outcome = await new MembershipStore(transaction, options).ApplyAsync(observations, cancellationToken);
            metrics.Applied(outcome, observations);
        }
    }

    // What history brings to light is told apart from what is new, whichever batch both came in: by the order of the log.
    private static IEnumerable<List<CollectedEvent>> Runs(IReadOnlyList<CollectedEvent> events)
    {
        var run = new List<CollectedEvent>(events.Count);
        foreach (var value in events)
        {
            if (run.Count > 0 && run[0].Imported != value.Imported)
            {
                yield return run;
                run = [];
            }
            run.Add(value);
        }
        yield return run;
    }
}
