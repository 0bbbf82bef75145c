using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;
using WhatsAppMesh.DevSidecar.PubSub.Log;
using WhatsAppMesh.DevSidecar.Resiliency;

namespace WhatsAppMesh.DevSidecar.PubSub.Publishing;

/// <summary>What every way into a topic passes, the API and dead letters alike: scopes, the outbound policy, the log.</summary>
internal sealed partial class PublishGate(
    SidecarFlags flags, ResourceSet resources, ResiliencyPolicies policies, TopicLog log, TimeProvider time, ILogger<PublishGate> logger)
{
    private readonly Dictionary<string, (Component Component, TopicScopes Scopes)> _components = resources.Components.Values
        .Where(component => component.Kind == ComponentKind.PubSub)
        .ToDictionary(component => component.Name, component => (component, new TopicScopes(component, flags.AppId)));

    public long MaxBodySize => flags.MaxBodySize;

    public TimeProvider Time => time;

    public string AppId => flags.AppId;

    /// <summary>Why nothing can be published there; null when it can.</summary>
    public DaprError? CheckNames(string pubSub, string topic, IReadOnlyDictionary<string, string> metadata) => pubSub switch
    {
        _ when _components.Count == 0 => ApiErrors.PubSubsMissing(pubSub),
        "" => ApiErrors.PubSubNameEmpty(metadata),
        _ when !_components.ContainsKey(pubSub) => ApiErrors.PubSubNotFound(pubSub),
        _ => topic.Length == 0 ? ApiErrors.TopicEmpty(pubSub, metadata) : null,
    };

    /// <summary>Why the app may not publish there; null when it may.</summary>
    public DaprError? CheckScope(string pubSub, string topic) =>
        _components[pubSub].Scopes.MayPublish(topic) ? null : ApiErrors.TopicForbidden(pubSub, topic, flags.AppId);

    /// <summary>Whether a message can be published there, by this app.</summary>
    public bool IsOpen(string pubSub, string topic) =>
        CheckNames(pubSub, topic, new Dictionary<string, string>()) is null && CheckScope(pubSub, topic) is null;

    public EnvelopeOrigin Origin(string pubSub, string topic) => new(pubSub, topic, flags.AppId);

    /// <summary>The span of a publication.</summary>
    public TraceContext BeginTrace(IHeaderDictionary headers) => TraceContext.Begin(headers.TraceParent, headers.TraceState, resources.Tracing);

    /// <summary>Appends messages to a topic under the component's outbound policy.</summary>
    /// <returns>True once they are on disk, all of them; false when none is known to be.</returns>
    public async Task<bool> PublishAsync(EnvelopeOrigin origin, IReadOnlyList<TopicMessage> messages, CancellationToken cancellationToken)
    {
        var policy = policies.ForOutbound(_components[origin.PubSub].Component);
        var result = await policy.RunAsync(
            async token =>
            {
                await log.AppendAsync(origin.PubSub, origin.Topic, messages, token);
                return new Attempt<bool>(true, null);
            },
            cancellationToken);
        if (result.Failure is { } failure)
            Log.Failed(logger, failure.Exception, messages.Count, origin.Topic, origin.PubSub, result.Attempts, failure.Reason);
        return result.End == PolicyEnd.Succeeded;
    }

    private static partial class Log
    {
        [LoggerMessage(9320, LogLevel.Error, "{Count} messages could not be published to {Topic} of {PubSub} in {Attempts} attempts: {Reason}")]
        public static partial void Failed(ILogger logger, Exception? exception, int count, string topic, string pubSub, int attempts, string reason);
    }
}
