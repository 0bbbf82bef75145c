namespace WhatsAppMesh.DevSidecar.State;

/// <summary>What kind of refusal it was; the HTTP status depends on it (409, 400, 500).</summary>
internal enum StateFailure
{
    ETagMismatch,
    ETagInvalid,
    Other,
}

/// <summary>A state store refused an operation. The message is what daprd's state component would have said.</summary>
internal sealed class StateException(StateFailure failure, string message) : Exception(message)
{
    private const string MismatchText = "possible etag mismatch. error from state store";

    public StateFailure Failure { get; } = failure;

    public static StateException Mismatch(string? detail = null) =>
        new(StateFailure.ETagMismatch, detail is null ? MismatchText : MismatchText + ": " + detail);

    /// <summary>Several items of one request failed: it is an ETag error only if every one of them was.</summary>
    public static StateException Combine(IReadOnlyList<StateException> failures)
    {
        var messages = string.Join("\n", failures.Select(f => f.Message));
        return failures.All(f => f.Failure == StateFailure.ETagMismatch)
            ? Mismatch(messages)
            : failures.All(f => f.Failure != StateFailure.Other)
                ? new StateException(StateFailure.ETagInvalid, messages)
                : new StateException(StateFailure.Other, messages);
    }
}
