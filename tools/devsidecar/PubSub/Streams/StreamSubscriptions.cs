using System.Collections.Concurrent;
using System.Collections.Immutable;
using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.App;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.PubSub.Delivering;
using WhatsAppMesh.DevSidecar.PubSub.Log;
using WhatsAppMesh.DevSidecar.Resiliency;
using WhatsAppMesh.DevSidecar.Storage;

namespace WhatsAppMesh.DevSidecar.PubSub.Streams;

/// <summary>What a stream subscribes to.</summary>
internal sealed record StreamRequest(string PubSub, string Topic, IReadOnlyDictionary<string, string> Metadata, string? DeadLetterTopic);

/// <summary>Subscriptions that live as long as a stream of the app, without a transport: they need no app port and have no rules.</summary>
internal sealed class StreamSubscriptions(
    SidecarFlags flags,
    ResourceSet resources,
    SubscriptionSet subscriptions,
    ResiliencyPolicies policies,
    AppChannel app,
    TopicLog topics,
    TopicNotices notices,
    LeaseBook book,
    DeadLetters deadLetters,
    SidecarDatabase database,
    IDeliveryFaults faults,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<StreamSubscriptions> logger)
{
    private readonly ConcurrentDictionary<int, OpenPumps> _open = new();

    /// <summary>Cancelled when the sidecar stops, which ends every stream.</summary>
    public CancellationToken Stopping => lifetime.ApplicationStopping;

    /// <summary>Opens a subscription; run what comes back until the stream ends.</summary>
    /// <exception cref="DaprErrorException">There can be none.</exception>
    public async Task<OpenSubscription> OpenAsync(StreamRequest request, TopicStream stream, CancellationToken cancellationToken)
    {
        if (request.PubSub.Length == 0)
            throw new DaprErrorException(ApiErrors.StreamEnds("pubsubName is required"));
        if (request.Topic.Length == 0)
            throw new DaprErrorException(ApiErrors.StreamEnds("topic is required"));
        if (!resources.Components.TryGetValue(request.PubSub, out var component) || component.Kind != ComponentKind.PubSub)
            throw new DaprErrorException(ApiErrors.PubSubNotFound(request.PubSub));
        if (!new TopicScopes(component, flags.AppId).MaySubscribe(request.Topic))
            throw new DaprErrorException(ApiErrors.SubscriptionForbidden(request.PubSub, request.Topic));

        var subscription = new Subscription
        {
            PubSubName = request.PubSub,
            Topic = request.Topic,
            Rules = [RouteRules.Always("/")],
            DeadLetterTopic = request.DeadLetterTopic,
            Metadata = request.Metadata,
            Source = SubscriptionSource.Streaming,
        };
        var scope = new SubscriptionScope(
            subscription, IsRaw(subscription), policies.ForInbound(component), FailureRule.Of(component), app, deadLetters, book, time, logger);
        var topic = await topics.TopicIdAsync(request.PubSub, request.Topic, cancellationToken);
        var cursor = new GroupCursor(database, book, topic, PubSubSettings.ReadGroup(component, flags.AppId));
        await cursor.CreateAsync(cancellationToken);
        var open = _open.GetOrAdd(topic, _ => new OpenPumps());
        SubscriptionPump? self = null;
        var pump = self = new SubscriptionPump(scope, cursor, new StreamDelivery(scope, stream), faults) { StandsBy = () => open.HasIdleBefore(self!) };
        var listening = notices.Listen(topic, pump.Notice);
        open.Add(pump);
        subscriptions.AddStream(subscription);
        return new OpenSubscription(pump, listening, book, () =>
        {
            open.Remove(pump);
            subscriptions.RemoveStream(subscription);
        });
    }

    /// <summary>The streams of one topic, in the order in which they were opened: of two that have nothing to do, the older is served.</summary>
    private sealed class OpenPumps
    {
        private ImmutableList<SubscriptionPump> _pumps = [];

        public void Add(SubscriptionPump pump) => ImmutableInterlocked.Update(ref _pumps, pumps => pumps.Add(pump));

        public void Remove(SubscriptionPump pump) => ImmutableInterlocked.Update(ref _pumps, pumps => pumps.Remove(pump));

        public bool HasIdleBefore(SubscriptionPump pump) => Volatile.Read(ref _pumps).TakeWhile(older => older != pump).Any(older => older.Running == 0);
    }

    private static bool IsRaw(Subscription subscription)
    {
        try
        {
            return SubscriptionSet.IsRaw(subscription);
        }
        catch (StartFailure e)
        {
            throw new DaprErrorException(ApiErrors.StreamEnds(e.Message));
        }
    }
}

/// <summary>A subscription whose stream is open.</summary>
internal sealed class OpenSubscription(SubscriptionPump pump, IDisposable listening, LeaseBook book, Action remove)
{
    /// <summary>Delivers until the stream ends, then lets go of what the app has not answered.</summary>
    public async Task RunAsync(CancellationToken streamEnds)
    {
        try
        {
            await pump.RunAsync(new StopTokens(streamEnds, streamEnds));
        }
        catch (OperationCanceledException) when (streamEnds.IsCancellationRequested)
        {
            // The end of every stream.
        }
        finally
        {
            listening.Dispose();
            remove();
            await book.LetGoAsync(pump.Leases, CancellationToken.None);
        }
    }
}
