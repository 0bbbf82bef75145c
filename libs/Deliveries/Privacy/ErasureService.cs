using Grpc.Core;
using Npgsql;
using WhatsAppMesh.Events;
using WhatsAppMesh.Privacy.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>What a consumer does to its own tables when a person is erased.</summary>
public interface IPersonErasure
{
    /// <summary>Erases a person. Repeated, it finds nothing.</summary>
    /// <returns>Rows changed, by table.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached, or is busy.</exception>
    Task<IReadOnlyDictionary<string, long>> EraseAsync(Erasure erasure, CancellationToken cancellationToken);
}

/// <summary>Erasure of a person from a consumer, once the lake has erased them. Mapped by services that register an <see cref="IPersonErasure"/>.</summary>
/// <param name="erasure">The consumer's own part.</param>
/// <param name="deliveries">What every consumer has in common.</param>
/// <param name="logger">Takes counts; never of whom.</param>
public sealed partial class ErasureService(IPersonErasure erasure, DeliveriesErasure deliveries, ILogger<ErasureService> logger) : Privacy.V1.Privacy.PrivacyBase
{
    /// <inheritdoc/>
    public override async Task<EraseResponse> Erase(EraseRequest request, ServerCallContext context)
    {
        var (asked, field, rule) = Erasure.Read(request);
        if (asked is null)
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"{field} {rule}."));
        if (asked.Heads.Count == 0)
            throw new RpcException(new Status(StatusCode.InvalidArgument, "heads must be what the lake answered."));
        try
        {
            if (!await deliveries.IsCoveredAsync(asked.Heads, context.CancellationToken))
                throw new RpcException(new Status(StatusCode.Unavailable, "Not every event up to the heads has arrived here yet: call again later."));
            var rows = await erasure.EraseAsync(asked, context.CancellationToken);
            Log.Erased(logger, asked.NotedId, rows.Values.Sum());
            return new EraseResponse { Rows = { new Dictionary<string, long>(rows) } };
        }
        catch (NpgsqlException exception) when (exception.IsTransient)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "The database does not answer: call again."));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3590, LogLevel.Information, "Erasure {Id} changed {Rows} rows")]
        public static partial void Erased(ILogger logger, Guid id, long rows);
    }
}
