using Grpc.Core;
using WhatsAppMesh.DeadLetters.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>Chooses what a replay by position range is about.</summary>
internal sealed class ReplaySelection(LakeReader lake)
{
    private const long MaxPositions = 1_000_000;
    private const int MaxRanges = 1000;

    /// <summary>The spans of a request, cut to what the lake holds, and how many events of the tenant they cover.</summary>
    /// <exception cref="RpcException">INVALID_ARGUMENT for a range that is none.</exception>
    /// <exception cref="LakeException">The lake cannot be asked.</exception>
    public async Task<(IReadOnlyList<Guid> DeadLetters, IReadOnlyList<LogSpan> Spans, long Matched)> PositionsAsync(ReplayRequest request, CancellationToken cancellationToken)
    {
        if (request.Ranges.Count > MaxRanges || request.Ranges.Any(static range => range.Log < 1 || range.From < 1 || range.To < range.From))
            throw RequestFields.Invalid("ranges", $"must be at most {MaxRanges}, each with a log and from <= to, all positive");

        var heads = (await lake.GetHeadsAsync(cancellationToken)).ToDictionary(static head => head.Log);
        var spans = request.Ranges
            .GroupBy(static range => range.Log)
            .Where(group => heads.ContainsKey(group.Key))
            .OrderBy(static group => group.Key)
            .SelectMany(group => PositionSet.OfSpans(group.Select(static range => new PositionSpan(range.From, range.To)))
                .Intersect(PositionSet.Range(heads[group.Key].Oldest, heads[group.Key].Newest))
                .Spans.Select(span => new LogSpan(group.Key, span.From, span.To)))
            .ToList();
        var covered = spans.Sum(static span => span.Count);
        if (covered > MaxPositions)
            throw RequestFields.Invalid("ranges", $"cover {covered} positions, at most {MaxPositions} can be one job");

        return ([], spans, request.Tenant.Length == 0 ? covered : await CountAsync(request.Tenant, spans, cancellationToken));
    }

    private async Task<long> CountAsync(string tenant, List<LogSpan> spans, CancellationToken cancellationToken)
    {
        var count = 0L;
        foreach (var span in spans)
        {
            await foreach (var answer in lake.GetEventsAtAsync(span.Log, PositionSet.Range(span.From, span.To), cancellationToken))
                count += answer.Event?.Tenant == tenant ? 1 : 0;
        }

        return count;
    }
}
