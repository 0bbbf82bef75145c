using WhatsAppMesh.DevSidecar.PubSub.Delivering;
using WhatsAppMesh.DevSidecar.PubSub.Log;
using WhatsAppMesh.DevSidecar.PubSub.Publishing;
using WhatsAppMesh.DevSidecar.PubSub.Streams;

namespace WhatsAppMesh.DevSidecar.PubSub;

/// <summary>Registers topics, publishing and subscriptions.</summary>
internal static class PubSubServices
{
    public static void AddPubSub(this IServiceCollection services)
    {
        services.AddSingleton<TopicLog>();
        services.AddSingleton<LeaseBook>();
        services.AddSingleton<TopicNotices>();
        services.AddSingleton<PublishGate>();
        services.AddSingleton<PublishEngine>();
        services.AddSingleton<DeadLetters>();
        services.AddSingleton<ProgrammaticSubscriptions>();
        services.AddSingleton<SubscriptionSet>();
        services.AddSingleton<StreamSubscriptions>();
        services.AddSingleton(DeliveryFaults.Create);

        services.AddHostedService<TopicRetention>();
        services.AddHostedService(provider => provider.GetRequiredService<TopicNotices>());
        services.AddHostedService<SubscriptionRunner>();
    }
}
