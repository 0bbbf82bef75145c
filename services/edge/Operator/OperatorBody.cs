using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Features;
using WhatsAppMesh.Edge.Limits;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>Reads the JSON bodies of the operator API, within its budget and the doors' times.</summary>
internal sealed class OperatorBody(OperatorBudget budget, EdgeOptions options, TimeProvider clock)
{
    /// <summary>Largest body.</summary>
    public const int MaxBytes = 1024 * 1024;

    private readonly TimeSpan _timeout = TimeSpan.FromSeconds(options.Limits.BodyTimeoutSeconds);

    /// <summary>Reads a body as one JSON value.</summary>
    /// <exception cref="OperatorRefusal">It is too large, too slow, no JSON, or not the JSON that is wanted; the message names the place.</exception>
    public Task<T> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type) where T : class => JsonContent.IsJson(context.Request.Headers)
        ? HoldAsync(context, body => Task.FromResult(Parse(body.Span, type)))
        : throw OperatorRefusal.Of(Refusal.NotJson);

    /// <summary>Reads a body whole, whatever it holds, and keeps it while it is used.</summary>
    /// <exception cref="OperatorRefusal">It is too large or too slow, there is no room for it, or there is one where none may be.</exception>
    public async Task<T> HoldAsync<T>(HttpContext context, Func<PooledBody, Task<T>> use)
    {
        // By what the headers say, before any of it is read.
        if ((HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsDelete(context.Request.Method))
            && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true })
            throw OperatorRefusal.Invalid("body", "must be empty");
        if (!budget.Bodies.TryEnter())
            throw OperatorRefusal.Of(Refusal.TooManyBodies);
        try
        {
            using var body = new PooledBody(budget.Bodies, MaxBytes);
            var verdict = await BodyReader.ReadAsync(context.Request, body, MaxBytes, _timeout, clock);
            if (verdict == BodyVerdict.Aborted)
                throw new OperationCanceledException(context.RequestAborted);
            if (Refusal.Of(verdict) is { } refusal)
                throw OperatorRefusal.Of(refusal);
            return await use(body);
        }
        finally
        {
            budget.Bodies.Leave();
        }
    }

    private static T Parse<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw OperatorRefusal.Invalid("body", "must be a JSON object");
        }
        catch (JsonException exception)
        {
            throw OperatorRefusal.Invalid("body", $"is not the JSON that is wanted here, at {exception.Path ?? "$"}");
        }
    }
}
