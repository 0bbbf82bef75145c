using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf.WellKnownTypes;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Grpc;

/// <summary>The metadata API over gRPC, and the call that ends the sidecar.</summary>
internal sealed class MetadataCalls(SidecarMetadata metadata, IHostApplicationLifetime lifetime)
{
    private static readonly Empty Done = new();

    public Task<GetMetadataResponse> GetAsync()
    {
        var flags = metadata.Flags;
        var answer = new GetMetadataResponse
        {
            Id = flags.AppId,
            RuntimeVersion = SidecarMetadata.RuntimeVersion,
            ActorRuntime = new ActorRuntime { RuntimeStatus = ActorRuntime.Types.ActorRuntimeStatus.Disabled, Placement = "placement: disconnected" },
            Workflows = new MetadataWorkflows(),
            AppConnectionProperties = new AppConnectionProperties
            {
                Port = flags.AppPort ?? 0,
                Protocol = flags.AppPort is null ? "http" : "h2c",
                ChannelAddress = flags.AppChannelAddress,
                MaxConcurrency = flags.AppMaxConcurrency ?? 0,
            },
        };
        foreach (var (name, value) in metadata.Noted)
            answer.ExtendedMetadata[name] = value;
        answer.EnabledFeatures.Add(SidecarMetadata.EnabledFeatures);
        answer.RegisteredComponents.Add(metadata.Components.Select(ToProto));
        answer.Subscriptions.Add(metadata.Subscriptions.Select(ToProto));
        answer.HttpEndpoints.Add(metadata.Resources.HttpEndpoints.Keys.Select(name => new MetadataHTTPEndpoint { Name = name }));
        answer.Resiliencies.Add(metadata.Resources.Resiliencies.Select(resiliency => new MetadataResiliency { Name = resiliency.Name }));
        return Task.FromResult(answer);
    }

    public Task<Empty> SetAsync(SetMetadataRequest request)
    {
        metadata.Note(request.Key, request.Value);
        return Task.FromResult(Done);
    }

    /// <summary>Stops gracefully: the host lets this call finish first.</summary>
    public Task<Empty> ShutdownAsync()
    {
        lifetime.StopApplication();
        return Task.FromResult(Done);
    }

    private static RegisteredComponents ToProto(Component component)
    {
        var registered = new RegisteredComponents { Name = component.Name, Type = component.Type, Version = component.Version };
        registered.Capabilities.Add(SidecarMetadata.CapabilitiesOf(component));
        return registered;
    }

    private static PubsubSubscription ToProto(Subscription subscription)
    {
        var told = new PubsubSubscription
        {
            PubsubName = subscription.PubSubName,
            Topic = subscription.Topic,
            DeadLetterTopic = subscription.DeadLetterTopic ?? "",
            Rules = new PubsubSubscriptionRules(),
            Type = subscription.Source switch
            {
                SubscriptionSource.Declarative => PubsubSubscriptionType.Declarative,
                SubscriptionSource.Programmatic => PubsubSubscriptionType.Programmatic,
                _ => PubsubSubscriptionType.Streaming,
            },
        };
        foreach (var (name, value) in subscription.Metadata)
            told.Metadata[name] = value;
        told.Rules.Rules.Add(subscription.Rules.Select(rule => new PubsubSubscriptionRule { Match = rule.Match, Path = rule.Path }));
        return told;
    }
}
