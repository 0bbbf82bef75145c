using System.Runtime.CompilerServices;
using Grpc.Core;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>Reads the lake over gRPC, through this service's sidecar.</summary>
internal sealed class LakeReader(Lake.LakeClient lake, TimeProvider time)
{
    /// <summary>Most ranges that one request may name.</summary>
    public const int MaxRanges = 1000;

    private static readonly TimeSpan EventsDeadline = TimeSpan.FromMinutes(2);

    /// <summary>Every log with its oldest kept and newest committed position.</summary>
    /// <exception cref="LakeException">The lake cannot be asked now.</exception>
    public async Task<IReadOnlyList<LogHead>> GetHeadsAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var call = lake.GetHeadsAsync(new GetHeadsRequest(), cancellationToken: cancellationToken);
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

        using var call = lake.GetEventsAt(request, deadline: time.GetUtcNow().UtcDateTime + EventsDeadline, cancellationToken: cancellationToken);
        while (await MoveNextAsync(call.ResponseStream, cancellationToken))
            yield return call.ResponseStream.Current;
    }

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
}
