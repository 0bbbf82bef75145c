using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Grpc.Core;
using Microsoft.AspNetCore.Http.HttpResults;
using WhatsAppMesh.Edge.Limits;
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
    private const int MaxLineBytes = 16 * 1024 * 1024;
    private const int BatchLines = 200;
    private const int BatchBytes = 1024 * 1024;
    private const int ShownRefusals = 1000;

    /// <summary>Reads the body as it comes, a batch at a time, so that an import may be of any length.</summary>
    public static async Task<JsonHttpResult<ImportAnswer>> ReadAsync(HttpContext context, OperatorCall call, ServiceCalls services, BodyBudget budget)
    {
        if (context.Request.ContentType?.Split(';')[0].Trim() != EventExport.MediaType)
            throw new OperatorRefusal(StatusCodes.Status415UnsupportedMediaType, "unsupported_media_type", $"Content type must be {EventExport.MediaType}");
        if (!budget.TryEnter())
            throw OperatorRefusal.Of(Refusal.TooManyBodies);
        try
        {
            using var import = services.Lake.ImportEvents(cancellationToken: call.Aborted);
            var unreadable = new UnreadableLines();
            await SendAsync(context.Request.BodyReader, import, call.Tenant, unreadable, call.Aborted);
            return Answer.Json(AnswerOf(await import.ResponseAsync, unreadable));
        }
        finally
        {
            budget.Leave();
        }
    }

    private static async Task SendAsync(
        PipeReader body, AsyncClientStreamingCall<ImportEventsRequest, ImportEventsResponse> import, string tenant,
        UnreadableLines unreadable, CancellationToken cancellationToken)
    {
        var (lines, batch, bytes) = (0L, new ImportEventsRequest { Tenant = tenant }, 0L);
        await foreach (var line in NdjsonLines.ReadAsync(body, MaxLineBytes, cancellationToken))
        {
            lines++;
            if (line.Length == 0)
                continue;
            if (Parse(line, lines, unreadable) is { } parsed)
                batch.Lines.Add(parsed);
            bytes += line.Length;
            if (batch.Lines.Count < BatchLines && bytes < BatchBytes)
                continue;
            await WriteAsync(import, batch);
            (batch, bytes) = (new ImportEventsRequest { Tenant = tenant }, 0);
        }

        await WriteAsync(import, batch);
        await import.RequestStream.CompleteAsync();
    }

    // A call that the lake has ended says why in its answer, not where writing fails.
    private static async Task WriteAsync(AsyncClientStreamingCall<ImportEventsRequest, ImportEventsResponse> import, ImportEventsRequest batch)
    {
        try
        {
            await import.RequestStream.WriteAsync(batch);
        }
        catch (Exception exception) when (exception is RpcException or InvalidOperationException)
        {
            await import.ResponseAsync;
            throw;
        }
    }

    private static ImportLine? Parse(ReadOnlySequence<byte> line, long number, UnreadableLines unreadable)
    {
        try
        {
            return new ImportLine { Number = number, Event = CollectedEventJson.Parse(line.ToArray()) };
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            unreadable.Add(number);
            return null;
        }
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

        public void Add(long line)
        {
            if (Count++ < ShownRefusals)
                Shown.Add(new RefusedLineView(line, "line", "is not an exported event"));
        }
    }
}
