using Google.Protobuf;
using Grpc.Core;

namespace WhatsAppMesh.DevSidecar.Tests.Invoke;

/// <summary>Answers every shape of call, tells its metadata back and fails as it is told.</summary>
internal sealed class EchoService(EchoLog log) : Echo.EchoBase
{
    public override async Task<EchoReply> Unary(EchoRequest request, ServerCallContext context)
    {
        log.Calls.Enqueue(context);
        await context.WriteResponseHeadersAsync(new Metadata { { "x-header", context.RequestHeaders.GetValue("x-own") ?? "" } });
        context.ResponseTrailers.Add("x-trailer", "trailing");
        context.ResponseTrailers.Add("x-bytes-bin", [0, 1, 255]);
        await FailOrHangAsync(request, context);
        return new EchoReply { Text = request.Text };
    }

    public override async Task Server(EchoRequest request, IServerStreamWriter<EchoReply> responseStream, ServerCallContext context)
    {
        log.Calls.Enqueue(context);
        for (var i = 0; i < request.Count; i++)
            await responseStream.WriteAsync(new EchoReply { Text = $"{request.Text}{i}" });
        await FailOrHangAsync(request, context);
    }

    public override async Task<EchoReply> Client(IAsyncStreamReader<EchoRequest> requestStream, ServerCallContext context)
    {
        log.Calls.Enqueue(context);
        var all = new List<string>();
        while (await requestStream.MoveNext(context.CancellationToken))
            all.Add(requestStream.Current.Text);
        return new EchoReply { Text = string.Join(',', all) };
    }

    public override async Task Duplex(IAsyncStreamReader<EchoRequest> requestStream, IServerStreamWriter<EchoReply> responseStream, ServerCallContext context)
    {
        log.Calls.Enqueue(context);
        while (await requestStream.MoveNext(context.CancellationToken))
            await responseStream.WriteAsync(new EchoReply { Text = requestStream.Current.Text });
    }

    private async Task FailOrHangAsync(EchoRequest request, ServerCallContext context)
    {
        if (request.Hang)
        {
            log.Hanging.TrySetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
            }
            finally
            {
                log.Cancelled.TrySetResult();
            }
        }

        if (request.FailWith == 0)
            return;

        var details = new Metadata { { "grpc-status-details-bin", Google.Protobuf.WellKnownTypes.Any.Pack(request).ToByteArray() } };
        throw new RpcException(new Status((StatusCode)request.FailWith, "refused: 100 % ünlucky"), details);
    }
}

/// <summary>The calls an <see cref="EchoService"/> had.</summary>
internal sealed class EchoLog
{
    public System.Collections.Concurrent.ConcurrentQueue<ServerCallContext> Calls { get; } = new();

    public TaskCompletionSource Hanging { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
