using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>The subscriptions in force: what the resources declare, and what the app asked for, which replaces the declared one of the same topic.</summary>
public sealed class SubscriptionSet
{
    private readonly SidecarFlags _flags;
    private readonly ResourceSet _resources;
    private readonly Lock _streams = new();
    private volatile IReadOnlyList<Subscription> _current;

    /// <summary>Starts with the declared subscriptions.</summary>
    /// <exception cref="StartFailure">One of them cannot be.</exception>
    public SubscriptionSet(SidecarFlags flags, ResourceSet resources)
    {
        ArgumentNullException.ThrowIfNull(resources);
        _flags = flags;
        _resources = resources;
        _current = Check(resources.Subscriptions);
    }

    /// <summary>The subscriptions in force now.</summary>
    public IReadOnlyList<Subscription> Current => _current;

    /// <summary>Adds the app's own subscriptions.</summary>
    /// <exception cref="StartFailure">One of them cannot be.</exception>
    internal void Add(IReadOnlyList<Subscription> programmatic)
    {
        Check(programmatic);
        lock (_streams)
            _current = [.. _current.Where(declared => !programmatic.Any(own => own.PubSubName == declared.PubSubName && own.Topic == declared.Topic)), .. programmatic];
    }

    /// <summary>A stream has begun.</summary>
    internal void AddStream(Subscription stream)
    {
        lock (_streams)
            _current = [.. _current, stream];
    }

    /// <summary>A stream has ended.</summary>
    internal void RemoveStream(Subscription stream)
    {
        lock (_streams)
            _current = [.. _current.Where(subscription => !ReferenceEquals(subscription, stream))];
    }

    internal static bool IsRaw(Subscription subscription) =>
        subscription.Metadata.FirstOrDefault(pair => pair.Key.Equals("rawPayload", StringComparison.OrdinalIgnoreCase)).Value is { } text
        && (Envelopes.PublishMetadata.TryParseFlag(text, out var raw) ? raw : throw new StartFailure(
            $"The subscription to {subscription.Topic}: rawPayload must be true or false, not '{text}'."));

    private IReadOnlyList<Subscription> Check(IReadOnlyList<Subscription> subscriptions)
    {
        foreach (var subscription in subscriptions)
        {
            if (!_resources.Components.TryGetValue(subscription.PubSubName, out var component) || component.Kind != ComponentKind.PubSub)
                throw new StartFailure($"The subscription to {subscription.Topic} names the pub/sub component {subscription.PubSubName}, which is not loaded for {_flags.AppId}.");

            if (!new TopicScopes(component, _flags.AppId).MaySubscribe(subscription.Topic))
                throw new StartFailure($"{_flags.AppId} may not subscribe to {subscription.Topic}: the scopes of {subscription.PubSubName} do not allow it.");

            IsRaw(subscription);
        }

        return subscriptions;
    }
}
