using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Resiliency;
using WhatsAppMesh.DevSidecar.Storage;

namespace WhatsAppMesh.DevSidecar.State;

/// <summary>The state components of this sidecar, by name, each with the policy of its calls.</summary>
internal sealed class StateStores
{
    private readonly Dictionary<string, (StateStore Store, Policy Policy)> _stores = [];
    private readonly List<(string Store, TimeSpan Interval)> _cleanups = [];

    /// <exception cref="StartFailure">A component's type or one of its settings is not supported.</exception>
    public StateStores(ResourceSet resources, ResiliencyPolicies policies, SidecarFlags flags, SidecarDatabase database)
    {
        foreach (var component in resources.Components.Values.Where(c => c.Kind == ComponentKind.State))
        {
            var semantics = StateSettings.ReadSemantics(component);
            var prefix = StateSettings.ReadPrefix(component, flags.AppId);
            _stores.Add(component.Name, (new StateStore(component.Name, database.Durable, semantics, prefix), policies.ForOutbound(component)));
            if (StateSettings.ReadCleanupInterval(component) is { } interval)
                _cleanups.Add((component.Name, interval));
        }
    }

    /// <summary>Stores whose expired keys are to be removed, and how often.</summary>
    public IReadOnlyList<(string Store, TimeSpan Interval)> Cleanups => _cleanups;

    /// <summary>The store of a name.</summary>
    /// <exception cref="DaprErrorException">There is none.</exception>
    public StateStore Get(string name) => _stores.TryGetValue(name, out var found)
        ? found.Store
        : throw new DaprErrorException(_stores.Count == 0 ? ApiErrors.StateStoresMissing(name) : ApiErrors.StateStoreNotFound(name));

    /// <summary>Runs a call of a store under the store's outbound policy.</summary>
    /// <param name="store">Name of the store.</param>
    /// <param name="call">One attempt.</param>
    /// <param name="retryConflicts">Whether the policy also retries a wrong ETag: as daprd does for deletes and transactions, not for saves.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StateException">The store refused, or did not answer.</exception>
    public async Task<T> RunAsync<T>(string store, Func<CancellationToken, Task<T>> call, bool retryConflicts, CancellationToken cancellationToken)
    {
        StateException? conflict = null;
        var result = await _stores[store].Policy.RunAsync(
            async token =>
            {
                try
                {
                    return new Attempt<T>(await call(token), Failure: null);
                }
                catch (StateException e) when (e.Failure != StateFailure.Other && !retryConflicts)
                {
                    conflict = e;
                    return default;
                }
            },
            cancellationToken);

        if (conflict is not null)
            throw conflict;
        return result.End == PolicyEnd.Succeeded
            ? result.Value!
            : throw result.Failure?.Exception as StateException ?? new StateException(StateFailure.Other, result.Failure?.Reason ?? "no answer");
    }
}
