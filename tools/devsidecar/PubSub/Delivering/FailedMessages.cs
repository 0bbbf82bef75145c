using WhatsAppMesh.DevSidecar.PubSub.Log;

namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>Decides the end of messages the policy is through with.</summary>
internal sealed partial class FailedMessages(SubscriptionScope scope, bool afterSingleDelivery)
{
    private static readonly TimeSpan DeadLetterPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReachPause = TimeSpan.FromMilliseconds(100);

    /// <summary>Dead-letters the messages, gives them up, or waits until they may be delivered again.</summary>
    /// <returns>True when they are settled; false when they are to be delivered again now.</returns>
    public async Task<bool> EndAsync(IReadOnlyList<LeasedMessage> failed, AppContact contact, Action<LeasedMessage> settle, StopTokens stop)
    {
        var subscription = scope.Subscription;
        if (subscription.DeadLetterTopic is { } deadLetterTopic)
        {
            if (await TryDeadLetterAsync(failed, stop))
            {
                Log.DeadLettered(scope.Logger, failed.Count, subscription.Topic, deadLetterTopic);
                SettleAll(failed, settle);
                return true;
            }

            await Task.Delay(DeadLetterPause, scope.Time, stop.NoMoreAttempts);
            return false;
        }

        if (!scope.Rule.Redelivers(contact))
        {
            Log.GivenUp(scope.Logger, failed.Count, subscription.Topic);
            SettleAll(failed, settle);
            return true;
        }

        await Task.Delay(scope.Rule.Pause, scope.Time, stop.NoMoreAttempts);
        while (contact == AppContact.None && !await scope.App.AcceptsAsync(stop.NoMoreAttempts))
            await Task.Delay(ReachPause, scope.Time, stop.NoMoreAttempts);
        return false;
    }

    /// <summary>Puts messages the app does not want, or never will, on the dead-letter topic, if there is one.</summary>
    /// <returns>False when the dead-letter topic did not take them.</returns>
    public async Task<bool> TryDeadLetterAsync(IReadOnlyList<LeasedMessage> messages, StopTokens stop)
    {
        if (scope.Subscription is not { DeadLetterTopic: { } topic, PubSubName: var pubSub })
            return true;

        var letters = messages.Select(message => afterSingleDelivery ? DeadLetters.AfterSingleDelivery(message.Message, pubSub) : message.Message);
        return await scope.DeadLetters.PublishAsync(pubSub, topic, [.. letters], stop.Abort);
    }

    private static void SettleAll(IReadOnlyList<LeasedMessage> messages, Action<LeasedMessage> settle)
    {
        foreach (var message in messages)
            settle(message);
    }

    private static partial class Log
    {
        [LoggerMessage(9340, LogLevel.Warning, "{Count} messages of {Topic} go to the dead-letter topic {DeadLetterTopic}")]
        public static partial void DeadLettered(ILogger logger, int count, string topic, string deadLetterTopic);

        [LoggerMessage(9341, LogLevel.Error, "{Count} messages of {Topic} are given up: the app refused them and the subscription has no dead-letter topic")]
        public static partial void GivenUp(ILogger logger, int count, string topic);
    }
}
