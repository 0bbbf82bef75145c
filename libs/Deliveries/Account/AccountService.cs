using Grpc.Core;
using WhatsAppMesh.Deliveries.V1;
using Contract = WhatsAppMesh.Deliveries.V1.Account;

namespace WhatsAppMesh.Deliveries;

/// <summary>The account over gRPC: for the audit across consumers, and for retention, which never runs ahead of one.</summary>
internal sealed class AccountService(AccountAudit audit, AccountStore accounts, RebuildState rebuild, DeliveriesOptions options) : Contract.AccountBase
{
    private const int MaxLogs = 1000;
    private const int MaxAskedRanges = 1000;
    private const int ShownRanges = 1000;
    private const int MaxMissingRanges = 10_000;

    public override async Task<GetAuditResponse> GetAudit(GetAuditRequest request, ServerCallContext context)
    {
        if (request.Heads.Count > MaxLogs || request.Heads.Any(static head => head is { Key: < 1 } or { Value: < 0 or long.MaxValue }))
            throw RequestFields.Invalid("heads", $"must be at most {MaxLogs} positions by log, none below zero");

        var response = new GetAuditResponse { Service = options.Service };
        response.Logs.Add((await audit.AuditAsync(request.Heads, context.CancellationToken)).Select(ToContract));
        var progress = await rebuild.GetAsync(context.CancellationToken);
        response.Rebuild = new Rebuild { IsComplete = progress.IsComplete, Done = progress.Done, Target = progress.Target };
        return response;
    }

    public override async Task<GetMissingResponse> GetMissing(GetMissingRequest request, ServerCallContext context)
    {
        if (request.Ranges.Count is 0 or > MaxAskedRanges || request.Ranges.Any(static range => range.Log < 1 || range.From < 1 || range.To < range.From || range.To == long.MaxValue))
            throw RequestFields.Invalid("ranges", $"must be 1 to {MaxAskedRanges}, each with a log and from <= to, all positive");

        // The account first: an event that dies in between is missing either way.
        var account = await accounts.ReadAsync(context.CancellationToken);
        var missing = new List<PositionRange>();
        foreach (var log in request.Ranges.GroupBy(static range => range.Log).OrderBy(static log => log.Key))
        {
            var asked = PositionSet.OfSpans(log.Select(static range => new PositionSpan(range.From, range.To)));
            var done = account.TryGetValue(log.Key, out var row) ? row.Done : PositionSet.Empty;
            var needing = await accounts.NeedingLakeAsync(log.Key, asked, context.CancellationToken);
            missing.AddRange(asked.Subtract(done.Subtract(needing)).Spans.Select(span => new PositionRange { Log = log.Key, From = span.From, To = span.To }));
        }

        return new GetMissingResponse { Ranges = { missing.Take(MaxMissingRanges) } };
    }

    private static V1.LogAudit ToContract(LogAudit audit) => new()
    {
        Log = audit.Log,
        Head = audit.Head,
        Applied = ToContract(audit.Log, audit.Applied),
        Dead = ToContract(audit.Log, audit.Dead),
        Discarded = ToContract(audit.Log, audit.Discarded),
        Retired = ToContract(audit.Log, audit.Retired),
        Pending = ToContract(audit.Log, audit.Pending),
        NeverLogged = ToContract(audit.Log, audit.NeverLogged),
        Torn = ToContract(audit.Log, audit.Torn),
    };

    private static Positions ToContract(int log, PositionSet set) => new()
    {
        Count = set.Count,
        Ranges = { set.Spans.Take(ShownRanges).Select(span => new PositionRange { Log = log, From = span.From, To = span.To }) },
    };
}
