using System.Globalization;
using System.Text;

namespace WhatsAppMesh.Hostile;

/// <summary>One hostile request: what is sent, what must be answered, and how much of it may be stored.</summary>
/// <param name="Name">What is hostile about it.</param>
/// <param name="Make">Makes the request around a body that carries this row's mark.</param>
/// <param name="Statuses">Statuses that are right; 0 = a connection that ends without an answer.</param>
/// <param name="Code">The problem's code; null where the answer has none (2xx, and refusals of Kestrel before any code of ours).</param>
/// <param name="Stored">Rows in the lake afterwards.</param>
public sealed record Row(string Name, Func<Mark, Request> Make, int[] Statuses, string? Code = null, int Stored = 0)
{
    /// <summary>How the sender goes on after its bytes.</summary>
    public Sending Sending { get; init; }

    /// <summary>How often it is sent, one after the other; each time the same bytes and the same answer.</summary>
    public int Times { get; init; } = 1;

    /// <summary>What a stored payload must hold; null when that is the mark alone.</summary>
    public string? Holds { get; init; }

    public override string ToString() => Name;
}

/// <summary>Words that tell one row's request from every other, and that must never be seen in a log.</summary>
public sealed class Mark(int number)
{
    /// <summary>Beginning of every mark.</summary>
    public const string Word = "zqmark";

    /// <summary>Beginning of every group JID.</summary>
    public const string JidStart = "120363555";

    /// <summary>The row's own word.</summary>
    public string Text { get; } = string.Create(CultureInfo.InvariantCulture, $"{Word}{number:D5}z");

    /// <summary>The row's own group.</summary>
    public string Jid { get; } = string.Create(CultureInfo.InvariantCulture, $"{JidStart}{number:D9}@g.us");

    /// <summary>A sound body of the second generation; what is given comes into the payload behind the mark.</summary>
    public string Body(string more = "") => $$$"""{"type":"messages.upsert","chat_jid":"{{{Jid}}}","payload":{"text":"{{{Text}}}"{{{more}}}}}""";

    /// <summary>A sound body of the first generation.</summary>
    public string BodyV1(string occurredAt = "\"2026-01-01T00:00:00Z\"") =>
        $$$"""{"type":"messages.upsert","group_jid":"{{{Jid}}}","occurred_at":{{{occurredAt}}},"payload":{"text":"{{{Text}}}"}}""";

    /// <summary>A body with this text where a sound one has its type.</summary>
    public string Typed(string json) => $$$"""{"type":{{{json}}},"chat_jid":"{{{Jid}}}","payload":{"text":"{{{Text}}}"}}""";

    /// <summary>A body with this text where a sound one has its chat.</summary>
    public string InChat(string json) => $$$"""{"type":"messages.upsert","chat_jid":{{{json}}},"payload":{"text":"{{{Text}}}"}}""";

    /// <summary>A body with this text where a sound one has its payload.</summary>
    public string Paying(string json) => $$$"""{"type":"messages.upsert","chat_jid":"{{{Jid}}}","payload":{{{json}}}}""";

    /// <summary>A sound body with these bytes inside a string.</summary>
    public byte[] BodyWith(params byte[] bytes)
    {
        var parts = Body(",\"raw\":\"?\"").Split('?');
        return [.. Encoding.UTF8.GetBytes(parts[0]), .. bytes, .. Encoding.UTF8.GetBytes(parts[1])];
    }
}
