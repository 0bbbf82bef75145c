using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Npgsql;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Operator;

/// <summary>What all routes of the operator API share: who may call them, how bodies are read and answers written.</summary>
internal static class OperatorRoutes
{
    /// <summary>How deep a body may be nested: its parts are shown inside of lists again.</summary>
    public const int MaxDepth = 32;

    private const int MaxBody = 1024 * 1024;

    /// <summary>A route that everybody with a key may call.</summary>
    public static void Look(this IEndpointRouteBuilder routes, string path, Func<HttpContext, Caller, Task> handle) =>
        routes.Map(path, HttpMethods.Get, handle, forOperators: false);

    /// <summary>A route that needs the role operator.</summary>
    public static void Act(this IEndpointRouteBuilder routes, string method, string path, Func<HttpContext, Caller, Task> handle) =>
        routes.Map(path, method, handle, forOperators: true);

    /// <summary>Writes an answer.</summary>
    public static async Task AnswerAsync<T>(this HttpContext context, T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(context.Response.Body, value, type, context.RequestAborted);
    }

    /// <summary>Reads the body as JSON; an absent one counts as <c>{}</c>.</summary>
    /// <exception cref="ApiRefusal">It is too large, or no JSON.</exception>
    public static async Task<JsonElement> BodyAsync(this HttpContext context)
    {
        using var buffer = new MemoryStream();
        var chunk = new byte[16 * 1024];
        while (await context.Request.Body.ReadAsync(chunk, context.RequestAborted) is var read and > 0)
        {
            buffer.Write(chunk, 0, read);
            if (buffer.Length > MaxBody)
                throw new ApiRefusal(StatusCodes.Status413PayloadTooLarge, "body_too_large", "The body is larger than 1 MiB.");
        }

        try
        {
            using var document = JsonDocument.Parse(buffer.Length == 0 ? "{}"u8.ToArray() : buffer.ToArray(), new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
            return IsStorable(document.RootElement)
                ? document.RootElement.Clone()
                : throw new ApiRefusal(StatusCodes.Status400BadRequest, "invalid_body", "The body has a text with NUL or half a character, or a number too large or too small to keep.");
        }
        catch (JsonException)
        {
            throw new ApiRefusal(StatusCodes.Status400BadRequest, "invalid_body", $"The body is not JSON, nested deeper than {MaxDepth} levels, or has an object with two members of one name.");
        }
    }

    /// <summary>False when a text cannot be kept: it holds NUL, or half of a surrogate pair; or a number, which no double can hold.</summary>
    public static bool IsStorable(JsonElement element)
    {
        try
        {
            return element.ValueKind switch
            {
                JsonValueKind.Object => element.EnumerateObject().All(static member => !member.Name.Contains('\0', StringComparison.Ordinal) && IsStorable(member.Value)),
                JsonValueKind.Array => element.EnumerateArray().All(IsStorable),
                JsonValueKind.String => !element.GetString()!.Contains('\0', StringComparison.Ordinal),
                JsonValueKind.Number => element.TryGetDouble(out var number) && double.IsFinite(number) && (number != 0 || IsZero(element.GetRawText())),
                _ => true,
            };
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static bool IsZero(string number) => !number.TakeWhile(static one => one is not ('e' or 'E')).Any(static one => one is >= '1' and <= '9');

    /// <summary>An id in the path.</summary>
    /// <exception cref="ApiRefusal">It is no id, so nothing has it.</exception>
    public static Guid Id(this HttpContext context, string what, string name = "id") =>
        Guid.TryParse(context.Request.RouteValues[name] as string, out var id) ? id : throw ApiRefusal.NotFound(what);

    /// <summary>True when PostgreSQL refused a value (SQLSTATE class 22): the caller's fault, and for good.</summary>
    public static bool IsBadData(PostgresException exception) => exception.SqlState.StartsWith("22", StringComparison.Ordinal);

    private static void Map(this IEndpointRouteBuilder routes, string path, string method, Func<HttpContext, Caller, Task> handle, bool forOperators) =>
        routes.MapMethods(path, [method], context => HandleAsync(context, handle, forOperators)).OnAppPort().RequireSidecarToken();

    private static async Task HandleAsync(HttpContext context, Func<HttpContext, Caller, Task> handle, bool forOperators)
    {
        try
        {
            var caller = Caller.Of(context);
            if (forOperators && !caller.IsOperator)
                throw new ApiRefusal(StatusCodes.Status403Forbidden, "forbidden", "This needs an API key with the role operator.");
            await handle(context, caller);
        }
        catch (ApiRefusal refusal)
        {
            await refusal.WriteAsync(context);
        }
        catch (PostgresException exception) when (IsBadData(exception))
        {
            await new ApiRefusal(StatusCodes.Status422UnprocessableEntity, "invalid_body", "A value of the request cannot be kept.").WriteAsync(context);
        }
        catch (NpgsqlException exception) when (exception.IsTransient)
        {
            await ProblemAnswers.WriteAsync(
                context, StatusCodes.Status503ServiceUnavailable, "unavailable", "Dispatch's database does not answer: try again.", TimeSpan.FromSeconds(2));
        }
    }
}
