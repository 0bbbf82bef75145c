using System.Text;

namespace WhatsAppMesh.Ingest;

/// <summary>The small JSON answers of the doors, written as bytes: they go out thousands of times a second.</summary>
internal static class DoorAnswers
{
    private static ReadOnlySpan<byte> AcceptedHead => "{\"status\":\"accepted\",\"event_id\":\""u8;

    private static ReadOnlySpan<byte> DuplicateHead => "{\"status\":\"duplicate\",\"event_id\":\""u8;

    /// <summary>201 {"status":"stored"}, for new and known alike.</summary>
    public static Task Stored(HttpResponse response, NewEvent[] events, StoredEvent[] stored) =>
        Write(response, StatusCodes.Status201Created, """{"status":"stored"}"""u8);

    /// <summary>200 {"status":"ok"}, for new and known alike.</summary>
    public static Task Ok(HttpResponse response, NewEvent[] events, StoredEvent[] stored) =>
        Write(response, StatusCodes.Status200OK, """{"status":"ok"}"""u8);

    /// <summary>202 with the event's id, and whether it is new.</summary>
    public static Task AcceptedOrDuplicate(HttpResponse response, NewEvent[] events, StoredEvent[] stored) =>
        WithId(response, stored[0].IsNew ? AcceptedHead : DuplicateHead, events[0].EventId);

    /// <summary>202 {"status":"accepted"} with the event's id, for new and known alike.</summary>
    public static Task Accepted(HttpResponse response, NewEvent[] events, StoredEvent[] stored) =>
        WithId(response, AcceptedHead, events[0].EventId);

    /// <summary>202 {"status":"accepted","events":n}; 204 when nothing usable was in the request.</summary>
    public static Task AcceptedCount(HttpResponse response, NewEvent[] events, StoredEvent[] stored)
    {
        if (events.Length > 0)
            return Write(response, StatusCodes.Status202Accepted, Encoding.UTF8.GetBytes($$"""{"status":"accepted","events":{{events.Length}}}"""));
        response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private static Task WithId(HttpResponse response, ReadOnlySpan<byte> head, Guid id)
    {
        Span<byte> json = stackalloc byte[96];
        head.CopyTo(json);
        id.TryFormat(json[head.Length..], out var length);
        "\"}"u8.CopyTo(json[(head.Length + length)..]);
        return Write(response, StatusCodes.Status202Accepted, json[..(head.Length + length + 2)]);
    }

    private static Task Write(HttpResponse response, int status, ReadOnlySpan<byte> json)
    {
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.ContentLength = json.Length;
        var target = response.BodyWriter.GetSpan(json.Length);
        json.CopyTo(target);
        response.BodyWriter.Advance(json.Length);
        return Task.CompletedTask;
    }
}
