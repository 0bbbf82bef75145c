using Grpc.Core;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>
/// A request of the operator API that gets an error for an answer. Handlers throw it, the <see cref="OperatorGate"/> writes it: the same kind
/// of problem for everything that can be wrong.
/// </summary>
/// <param name="status">HTTP status.</param>
/// <param name="code">Stable code for clients, also the metric's reason.</param>
/// <param name="error">One sentence for a person, without secrets.</param>
/// <param name="retryAfter">When to come back.</param>
/// <param name="closesConnection">True when part of a body may still be under way.</param>
internal sealed class OperatorRefusal(int status, string code, string error, TimeSpan? retryAfter = null, bool closesConnection = false)
    : Exception(error)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    /// <summary>HTTP status.</summary>
    public int Status => status;

    /// <summary>Stable code.</summary>
    public string Code => code;

    /// <summary>When to come back; null when that would not help.</summary>
    public TimeSpan? RetryAfter => retryAfter;

    /// <summary>The connection ends with the answer.</summary>
    public bool ClosesConnection => closesConnection;

    /// <summary>One text for a key that is missing, wrong, expired or sent twice.</summary>
    public static OperatorRefusal Unauthorized() =>
        new(StatusCodes.Status401Unauthorized, "unauthorized", "Send an API key that counts now, as X-API-Key or Authorization: Bearer");

    /// <summary>The key is good, but not for this.</summary>
    public static OperatorRefusal Forbidden(string error) => new(StatusCodes.Status403Forbidden, "forbidden", error);

    /// <summary>A part of the request breaks a rule.</summary>
    public static OperatorRefusal Invalid(string field, string rule) => new(StatusCodes.Status400BadRequest, "invalid_argument", $"{field} {rule}.");

    /// <summary>Nothing that this key may see is known by that name.</summary>
    public static OperatorRefusal NotFound(string error) => new(StatusCodes.Status404NotFound, "not_found", error);

    /// <summary>More requests than the key or the address may send.</summary>
    public static OperatorRefusal TooMany(TimeSpan wait) => new(StatusCodes.Status429TooManyRequests, "rate_limited", "Too many requests", wait);

    /// <summary>A service behind edge cannot answer now.</summary>
    public static OperatorRefusal Unavailable(string error) => new(StatusCodes.Status503ServiceUnavailable, "unavailable", error, Soon);

    /// <summary>What one of the doors' refusals means here.</summary>
    public static OperatorRefusal Of(Refusal refusal) =>
        new(refusal.Status, refusal.Code, refusal.Error, refusal.Status == StatusCodes.Status429TooManyRequests ? Soon : null, refusal.ClosesConnection);

    /// <summary>
    /// The one place that says what a service's gRPC status means to a client. Details of the first three name the field, the key or the
    /// state; those of all others speak of what is behind edge and stay there.
    /// </summary>
    public static OperatorRefusal Of(RpcException exception) => exception.StatusCode switch
    {
        StatusCode.InvalidArgument => new(StatusCodes.Status400BadRequest, "invalid_argument", exception.Status.Detail),
        StatusCode.NotFound => NotFound(exception.Status.Detail),
        StatusCode.FailedPrecondition => new(StatusCodes.Status409Conflict, "failed_precondition", exception.Status.Detail),
        StatusCode.ResourceExhausted => TooMany(Soon),
        StatusCode.Unavailable => Unavailable(exception.Status.Detail.Length > 0 ? Readable(exception) : "The service does not answer now; try again."),
        StatusCode.DeadlineExceeded => Unavailable("The service did not answer in time; try again."),
        StatusCode.Unimplemented => new(StatusCodes.Status501NotImplemented, "not_implemented", "The service of this installation does not offer that."),
        _ => Unavailable("The service cannot be reached now; try again."),
    };

    // A service's own words are for people; those of a connection that failed name addresses and exceptions.
    private static string Readable(RpcException exception) =>
        exception.Status.DebugException is null && !exception.Status.Detail.Contains("://", StringComparison.Ordinal)
            ? exception.Status.Detail
            : "The service cannot be reached now; try again.";
}
