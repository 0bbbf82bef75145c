using Grpc.Core;
using Microsoft.AspNetCore.Http.HttpResults;
using WhatsAppMesh.Privacy.V1;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>Asks for the erasure of a person.</summary>
/// <param name="ErasureId">A fresh random UUID of the caller's; the same again when the request is repeated. Not to be kept afterwards.</param>
/// <param name="Jids">Every JID of the person.</param>
/// <param name="Reason">Why; names no person.</param>
/// <param name="Next">What the answer before gave; absent in the first request.</param>
/// <param name="Usernames">Usernames of the person, for those that never stood beside one of the JIDs. Default: none.</param>
internal sealed record ErasureOrder(
    string? ErasureId = null, IReadOnlyList<string?>? Jids = null, string? Reason = null, string? Next = null, IReadOnlyList<string?>? Usernames = null);

/// <summary>What one request has done.</summary>
/// <param name="Rows">Rows changed, by service and table.</param>
/// <param name="ErasureId">Which erasure is not finished; absent when it is.</param>
/// <param name="Next">With which the same request goes on; absent when nothing is left to do.</param>
internal sealed record ErasureAnswer(IReadOnlyDictionary<string, IReadOnlyDictionary<string, long>> Rows, string? ErasureId = null, string? Next = null);

/// <summary>
/// Erasure of a person, service by service: the lake first, then everybody who has copied from it. It is finished with a 200. A 202 says how far
/// it has come, and the same request with its <c>next</c> goes on there; after any other answer the same request may be sent again.
/// </summary>
internal static class ErasuresApi
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>The route.</summary>
    public static void Map(IEndpointRouteBuilder api) => api.MapPost("/erasures", EraseAsync).ForOperators();

    private static async Task<JsonHttpResult<ErasureAnswer>> EraseAsync(
        HttpContext context, OperatorCall call, ServiceCalls services, OperatorBody body, TimeProvider clock)
    {
        var order = await body.ReadAsync(context, OperatorJson.Api.ErasureOrder);
        var request = new EraseRequest
        {
            Tenant = call.Tenant,
            Jids = { OrderFields.Texts("jids", order.Jids) },
            ErasureId = OrderFields.Text("erasure_id", order.ErasureId),
            Reason = OrderFields.Text("reason", order.Reason),
            RequestedBy = call.Key,
            Usernames = { OrderFields.Texts("usernames", order.Usernames) },
        };
        string[] apps = [services.LakeApp, .. services.Consumers];
        var begun = BeginningOf(order, request.ErasureId, apps);
        var (rows, left) = await GoOnAsync(services, request, begun, apps, clock, call.Aborted);
        return left is null
            ? Answer.Json(new ErasureAnswer(rows))
            : Answer.Json(new ErasureAnswer(rows, request.ErasureId, left.ToText()), StatusCodes.Status202Accepted);
    }

    private static ErasureProgress BeginningOf(ErasureOrder order, string erasureId, string[] apps)
    {
        if (string.IsNullOrEmpty(order.Next))
            return new ErasureProgress(erasureId, apps[0], "", new Dictionary<int, long>(), []);
        return ErasureProgress.Read(order.Next, erasureId) is { } progress && apps.Contains(progress.Service)
            ? progress
            : throw OperatorRefusal.Invalid("next", "must be what the last answer to this erasure gave");
    }

    /// <summary>Calls one service after the other, page by page, until all is done or the time is up.</summary>
    /// <returns>Rows changed, and where to go on; null when all is done.</returns>
    private static async Task<(IReadOnlyDictionary<string, IReadOnlyDictionary<string, long>> Rows, ErasureProgress? Left)> GoOnAsync(
        ServiceCalls services, EraseRequest request, ErasureProgress begun, string[] apps, TimeProvider clock, CancellationToken cancellationToken)
    {
        var until = clock.GetUtcNow() + Patience;
        var rows = new SortedDictionary<string, IReadOnlyDictionary<string, long>>(StringComparer.Ordinal);
        var left = begun;
        do
        {
            EraseResponse response;
            try
            {
                response = await AskAsync(services, Of(request, left), left.Service, until, clock, cancellationToken);
            }
            catch (RpcException exception) when (left != begun && exception.StatusCode is (StatusCode.Unavailable or StatusCode.DeadlineExceeded))
            {
                services.Missed(left.Service, exception);
                // What was done need not be done again.
                return (rows, left);
            }
            rows[left.Service] = Sum(rows.GetValueOrDefault(left.Service), response.Rows);
            left = After(left, response, apps);
        }
        while (left is not null && clock.GetUtcNow() < until);
        return (rows, left);
    }

    // A consumer that has not yet had all that the lake has erased says UNAVAILABLE; it is behind by seconds.
    private static async Task<EraseResponse> AskAsync(
        ServiceCalls services, EraseRequest request, string app, DateTimeOffset until, TimeProvider clock, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await services.PrivacyOf(app).EraseAsync(request, deadline: services.PatientDeadline, cancellationToken: cancellationToken);
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.Unavailable && clock.GetUtcNow() + Pause < until)
            {
                services.Missed(app, exception);
                await Task.Delay(Pause, clock, cancellationToken);
            }
        }
    }

    private static EraseRequest Of(EraseRequest request, ErasureProgress progress)
    {
        var page = request.Clone();
        page.PageToken = progress.Page;
        page.Heads.Add(new Dictionary<int, long>(progress.Heads));
        page.Usernames.Add(progress.Usernames.Except(page.Usernames));
        return page;
    }

    private static ErasureProgress? After(ErasureProgress progress, EraseResponse response, string[] apps)
    {
        if (response.NextPageToken.Length > 0)
            return progress with { Page = response.NextPageToken };
        var place = Array.IndexOf(apps, progress.Service);
        if (place == apps.Length - 1)
            return null;
        var next = progress with { Service = apps[place + 1], Page = "" };
        return place == 0 ? next with { Heads = new Dictionary<int, long>(response.Heads), Usernames = [.. response.Usernames] } : next;
    }

    private static SortedDictionary<string, long> Sum(IReadOnlyDictionary<string, long>? before, IDictionary<string, long> more)
    {
        var sum = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (table, count) in (before ?? new Dictionary<string, long>()).Concat(more))
            sum[table] = sum.GetValueOrDefault(table) + count;
        return sum;
    }
}
