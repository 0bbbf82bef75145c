using Grpc.Core;
using WhatsAppMesh.Ingest.V1;
using static WhatsAppMesh.Ingest.LakeService;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Stores an export. Each message of the stream is one commit, so that memory stays constant and what is stored stays stored when the
/// stream breaks; a repeated import finds it as duplicates.
/// </summary>
internal sealed partial class LakeImporter(LakeStore lake, RetentionOptions retention, TimeProvider clock, ILogger<LakeImporter> logger)
{
    private const int MaxLines = 1_000;
    private const int MaxRefusals = 1_000;

    /// <summary>Imports everything that the stream holds.</summary>
    /// <exception cref="RpcException">INVALID_ARGUMENT names the field; UNAVAILABLE: send all of it again.</exception>
    public async Task<ImportEventsResponse> ImportAsync(IAsyncStreamReader<ImportEventsRequest> stream, CancellationToken cancellationToken)
    {
        var (tenant, counts) = ("", new ImportEventsResponse());
        while (await stream.MoveNext(cancellationToken))
        {
            var request = stream.Current;
            tenant = TenantOf(request, tenant);
            Require(request.Lines.Count <= MaxLines, "lines", $"must be at most {MaxLines} in a message");
            await StoreAsync(request, tenant, counts);
        }
        Log.Imported(logger, counts.Read, counts.Appended, counts.Duplicates, counts.Refused);
        return counts;
    }

    private static string TenantOf(ImportEventsRequest request, string tenant)
    {
        if (request.Tenant.Length > 0)
        {
            RequireTenant(request.Tenant, "tenant");
            Require(tenant.Length == 0 || request.Tenant == tenant, "tenant", "must be the same in every message");
            return request.Tenant;
        }
        Require(tenant.Length > 0, "tenant", "is required in the first message");
        return tenant;
    }

    private async Task StoreAsync(ImportEventsRequest request, string tenant, ImportEventsResponse counts)
    {
        var now = clock.GetUtcNow();
        var events = new List<NewEvent>(request.Lines.Count);
        foreach (var line in request.Lines)
        {
            counts.Read++;
            var reading = ImportedEvent.Read(line.Event, tenant, retention.OldestKept(now), now);
            if (reading.Event is { } item)
            {
                events.Add(item);
                continue;
            }
            counts.Refused++;
            if (counts.Refusals.Count < MaxRefusals)
                counts.Refusals.Add(new RefusedLine { Number = line.Number, Field = reading.Field, Reason = reading.Reason });
        }
        try
        {
            foreach (var stored in events.Count == 0 ? [] : await lake.AppendAsync([.. events]))
                _ = stored.IsNew ? counts.Appended++ : counts.Duplicates++;
        }
        catch (LakeUnavailableException)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "The events cannot be stored now: import them again, what is stored already counts as duplicate."));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2060, LogLevel.Information, "Imported {Read} lines: {Appended} appended, {Duplicates} known, {Refused} refused")]
        public static partial void Imported(ILogger logger, long read, long appended, long duplicates, long refused);
    }
}
