using WhatsAppMesh.DevSidecar.App;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.PubSub.Log;
using WhatsAppMesh.DevSidecar.Resiliency;
using WhatsAppMesh.DevSidecar.Storage;

namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>Starts the subscriptions once the app listens, and stops them gracefully: nothing new, what is under way finishes, the rest is let go.</summary>
internal sealed partial class SubscriptionRunner(
    SidecarFlags flags,
    SidecarState state,
    ResourceSet resources,
    SubscriptionSet subscriptions,
    ProgrammaticSubscriptions programmatic,
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
    ILogger<SubscriptionRunner> logger) : BackgroundService
{
    private static readonly TimeSpan DrainPoll = TimeSpan.FromMilliseconds(20);

    private readonly List<SubscriptionPump> _pumps = [];
    private readonly CancellationTokenSource _abort = new();

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        var start = time.GetTimestamp();
        while (_pumps.Any(pump => pump.Running > 0) && time.GetElapsedTime(start) < flags.GracefulShutdown && !cancellationToken.IsCancellationRequested)
            await Task.Delay(DrainPoll, time, CancellationToken.None);
        await _abort.CancelAsync();
        try
        {
            await book.ReleaseAsync(CancellationToken.None);
        }
        catch (Npgsql.NpgsqlException exception)
        {
            Log.NotReleased(logger, exception);
        }
    }

    public override void Dispose()
    {
        _abort.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await state.WhenAppReachable.WaitAsync(stoppingToken);
        if (app.Address is null)
        {
            if (subscriptions.Current.Count > 0)
                Log.NoApp(logger, subscriptions.Current.Count);
            return;
        }

        try
        {
            if (flags.AskSubscriptions && resources.Components.Values.Any(component => component.Kind == ComponentKind.PubSub))
                subscriptions.Add(await programmatic.AskAsync(stoppingToken));
        }
        catch (StartFailure failure)
        {
            Log.CannotStart(logger, failure.Message);
            Environment.ExitCode = 1;
            lifetime.StopApplication();
            return;
        }

        await Task.WhenAll(subscriptions.Current.Select(subscription => RunAsync(subscription, new StopTokens(stoppingToken, _abort.Token))));
    }

    private async Task RunAsync(Subscription subscription, StopTokens stop)
    {
        var component = resources.Components[subscription.PubSubName];
        var scope = new SubscriptionScope(
            subscription, SubscriptionSet.IsRaw(subscription), policies.ForInbound(component), FailureRule.Of(component), app, deadLetters, book, time, logger);
        while (true)
        {
            try
            {
                var topic = await topics.TopicIdAsync(subscription.PubSubName, subscription.Topic, stop.NoMoreAttempts);
                var cursor = new GroupCursor(database, book, topic, PubSubSettings.ReadGroup(component, flags.AppId));
                IDelivery delivery = subscription.Bulk is { } bulk ? new BulkDelivery(scope, bulk.MaxMessages) : new SingleDelivery(scope);
                var pump = new SubscriptionPump(scope, cursor, delivery, faults);
                _pumps.Add(pump);
                notices.Listen(topic, pump.Notice);
                Log.Subscribed(logger, subscription.Topic, subscription.PubSubName, subscription.Bulk is null ? "one by one" : "in bulk");
                await pump.RunAsync(stop);
                return;
            }
            catch (OperationCanceledException) when (stop.NoMoreAttempts.IsCancellationRequested)
            {
                return;
            }
            catch (Npgsql.NpgsqlException exception)
            {
                Log.NotSubscribed(logger, exception, subscription.Topic);
                await Task.Delay(TimeSpan.FromSeconds(1), time, stop.NoMoreAttempts);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(9360, LogLevel.Information, "Subscribed to {Topic} of {PubSub}, delivered {Manner}")]
        public static partial void Subscribed(ILogger logger, string topic, string pubSub, string manner);

        [LoggerMessage(9361, LogLevel.Warning, "The subscription to {Topic} cannot begin yet")]
        public static partial void NotSubscribed(ILogger logger, Exception exception, string topic);

        [LoggerMessage(9362, LogLevel.Warning, "{Count} subscriptions are declared, but the sidecar has no --app-port to deliver to")]
        public static partial void NoApp(ILogger logger, int count);

        [LoggerMessage(9363, LogLevel.Critical, "{Reason}")]
        public static partial void CannotStart(ILogger logger, string reason);

        [LoggerMessage(9364, LogLevel.Warning, "Messages in flight could not be let go; another sidecar has them once their lease runs out")]
        public static partial void NotReleased(ILogger logger, Exception exception);
    }
}
