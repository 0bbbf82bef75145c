using WhatsAppMesh.DeadLetters.V1;
using LetterState = WhatsAppMesh.DeadLetters.V1.State;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>A dead letter as the API shows it.</summary>
internal sealed record DeadLetterView(
    string Id, string Service, string Tenant, int Log, long Position, string EventId, int Revision, string Type, string State, string Category,
    string Error, string Message, string Step, int Attempts, string? TraceId, DateTime? FirstFailedAt, DateTime? DeadAt, DateTime? SettledAt,
    string? PreviousId)
{
    public static DeadLetterView Of(string service, DeadLetter letter) => new(
        letter.Id, service, letter.Tenant, letter.Log, letter.Position, letter.EventId, letter.Revision, letter.Type, NameOf(letter.State),
        letter.Category, letter.Error, letter.Message, letter.Step, letter.Attempts, letter.TraceId.NullIfEmpty(),
        Rfc3339.Of(letter.FirstFailedAt), Rfc3339.Of(letter.DeadAt), Rfc3339.Of(letter.SettledAt), letter.PreviousId.NullIfEmpty());

    /// <summary>The state that a name stands for; null when unknown.</summary>
    public static LetterState? StateOf(string name) => name switch
    {
        "" => LetterState.Unspecified,
        "open" => LetterState.Open,
        "replayed" => LetterState.Replayed,
        "failed_again" => LetterState.FailedAgain,
        "discarded" => LetterState.Discarded,
        _ => null,
    };

    private static string NameOf(LetterState state) => state switch
    {
        LetterState.Replayed => "replayed",
        LetterState.FailedAgain => "failed_again",
        LetterState.Discarded => "discarded",
        _ => "open",
    };
}

/// <summary>Dead letters that failed alike.</summary>
internal sealed record CauseView(string Category, string Error, string Step, string Type, long Count);

/// <summary>A page of dead letters; the causes of all that match come with the first one.</summary>
internal sealed record DeadLetterPage(IReadOnlyList<DeadLetterView> DeadLetters, IReadOnlyList<CauseView>? Causes, string? NextPageToken);

/// <summary>A dead letter with the event as it was delivered; the envelope is for operators alone.</summary>
internal sealed record DeadLetterDetail(DeadLetterView DeadLetter, RawJson? Envelope);

/// <summary>Which dead letters; absent members do not restrict.</summary>
internal sealed record FilterOrder(
    IReadOnlyList<string?>? Types = null, string? Category = null, string? Error = null, string? State = null, string? DeadFrom = null, string? DeadTo = null);

/// <summary>Positions of a log, both ends inclusive.</summary>
internal sealed record RangeOrder(int Log, long From, long To);

/// <summary>Asks for a replay: exactly one of ids, filter and ranges says of what.</summary>
internal sealed record ReplayOrder(
    string? Service = null, IReadOnlyList<string?>? Ids = null, FilterOrder? Filter = null, IReadOnlyList<RangeOrder?>? Ranges = null,
    bool DryRun = false, string? Reason = null, int Rate = 0, bool AllowSends = false);

/// <summary>How many events a replay is about, and its job; no job for a dry run or when there is nothing to do.</summary>
internal sealed record ReplayAnswer(long Matched, string? JobId);

/// <summary>Gives up on dead letters.</summary>
internal sealed record DiscardOrder(string? Service = null, IReadOnlyList<string?>? Ids = null, string? Reason = null);

/// <summary>How many were given up.</summary>
internal sealed record DiscardAnswer(long Discarded);

/// <summary>A replay job and its progress.</summary>
internal sealed record ReplayJobView(
    string JobId, string Service, string State, long Matched, long Replayed, long Failed, string Reason, string RequestedBy,
    DateTime? CreatedAt, DateTime? FinishedAt)
{
    public static ReplayJobView Of(string service, ReplayJob job) => new(
        job.JobId, service, job.State, job.Matched, job.Replayed, job.Failed, job.Reason, job.RequestedBy,
        Rfc3339.Of(job.CreatedAt), Rfc3339.Of(job.FinishedAt));
}
