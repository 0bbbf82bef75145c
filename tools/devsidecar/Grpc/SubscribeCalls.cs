using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.PubSub.Delivering;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;
using WhatsAppMesh.DevSidecar.PubSub.Streams;
using AnswerStatus = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace WhatsAppMesh.DevSidecar.Grpc;

/// <summary>SubscribeTopicEvents: a stream on which events go to the app and its answers come back.</summary>
internal sealed class SubscribeCalls(StreamSubscriptions subscriptions)
{
    public async Task SubscribeAsync(
        IAsyncStreamReader<SubscribeTopicEventsRequestAlpha1> requests, IServerStreamWriter<SubscribeTopicEventsResponseAlpha1> answers, ServerCallContext context)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, subscriptions.Stopping);
        var initial = await ReadAsync(requests, ended.Token) switch
        {
            null => throw Ends("EOF"),
            { InitialRequest: { } first } => first,
            _ => throw Ends("initial request is required"),
        };
        using var stream = new TopicStream(content => answers.WriteAsync(new SubscribeTopicEventsResponseAlpha1 { EventMessage = ToProto(content, initial) }));
        var deadLetterTopic = initial.HasDeadLetterTopic && initial.DeadLetterTopic.Length > 0 ? initial.DeadLetterTopic : null;
        var request = new StreamRequest(initial.PubsubName, initial.Topic, initial.Metadata, deadLetterTopic);
        var subscription = await subscriptions.OpenAsync(request, stream, ended.Token);
        await answers.WriteAsync(new SubscribeTopicEventsResponseAlpha1 { InitialResponse = new SubscribeTopicEventsResponseInitialAlpha1() }, ended.Token);
        var running = subscription.RunAsync(stream.Closed);
        try
        {
            while (await ReadAsync(requests, ended.Token) is { } message)
            {
                if (message.EventProcessed is not { } processed)
                    throw Ends("duplicate initial request received");
                stream.Answer(processed.Id, ToStatus(processed.Status?.Status ?? AnswerStatus.Success));
            }

            throw Ends("EOF");
        }
        finally
        {
            stream.Close();
            await running;
        }
    }

    private static async Task<SubscribeTopicEventsRequestAlpha1?> ReadAsync(
        IAsyncStreamReader<SubscribeTopicEventsRequestAlpha1> requests, CancellationToken cancellationToken) =>
        await requests.MoveNext(cancellationToken) ? requests.Current : null;

    private static TopicEventRequest ToProto(EventContent content, SubscribeTopicEventsRequestInitialAlpha1 initial) => new()
    {
        Id = content.Id,
        Source = content.Source,
        Type = content.Type,
        SpecVersion = content.SpecVersion,
        DataContentType = content.DataContentType,
        Topic = initial.Topic,
        PubsubName = initial.PubsubName,
        Path = "/",
        Data = UnsafeByteOperations.UnsafeWrap(content.Data),
        Extensions = JsonParser.Default.Parse<Struct>(content.Extensions),
    };

    /// <summary>A status that this sidecar does not know counts as a retry.</summary>
    private static AppStatus ToStatus(AnswerStatus status) => status switch
    {
        AnswerStatus.Success => AppStatus.Success,
        AnswerStatus.Drop => AppStatus.Drop,
        _ => AppStatus.Retry,
    };

    private static DaprErrorException Ends(string why) => new(ApiErrors.StreamEnds(why));
}
