using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;

namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>What to do with a message before any call to the app.</summary>
internal enum RouteVerdict
{
    /// <summary>Post it to the path.</summary>
    Deliver,

    /// <summary>It is no CloudEvent, or a rule cannot be evaluated on it: a failure the app is not asked about.</summary>
    Failed,

    /// <summary>It has expired, or no rule matches: to the dead-letter topic if there is one, else dropped.</summary>
    Dropped,
}

/// <summary>Where a message goes.</summary>
/// <param name="Verdict">What to do.</param>
/// <param name="Path">Path of the app, when it is delivered.</param>
/// <param name="TraceParent">The span the event was published in, if it was read.</param>
internal readonly record struct Route(RouteVerdict Verdict, string Path = "", string? TraceParent = null);

/// <summary>Decides where messages of a subscription go.</summary>
internal sealed class EventRouter(Subscription subscription, bool raw)
{
    private readonly bool _needsType = subscription.Rules.Any(rule => rule.EventType is not null);

    /// <summary>Decides for one message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="now">The time expirations are compared with.</param>
    /// <param name="wantsTrace">The caller needs the event's span.</param>
    public Route Decide(TopicMessage message, DateTimeOffset now, bool wantsTrace)
    {
        // A raw payload is wrapped anew: it has neither a type of its own nor an expiration.
        if (raw)
            return ByType(new EnvelopeFacts(true, "com.dapr.event.sent", null, null));

        if (message.Traits.HasFlag(EnvelopeTraits.Unparsable))
            return new Route(RouteVerdict.Failed);

        if (!_needsType && !wantsTrace && !message.Traits.HasFlag(EnvelopeTraits.Expires))
            return new Route(RouteVerdict.Deliver, subscription.Rules[0].Path);

        if (!EnvelopeFacts.TryRead(message.Bytes, out var facts))
            return new Route(RouteVerdict.Failed);

        return facts.Expiration < now ? new Route(RouteVerdict.Dropped) : ByType(facts);
    }

    private Route ByType(EnvelopeFacts facts)
    {
        foreach (var rule in subscription.Rules)
        {
            if (rule.EventType is null || (facts.HasType && facts.Type == rule.EventType))
                return new Route(RouteVerdict.Deliver, rule.Path, facts.TraceParent);

            // As CEL: an attribute that is not there is an error, not a mismatch.
            if (!facts.HasType)
                return new Route(RouteVerdict.Failed);
        }

        return new Route(RouteVerdict.Dropped);
    }
}
