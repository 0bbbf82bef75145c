using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace WhatsAppMesh.DevSidecar.Hosting;

/// <summary>
/// Lets one cleartext port speak HTTP/1.1 and HTTP/2, as daprd's does. Kestrel chooses the protocol of a cleartext port beforehand; so a
/// connection that begins with HTTP/2's preface is handed over to a second, in-process endpoint, which speaks HTTP/2 only.
/// </summary>
internal sealed class PriorKnowledge : IConnectionListenerFactory, IConnectionListenerFactorySelector, IConnectionListener
{
    private readonly Channel<ConnectionContext> _handedOver = Channel.CreateUnbounded<ConnectionContext>();

    /// <summary>The in-process endpoint.</summary>
    public EndPoint EndPoint { get; } = new InProcessEndPoint();

    public bool CanBind(EndPoint endpoint) => endpoint is InProcessEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(this);

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _handedOver.Reader.WaitToReadAsync(cancellationToken) && _handedOver.Reader.TryRead(out var connection) ? connection : null;

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _handedOver.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    /// <summary>Middleware of a connection: HTTP/2 is handed over, everything else goes on.</summary>
    public ConnectionDelegate Detect(ConnectionDelegate next) => async connection =>
    {
        if (!await BeginsWithPrefaceAsync(connection.Transport.Input, connection.ConnectionClosed))
        {
            await next(connection);
            return;
        }

        var same = new HandedOverConnection(connection);
        if (_handedOver.Writer.TryWrite(same))
            await same.Completion;
    };

    private static async Task<bool> BeginsWithPrefaceAsync(PipeReader input, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult read;
            try
            {
                read = await input.ReadAsync(cancellationToken);
            }
            catch (Exception exception) when (exception is OperationCanceledException or ConnectionResetException or ConnectionAbortedException)
            {
                return false;
            }

            var verdict = Look(read.Buffer);
            if (verdict is not null || read.IsCompleted)
            {
                // Seen, but not taken: whoever goes on with the connection reads it from its first byte.
                input.AdvanceTo(read.Buffer.Start);
                return verdict == true;
            }

            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>Whether it is the preface; null when there are too few bytes to tell.</summary>
    private static bool? Look(ReadOnlySequence<byte> bytes)
    {
        var preface = "PRI * HTTP/2.0\r\n"u8;
        Span<byte> begin = stackalloc byte[preface.Length];
        var length = (int)Math.Min(bytes.Length, begin.Length);
        bytes.Slice(0, length).CopyTo(begin);
        return !begin[..length].SequenceEqual(preface[..length]) ? false : length == preface.Length ? true : null;
    }

    private sealed class InProcessEndPoint : EndPoint
    {
        public override string ToString() => "http://http2-prior-knowledge:1";
    }

    /// <summary>The same connection again; ends when the second endpoint is through with it.</summary>
    private sealed class HandedOverConnection(ConnectionContext inner) : ConnectionContext
    {
        private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Completion => _completion.Task;

        public override IDuplexPipe Transport { get => inner.Transport; set => inner.Transport = value; }

        public override string ConnectionId { get => inner.ConnectionId; set => inner.ConnectionId = value; }

        public override IFeatureCollection Features { get; } = new FeatureCollection(inner.Features);

        public override IDictionary<object, object?> Items { get => inner.Items; set => inner.Items = value; }

        public override CancellationToken ConnectionClosed { get => inner.ConnectionClosed; set => inner.ConnectionClosed = value; }

        public override EndPoint? LocalEndPoint { get => inner.LocalEndPoint; set => inner.LocalEndPoint = value; }

        public override EndPoint? RemoteEndPoint { get => inner.RemoteEndPoint; set => inner.RemoteEndPoint = value; }

        public override void Abort(ConnectionAbortedException abortReason) => inner.Abort(abortReason);

        public override ValueTask DisposeAsync()
        {
            _completion.TrySetResult();
            return ValueTask.CompletedTask;
        }
    }
}
