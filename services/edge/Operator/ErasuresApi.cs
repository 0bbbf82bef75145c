using Grpc.Core;
using Microsoft.AspNetCore.Http.HttpResults;
using WhatsAppMesh.Privacy.V1;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>Asks for the erasure of a person.</summary>
/// <param name="ErasureId">A fresh random UUID of the caller's; the same again when the request is repeated. Not to be kept afterwards.</param>
/// <param name="Jids">Every JID of the person.</param>
/// <param name="Reason">Why; names no person.</param>
internal sealed record ErasureOrder(string? ErasureId = null, IReadOnlyList<string?>? Jids = null, string? Reason = null);

/// <summary>Rows changed, by service and table.</summary>
internal sealed record ErasureAnswer(IReadOnlyDictionary<string, IReadOnlyDictionary<string, long>> Rows);

/// <summary>
/// Erasure of a person, service by service: the lake first, then everybody who has copied from it. It is finished with a 200; after any other
/// answer the same request goes on where it was.
/// </summary>
internal static class ErasuresApi
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

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
        };
        var until = clock.GetUtcNow() + Patience;
        var rows = new SortedDictionary<string, IReadOnlyDictionary<string, long>>(StringComparer.Ordinal);
        foreach (var service in (string[])[services.LakeApp, .. services.Consumers])
        {
            var changed = new SortedDictionary<string, long>(StringComparer.Ordinal);
            var last = await EraseAllAsync(services.PrivacyOf(service), request.Clone(), changed, until, clock, call.Aborted);
            if (service == services.LakeApp)
                request.Heads.Add(last.Heads);
            rows[service] = changed;
        }

        return Answer.Json(new ErasureAnswer(rows));
    }

    private static async Task<EraseResponse> EraseAllAsync(
        Privacy.V1.Privacy.PrivacyClient service, EraseRequest request, SortedDictionary<string, long> changed, DateTimeOffset until,
        TimeProvider clock, CancellationToken cancellationToken)
    {
        while (true)
        {
            var response = await AskAsync(service, request, until, clock, cancellationToken);
            foreach (var (table, count) in response.Rows)
                changed[table] = changed.GetValueOrDefault(table) + count;
            if (response.NextPageToken.Length == 0)
                return response;
            request.PageToken = response.NextPageToken;
        }
    }

    // A consumer that has not yet had all that the lake has erased says UNAVAILABLE; it is behind by seconds.
    private static async Task<EraseResponse> AskAsync(
        Privacy.V1.Privacy.PrivacyClient service, EraseRequest request, DateTimeOffset until, TimeProvider clock, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await service.EraseAsync(request, deadline: until.UtcDateTime, cancellationToken: cancellationToken);
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.Unavailable && clock.GetUtcNow() + Pause < until)
            {
                await Task.Delay(Pause, clock, cancellationToken);
            }
        }
    }
}
