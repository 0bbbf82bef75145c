using System.Buffers;
using WhatsAppMesh.Edge.Sources;

namespace WhatsAppMesh.Edge;

/// <summary>Decides checks 3 to 5 for one door.</summary>
public delegate Admission Admit(SourceCatalog catalog, HttpRequest request, ReadOnlySpan<byte> body, DateTimeOffset now);

/// <summary>One way in: where clients post, how they prove who they are, and where ingest takes it.</summary>
/// <param name="Pattern">The public path.</param>
/// <param name="IngestPath">ingest's path; <c>{}</c> stands for the id in the public path.</param>
/// <param name="Admit">Who is let in.</param>
/// <param name="IdName">Name of the id in the public path; null when there is none.</param>
/// <param name="TakesIdempotencyKey">True where the header <c>Idempotency-Key</c> says which event it is; elsewhere it means nothing.</param>
/// <param name="TakesForms">True where JSON may also come as the field <c>payload</c> of a form, as GitHub and Slack send it.</param>
public sealed record Door(
    string Pattern, string IngestPath, Admit Admit, string? IdName = null, bool TakesIdempotencyKey = false, bool TakesForms = false)
{
    private const int MaxIdLength = 200;

    /// <summary>
    /// True where the id in the public path is a tail that a sender appends or leaves out: it is passed on behind ingest's path when it can
    /// be an id, and nothing hangs on it.
    /// </summary>
    public bool TakesPathTail { get; private init; }

    private static readonly SearchValues<char> IdCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:@+~");

    /// <summary>Every door there is.</summary>
    public static IReadOnlyList<Door> All { get; } =
    [
        new("/api/integrations/whatsapp/events", "/v1/events", Admission.CollectorV1),
        new("/api/webhooks/whatsapp", "/v2/events", Admission.CollectorV2),
        new("/api/triggers/{triggerId}/webhook", "/triggers/{}/events", Admission.Trigger, "triggerId", TakesIdempotencyKey: true, TakesForms: true),
        new("/api/leads/{leadId}/stage", "/leads/{}/events", Admission.Crm, "leadId", TakesIdempotencyKey: true),
        new("/api/integrations/whatsapp/webhook", "/broker/events", Admission.Broker),
        new("/api/integrations/waha/webhook", "/waha/events", Admission.Waha),
        new("/api/integrations/evolution/webhook/{**event}", "/evolution/events", Admission.Evolution, "event") { TakesPathTail = true },
    ];

    /// <summary>ingest's path for this request; null when the id in the public path cannot be one.</summary>
    public string? PathAtIngest(HttpRequest request)
    {
        if (IdName is null)
            return IngestPath;
        if (TakesPathTail)
        {
            var tail = (request.RouteValues[IdName] as string)?.Trim('/');
            return tail is { Length: > 0 } && IsId(tail) ? $"{IngestPath}/{Uri.EscapeDataString(tail)}" : IngestPath;
        }
        return request.RouteValues[IdName] is string id && IsId(id)
            ? IngestPath.Replace("{}", Uri.EscapeDataString(id), StringComparison.Ordinal)
            : null;
    }

    /// <summary>True for what may stand as an id in a path that is sent on.</summary>
    // Routing leaves an escaped slash as it is: with '%' refused, no id can reach into ingest's other paths.
    public static bool IsId(string id) =>
        id.Length <= MaxIdLength && id is not ("." or "..") && !id.AsSpan().ContainsAnyExcept(IdCharacters);
}
