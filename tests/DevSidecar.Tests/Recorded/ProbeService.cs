using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>The gRPC half of the app behind the recorded calls.</summary>
internal sealed class ProbeService : Probe.ProbeBase
{
    public override async Task<ProbeReply> Unary(ProbeRequest request, ServerCallContext context)
    {
        await context.WriteResponseHeadersAsync(new Metadata { { "probe-header", "from-app" } });
        context.ResponseTrailers.Add("probe-trailer", "from-app");
        var reply = Reply(request.Text, 0, context, withHeaders: true);
        reply.Payload = ByteString.CopyFrom(new byte[request.ReplyBytes]);
        return reply;
    }

    public override Task<ProbeReply> Fail(FailRequest request, ServerCallContext context) => throw Failure(request);

    public override async Task<ProbeReply> Slow(SlowRequest request, ServerCallContext context)
    {
        await Task.Delay(request.Milliseconds, context.CancellationToken);
        return Reply("slow", 0, context, withHeaders: true);
    }

    public override async Task ServerStream(ProbeRequest request, IServerStreamWriter<ProbeReply> responses, ServerCallContext context)
    {
        for (var i = 0; i < request.Count; i++)
            await responses.WriteAsync(Reply(request.Text, i, context, withHeaders: i == 0));
    }

    public override async Task<ProbeReply> ClientStream(IAsyncStreamReader<ProbeRequest> requests, ServerCallContext context)
    {
        var texts = new List<string>();
        await foreach (var request in requests.ReadAllAsync())
            texts.Add(request.Text);
        return Reply(string.Join('+', texts), texts.Count, context, withHeaders: false);
    }

    public override async Task FailStream(FailRequest request, IServerStreamWriter<ProbeReply> responses, ServerCallContext context)
    {
        for (var i = 0; i < request.RepliesBefore; i++)
            await responses.WriteAsync(Reply("before the failure", i, context, withHeaders: i == 0));
        throw Failure(request);
    }

    public override async Task Duplex(IAsyncStreamReader<ProbeRequest> requests, IServerStreamWriter<ProbeReply> responses, ServerCallContext context)
    {
        var index = 0;
        await foreach (var request in requests.ReadAllAsync())
            await responses.WriteAsync(Reply(request.Text, index, context, withHeaders: index++ == 0));
    }

    private static ProbeReply Reply(string text, int index, ServerCallContext context, bool withHeaders)
    {
        var reply = new ProbeReply { Text = text, Index = index, HadDeadline = context.Deadline != DateTime.MaxValue };
        foreach (var header in withHeaders ? context.RequestHeaders.Where(h => h.Key.StartsWith("dapr-", StringComparison.Ordinal) || h.Key == "user-agent") : [])
            reply.Headers[header.Key] = header.Value;
        return reply;
    }

    private static RpcException Failure(FailRequest request)
    {
        var trailers = new Metadata { { "probe-trailer", "with-the-error" }, { "probe-trailer-bin", [1, 2, 3, 255] } };
        if (request.Rich)
        {
            var info = new ErrorInfo { Reason = "WANTED", Domain = "probe", Metadata = { ["a"] = "b" } };
            var resource = new ResourceInfo { ResourceType = "thing", ResourceName = "one", Owner = "probe" };
            var status = new Google.Rpc.Status { Code = request.Code, Message = request.Detail, Details = { Any.Pack(info), Any.Pack(resource) } };
            trailers.Add("grpc-status-details-bin", status.ToByteArray());
        }

        return new RpcException(new global::Grpc.Core.Status((StatusCode)request.Code, request.Detail), trailers);
    }
}
