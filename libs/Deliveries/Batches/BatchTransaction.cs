using Npgsql;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>Applies events to the consumer's state, once each: account, handler's effects and commit are one transaction.</summary>
internal sealed class BatchTransaction(
    NpgsqlDataSource database, IBatchHandler handler, DeadLetterDiscarding discarding, DeliveriesOptions options, DeliveriesMetrics metrics)
{
    /// <summary>Step of a failure that came before the handler: the account could not be locked, so no event is to blame.</summary>
    public const string AccountStep = "account";

    /// <summary>Applies what the account does not hold yet.</summary>
    /// <param name="events">Sorted by (log, position), each position once, readable and with their payloads.</param>
    /// <param name="traces">Trace contexts that they came with.</param>
    /// <param name="cancellationToken">Ends the work; nothing is applied then.</param>
    /// <returns>One fate per event when all of it is committed; or why nothing of it is.</returns>
    public async Task<(Fate[] Fates, Failure? Failure)> ApplyAsync(
        IReadOnlyList<CollectedEvent> events, IReadOnlyDictionary<(int Log, long Position), string> traces, CancellationToken cancellationToken)
    {
        var started = metrics.Now();
        var step = AccountStep;
        AccountTransaction? account = null;
        try
        {
            var told = Discard.Told(events, options.Service);
            var logs = events.Select(static value => value.Log).Concat(told.Values.Select(static discard => discard.Log));
            account = await AccountTransaction.BeginAsync(database, logs, options.LockTimeout, cancellationToken);
            step = "handle";
            var fates = new Fate[events.Count];
            var handled = new List<CollectedEvent>(events.Count);
            for (var i = 0; i < events.Count; i++)
            {
                var value = events[i];
                var isHandled = handler.Concerns(value);
                fates[i] = account.IsDone(value.Log, value.Position) ? Fate.Known : isHandled || told.ContainsKey(i) ? Fate.Applied : Fate.Ignored;
                if (fates[i] == Fate.Known)
                    continue;
                if (isHandled)
                    handled.Add(value);
                account.Add(value.Log, value.Position);
            }

            if (handled.Count > 0)
                await handler.ApplyAsync(handled, DeliveryContext.First.With(traces), account.Transaction, cancellationToken);
            foreach (var (i, discard) in told.Where(one => fates[one.Key] == Fate.Applied).OrderBy(static one => (one.Value.Log, one.Value.Position)))
                await discarding.ApplyAsync(account.Transaction, events[i].Tenant, discard, account.IsDone(discard.Log, discard.Position), cancellationToken);
            step = "commit";
            await account.CommitAsync(cancellationToken);
            metrics.Handled(started);
            return (fates, null);
        }
        catch (Exception exception)
        {
            var failure = Failure.Of(exception, step);

            // A handler that goes on after its connection broke fails with whatever comes next: that says nothing about the event.
            return ([], account is { ConnectionLost: true } ? failure with { Class = FailureClass.Transient } : failure);
        }
        finally
        {
            if (account is not null)
                await account.DisposeAsync();
        }
    }
}
