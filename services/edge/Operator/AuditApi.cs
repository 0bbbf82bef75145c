using System.Globalization;
using Grpc.Core;
using Microsoft.AspNetCore.Http.HttpResults;
using WhatsAppMesh.Deliveries.V1;
using WhatsAppMesh.Edge.Sources;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>The audit across consumers: one head, compared as sets with what each consumer says it has accounted for.</summary>
internal static class AuditApi
{
    /// <summary>The route. Positions are those of all tenants, so the key must be for the whole installation.</summary>
    public static void Map(IEndpointRouteBuilder api) =>
        api.MapGet("/audit", AuditAsync).For(new OperatorRoute(OperatorRole.Viewer, ["heads"], NeedsInstallation: true));

    private static async Task<JsonHttpResult<AuditView>> AuditAsync(OperatorCall call, ServiceCalls services)
    {
        var newest = await HeadsAsync(services, call.Aborted);
        var heads = Parse(call.Query.Text("heads"), newest) ?? newest;
        var answers = await Task.WhenAll(services.Consumers.Select(consumer => AskAsync(services, consumer, heads, call.Aborted)));

        // Consumers go on while they answer: what they have had above the taken head was logged if it lies below the head now.
        var now = await HeadsAsync(services, call.Aborted);
        var consumers = services.Consumers.Zip(answers, (consumer, answer) => ViewOf(consumer, answer, now)).ToList();
        return Answer.Json(new AuditView(Text(heads), consumers.TrueForAll(static consumer => consumer.Balanced), consumers));
    }

    private static ConsumerAuditView ViewOf(string consumer, GetAuditResponse? answer, IReadOnlyDictionary<int, long> newest)
    {
        if (answer is null)
            return new ConsumerAuditView(consumer, false, "It cannot be asked now.", null, []);
        var logs = answer.Logs.Select(log => LogAuditView.Of(log, newest.GetValueOrDefault(log.Log))).ToList();
        var rebuild = answer.Rebuild is { } progress ? new RebuildView(progress.IsComplete, progress.Done, progress.Target) : null;
        return new ConsumerAuditView(consumer, logs.TrueForAll(static log => log.Balanced), null, rebuild, logs);
    }

    private static async Task<GetAuditResponse?> AskAsync(
        ServiceCalls services, string consumer, IReadOnlyDictionary<int, long> heads, CancellationToken cancellationToken)
    {
        try
        {
            var request = new GetAuditRequest();
            foreach (var (log, head) in heads)
                request.Heads[log] = head;
            return await services.AccountOf(consumer).GetAuditAsync(request, deadline: services.PatientDeadline, cancellationToken: cancellationToken);
        }
        catch (RpcException exception) when (!cancellationToken.IsCancellationRequested)
        {
            services.Missed(consumer, exception);
            return null;
        }
    }

    private static async Task<IReadOnlyDictionary<int, long>> HeadsAsync(ServiceCalls services, CancellationToken cancellationToken) =>
        (await services.Lake.GetHeadsAsync(new GetHeadsRequest(), cancellationToken: cancellationToken)).Heads
            .ToDictionary(static head => head.Log, static head => head.Newest);

    private static string Text(IReadOnlyDictionary<int, long> heads) =>
        string.Join(',', heads.OrderBy(static head => head.Key).Select(static head => FormattableString.Invariant($"{head.Key}:{head.Value}")));

    private static Dictionary<int, long>? Parse(string text, IReadOnlyDictionary<int, long> newest)
    {
        if (text.Length == 0)
            return null;
        var heads = new Dictionary<int, long>();
        foreach (var head in text.Split(','))
        {
            if (head.Split(':') is not [var log, var position]
                || !int.TryParse(log, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                || !long.TryParse(position, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
                || !newest.TryGetValue(number, out var last) || value > last)
            {
                throw OperatorRefusal.Invalid("heads", "must be LOG:POSITION, several with commas between, each a position that has been logged");
            }

            heads[number] = value;
        }

        return heads;
    }
}
