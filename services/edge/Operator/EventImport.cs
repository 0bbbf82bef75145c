using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Grpc.Core;
using Microsoft.AspNetCore.Http.HttpResults;
using WhatsAppMesh.Events;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>A line of an import that was not stored: its number, counted from 1, and the rule it breaks. Never a word of the line.</summary>
internal sealed record RefusedLineView(long Line, string Field, string Reason);

/// <summary>What became of an import.</summary>
internal sealed record ImportAnswer(long Read, long Appended, long Duplicates, long Refused, IReadOnlyList<RefusedLineView> Refusals);

/// <summary>
/// Takes NDJSON, as an export wrote it, and streams it into the lake as the key's tenant. A line that breaks a rule is refused alone; an import
/// that broke off is simply repeated.
/// </summary>
internal static class EventImport
{
    private const int BatchLines = 200;
    private const int BatchBytes = 1024 * 1024;
    private const int ShownRefusals = 1000;

    /// <summary>Reads the body as it comes, a batch at a time, so that an import may be of any length.</summary>
    public static async Task<JsonHttpResult<ImportAnswer>> ReadAsync(HttpContext context, OperatorCall call, ServiceCalls services, OperatorBudget budget)
    {
        if (context.Request.ContentType?.Split(';')[0].Trim() != EventExport.MediaType)
            throw new OperatorRefusal(StatusCodes.Status415UnsupportedMediaType, "unsupported_media_type", $"Content type must be {EventExport.MediaType}");
        if (!budget.Bodies.TryEnter())
            throw OperatorRefusal.Of(Refusal.TooManyBodies);
        try
        {
            using var import = services.Lake.ImportEvents(cancellationToken: call.Aborted);
            var unreadable = new UnreadableLines();
            await SendAsync(context.Request.BodyReader, import, call.Tenant, services.MaxEventBytes, unreadable, call.Aborted);
            return Answer.Json(AnswerOf(await ResponseAsync(import), unreadable));
        }
        finally
        {
            budget.Bodies.Leave();
        }
    }

    private static async Task SendAsync(
        PipeReader body, AsyncClientStreamingCall<ImportEventsRequest, ImportEventsResponse> import, string tenant,
        int maxEventBytes, UnreadableLines unreadable, CancellationToken cancellationToken)
    {
        var (lines, batch, bytes) = (0L, new ImportEventsRequest { Tenant = tenant }, 0L);
        // A text inside JSON is at most twice as long.
        await foreach (var line in NdjsonLines.ReadAsync(body, 2 * maxEventBytes, cancellationToken))
        {
            lines++;
            if (!line.IsTooLong && line.Bytes.IsEmpty)
                continue;
            if (Parse(line, lines, maxEventBytes, unreadable) is not { } parsed)
                continue;
            var size = parsed.CalculateSize();
            if (batch.Lines.Count == BatchLines || (batch.Lines.Count > 0 && bytes + size > BatchBytes))
            {
                await WriteAsync(import, batch);
                (batch, bytes) = (new ImportEventsRequest { Tenant = tenant }, 0);
            }

            batch.Lines.Add(parsed);
            bytes += size;
        }

        await WriteAsync(import, batch);
        await import.RequestStream.CompleteAsync();
    }

    // A call that the lake has ended says why in its answer, not where writing fails. Its limit on a message is a setting of ingest: an event
    // above it cannot be imported however often it is tried.
    private static async Task WriteAsync(AsyncClientStreamingCall<ImportEventsRequest, ImportEventsResponse> import, ImportEventsRequest batch)
    {
        try
        {
            await import.RequestStream.WriteAsync(batch);
        }
        catch (Exception exception) when (exception is RpcException or InvalidOperationException)
        {
            await ResponseAsync(import);
            throw;
        }
    }

    private static async Task<ImportEventsResponse> ResponseAsync(AsyncClientStreamingCall<ImportEventsRequest, ImportEventsResponse> import)
    {
        try
        {
            return await import.ResponseAsync;
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted)
        {
            throw OperatorRefusal.Of(Refusal.BodyTooLarge);
        }
    }

    private static ImportLine? Parse(NdjsonLine line, long number, int maxEventBytes, UnreadableLines unreadable)
    {
        try
        {
            var parsed = line.IsTooLong ? null : new ImportLine { Number = number, Event = CollectedEventJson.Parse(line.Bytes.ToArray()) };
            if (parsed is not null && parsed.CalculateSize() <= maxEventBytes)
                return parsed;
            unreadable.Add(number, "is longer than an event may be");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            unreadable.Add(number, "is not an exported event");
        }

        return null;
    }

    private static ImportAnswer AnswerOf(ImportEventsResponse response, UnreadableLines unreadable) => new(
        response.Read + unreadable.Count,
        response.Appended,
        response.Duplicates,
        response.Refused + unreadable.Count,
        [.. response.Refusals.Select(static refused => new RefusedLineView(refused.Number, refused.Field, refused.Reason))
            .Concat(unreadable.Shown).OrderBy(static refused => refused.Line).Take(ShownRefusals)]);

    /// <summary>Lines that are no events at all, so that the lake never sees them.</summary>
    private sealed class UnreadableLines
    {
        public long Count { get; private set; }

        public List<RefusedLineView> Shown { get; } = [];

        public void Add(long line, string reason)
        {
            if (Count++ < ShownRefusals)
                Shown.Add(new RefusedLineView(line, "line", reason));
        }
    }
}
