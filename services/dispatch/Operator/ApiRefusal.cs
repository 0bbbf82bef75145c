using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Operator;

/// <summary>An answer of the operator API other than success. Whoever throws it has changed nothing.</summary>
/// <param name="status">HTTP status.</param>
/// <param name="code">Stable code for clients.</param>
/// <param name="error">One sentence for a person.</param>
/// <param name="errors">Every rule broken, by field.</param>
/// <param name="retryAfter">When to come back.</param>
/// <param name="state">The state that forbids what was asked (<c>status</c> in the answer).</param>
internal sealed class ApiRefusal(
    int status, string code, string error, IReadOnlyDictionary<string, IReadOnlyList<string>>? errors = null, TimeSpan? retryAfter = null, string? state = null)
    : Exception(error)
{
    public int Status => status;

    public string Code => code;

    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Errors => errors;

    public TimeSpan? RetryAfter => retryAfter;

    /// <summary>The state that forbids what was asked; null when none does.</summary>
    public string? State => state;

    /// <summary>404: no such thing in this tenant.</summary>
    public static ApiRefusal NotFound(string what) => new(StatusCodes.Status404NotFound, "not_found", $"There is no such {what}.");

    /// <summary>400: a parameter is wrong.</summary>
    public static ApiRefusal Invalid(string field, string rule) => new(
        StatusCodes.Status400BadRequest, "invalid_argument", $"{field} {rule}.", new Dictionary<string, IReadOnlyList<string>> { [field] = [rule] });

    /// <summary>422: a body breaks rules.</summary>
    public static ApiRefusal Unprocessable(string code, string error, FieldErrors errors) => new(StatusCodes.Status422UnprocessableEntity, code, error, errors.ByField);

    /// <summary>Writes it.</summary>
    public Task WriteAsync(HttpContext context)
    {
        var more = new Dictionary<string, object?>();
        // Beside the number that is the answer's status, the state has a name of its own.
        if (state is not null)
            more["current_status"] = state;
        if (retryAfter is { } wait)
            more["retry_after_seconds"] = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds));
        return ProblemAnswers.WriteAsync(context, status, code, Message, retryAfter, errors, more);
    }
}
