using System.Text;
using System.Text.RegularExpressions;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>
/// What a viewer of a minimised tenant may ask, and gets: whatever the handler answers, with pseudonyms in place of people and no text. A field
/// that somebody adds to an answer shows nothing until it is known to be harmless.
/// </summary>
internal static partial class MinimisedAnswer
{
    // Parameters that name no person, whatever their value.
    private static readonly string[] Harmless =
    [
        QueryReader.Tenant, "page_token", "page_size", "as_of", "from", "to", "occurred_from", "occurred_to", "dead_from", "dead_to", "heads", "type", "status",
        "service", "category", "error", "state", "revision", "window_days", "instance", "automation", "admins_only", "include_left", "id", "full",
    ];

    /// <summary>Lets the handler answer, and shows of it what this key may see.</summary>
    /// <exception cref="OperatorRefusal">403: it asks for a person, who could be found out by asking for everybody.</exception>
    public static async Task WriteAsync(HttpContext context, Minimiser minimiser, RequestDelegate handler)
    {
        CheckQuestion(context.Request);
        var body = context.Response.Body;
        using var answer = new MemoryStream();
        context.Response.Body = answer;
        try
        {
            await handler(context);
        }
        finally
        {
            context.Response.Body = body;
        }
        if (answer.Length == 0)
            return;
        var text = Encoding.UTF8.GetString(answer.GetBuffer(), 0, (int)answer.Length);
        // A refusal speaks to whoever asked; but not of numbers.
        if (context.Response.StatusCode < StatusCodes.Status400BadRequest || LongNumber().IsMatch(text))
            text = minimiser.Json(text, isAnswer: true) ?? "";
        context.Response.ContentLength = Encoding.UTF8.GetByteCount(text);
        await context.Response.WriteAsync(text, context.RequestAborted);
    }

    private static void CheckQuestion(HttpRequest request)
    {
        var asked = request.Query.SelectMany(static parameter => parameter.Value, static (parameter, value) => (parameter.Key, Value: value))
            .Concat(request.RouteValues.Select(static part => (part.Key, Value: part.Value as string)));
        foreach (var (name, value) in asked)
        {
            if (!string.IsNullOrEmpty(value) && !Harmless.Contains(name) && !Jid.Parse(value).IsGroup)
                throw OperatorRefusal.Forbidden($"This key sees pseudonyms instead of people: {name} can be a group's address alone");
        }
    }

    [GeneratedRegex("[0-9]{5,}")]
    private static partial Regex LongNumber();
}
