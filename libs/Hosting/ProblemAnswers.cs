using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace WhatsAppMesh.Hosting;

/// <summary>
/// Error answers as the framework's problem details (RFC 9457), with a stable <c>code</c> and the same short <c>error</c> text older clients read.
/// </summary>
public static class ProblemAnswers
{
    /// <summary>Writes the answer.</summary>
    /// <param name="context">The request.</param>
    /// <param name="status">HTTP status.</param>
    /// <param name="code">Stable, public, snake case: what a client switches on.</param>
    /// <param name="error">One short sentence for a person; never holds a secret, a body or a phone number.</param>
    /// <param name="retryAfter">When to come back: becomes the Retry-After header, whole seconds, at least 1.</param>
    /// <param name="errors">Every rule broken, by field.</param>
    /// <param name="more">Further members.</param>
    public static Task WriteAsync(
        HttpContext context,
        int status,
        string code,
        string error,
        TimeSpan? retryAfter = null,
        IReadOnlyDictionary<string, IReadOnlyList<string>>? errors = null,
        IReadOnlyDictionary<string, object?>? more = null)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (retryAfter is { } wait)
            context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

        var problem = new ProblemDetails
        {
            Type = $"urn:whatsappmesh:problem:{code}",
            Status = status,
            Extensions = { ["code"] = code, ["error"] = error },
        };
        if (errors is { Count: > 0 })
            problem.Extensions["errors"] = errors;
        foreach (var (name, value) in more ?? new Dictionary<string, object?>())
            problem.Extensions[name] = value;
        return TypedResults.Problem(problem).ExecuteAsync(context);
    }
}
