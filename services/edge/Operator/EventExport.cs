using System.Text.Json;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>
/// Streams events as NDJSON in log order: a line per event, the same JSON as on the topic. A stream that breaks off ends with a broken
/// connection, never as if it were whole.
/// </summary>
internal static class EventExport
{
    /// <summary>Media type of a stream of events.</summary>
    public const string MediaType = "application/x-ndjson";

    /// <summary>The parameter with which an operator gets a minimised tenant's events as they are: to move them to another mesh.</summary>
    public const string Full = "full";

    private const int FlushBytes = 64 * 1024;

    /// <summary>Writes the stream.</summary>
    public static async Task WriteAsync(HttpContext context, OperatorCall call, ServiceCalls services)
    {
        var minimiser = call.Query.Flag(Full) ? null : call.Minimiser;
        using var export = services.Lake.ExportEvents(new ExportEventsRequest { Filter = EventsApi.FilterOf(call) }, cancellationToken: call.Aborted);

        // The first answer before the status: whatever is wrong with the request or the lake shows there.
        var more = await export.ResponseStream.MoveNext(call.Aborted);
        context.Response.ContentType = MediaType;
        await context.Response.StartAsync(call.Aborted);
        await using var writer = new Utf8JsonWriter(context.Response.BodyWriter, CollectedEventJson.WriterOptions);
        while (more)
        {
            CollectedEventJson.Write(writer, Shown(export.ResponseStream.Current.Event, minimiser));
            writer.Flush();
            writer.Reset();
            context.Response.BodyWriter.GetSpan(1)[0] = (byte)'\n';
            context.Response.BodyWriter.Advance(1);
            if (context.Response.BodyWriter.UnflushedBytes >= FlushBytes)
                await context.Response.BodyWriter.FlushAsync(call.Aborted);
            more = await export.ResponseStream.MoveNext(call.Aborted);
        }

        await context.Response.BodyWriter.FlushAsync(call.Aborted);
    }

    // What readers of a minimised tenant may see of an event. It says so: an import would take it for another event.
    private static CollectedEvent Shown(CollectedEvent value, Minimiser? minimiser)
    {
        if (minimiser is null)
            return value;
        value.EventId = minimiser.EventId(Guid.Parse(value.EventId)).ToString("D");
        (value.ChatJid, value.ParticipantJid, value.ParticipantAlt) =
            (minimiser.Address(value.ChatJid)!, minimiser.Address(value.ParticipantJid)!, minimiser.Address(value.ParticipantAlt)!);
        value.PayloadJson = minimiser.Json(value.PayloadJson) ?? "null";
        value.Minimised = true;
        return value;
    }
}
