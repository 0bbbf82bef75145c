using System.Runtime.CompilerServices;
using Grpc.Core;
using Grpc.Net.Client;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>Reads the lake over gRPC, through this service's sidecar.</summary>
internal sealed class LakeReader : IDisposable
{
    /// <summary>Most ranges that one request may name.</summary>
    public const int MaxRanges = 1000;

    private static readonly TimeSpan HeadsDeadline = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan EventsDeadline = TimeSpan.FromMinutes(2);

    private readonly GrpcChannel _channel;
    private readonly Lake.LakeClient _client;
    private readonly Metadata _headers;
    private readonly TimeProvider _time;

    public LakeReader(SidecarSettings sidecar, DeliveriesOptions options, TimeProvider time)
    {
        _time = time;
        // An event is as large as the door lets in, and payloads come whole from here.
        _channel = GrpcChannel.ForAddress(sidecar.GrpcEndpoint, new GrpcChannelOptions { MaxReceiveMessageSize = (int)options.MaxBodyBytes });
        _client = new Lake.LakeClient(_channel);
        _headers = Headers(sidecar, options);
    }

    /// <summary>What a call to the lake through the sidecar carries.</summary>
    public static Metadata Headers(SidecarSettings sidecar, DeliveriesOptions options)
    {
        var headers = new Metadata { { "dapr-app-id", options.LakeAppId } };
        if (sidecar.ApiToken is { } token)
            headers.Add(SidecarSettings.TokenHeader, token);
        return headers;
    }

    /// <summary>Every log with its oldest kept and newest committed position.</summary>
    /// <exception cref="LakeException">The lake cannot be asked now.</exception>
    public async Task<IReadOnlyList<LogHead>> GetHeadsAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var call = _client.GetHeadsAsync(new GetHeadsRequest(), Options(HeadsDeadline, cancellationToken));
            return (await call).Heads;
        }
        catch (RpcException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LakeException(exception);
        }
    }

    /// <summary>One event with its payload.</summary>
    /// <exception cref="PoisonException">The lake no longer has it, or never had it.</exception>
    /// <exception cref="LakeException">The lake cannot be asked now.</exception>
    public async Task<CollectedEvent> GetEventAsync(int log, long position, CancellationToken cancellationToken)
    {
        await foreach (var item in GetEventsAtAsync(log, PositionSet.Range(position, position), cancellationToken))
        {
            if (item.Event is { } value)
                return value;
        }

        throw new PoisonException("fetch", $"The lake no longer has the payload of position {position} of log {log}.");
    }

    /// <summary>The events at some positions of a log, in order, and which of the positions retention has removed.</summary>
    /// <param name="positions">At most <see cref="MaxRanges"/> spans.</param>
    /// <exception cref="LakeException">The lake cannot be asked now; what was yielded before is good.</exception>
    public async IAsyncEnumerable<GetEventsAtResponse> GetEventsAtAsync(int log, PositionSet positions, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new GetEventsAtRequest();
        foreach (var span in positions.Spans)
            request.Ranges.Add(new PositionRange { Log = log, From = span.From, To = span.To });

        using var call = _client.GetEventsAt(request, Options(EventsDeadline, cancellationToken));
        while (await MoveNextAsync(call.ResponseStream, cancellationToken))
            yield return call.ResponseStream.Current;
    }

    public void Dispose() => _channel.Dispose();

    private static async Task<bool> MoveNextAsync(IAsyncStreamReader<GetEventsAtResponse> stream, CancellationToken cancellationToken)
    {
        try
        {
            return await stream.MoveNext(cancellationToken);
        }
        catch (RpcException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LakeException(exception);
        }
    }

    private CallOptions Options(TimeSpan deadline, CancellationToken cancellationToken) =>
        new(_headers, _time.GetUtcNow().UtcDateTime + deadline, cancellationToken);
}
