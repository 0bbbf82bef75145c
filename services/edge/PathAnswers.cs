using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge;

/// <summary>Gives requests that reach no door the same kind of answer as those that do.</summary>
internal static class PathAnswers
{
    public static Task WriteAsync(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => ProblemAnswers.WriteAsync(
            context, StatusCodes.Status404NotFound, "not_found", "There is nothing at this path"),
        StatusCodes.Status405MethodNotAllowed => ProblemAnswers.WriteAsync(
            context, StatusCodes.Status405MethodNotAllowed, "method_not_allowed", "This path does not take this method"),
        _ => Task.CompletedTask,
    };
}
