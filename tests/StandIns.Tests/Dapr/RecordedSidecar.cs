using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Features;

namespace WhatsAppMesh.StandIns.Tests;

/// <summary>
/// Answers state requests with what a real sidecar answered when it was recorded. A request must be the next of the recorded ones, body and
/// ETag included; recorded requests that the client cannot make are passed over and listed.
/// </summary>
public sealed class RecordedSidecar : IAsyncDisposable
{
    private readonly List<JsonNode> _steps;
    private readonly List<string> _passedOver = [];
    private readonly SemaphoreSlim _oneAtATime = new(1);
    private LoopbackHost? _host;
    private int _next;
    private int _etags;

    private RecordedSidecar(List<JsonNode> steps) => _steps = steps;

    public const string Store = "claims";

    public string Endpoint => _host!.Endpoint;

    /// <summary>Recorded requests that were not made, by name.</summary>
    public IReadOnlyList<string> NotMade => [.. _passedOver, .. _steps.Skip(_next).Select(step => (string)step["name"]!)];

    private string CurrentETag => $"etag-{_etags}";

    public static async Task<RecordedSidecar> StartAsync(string recording)
    {
        var steps = JsonNode.Parse(await File.ReadAllTextAsync(recording))!["steps"]!.AsArray();
        var sidecar = new RecordedSidecar([.. steps.Select(step => step!)]);
        sidecar._host = await LoopbackHost.StartAsync(sidecar.AnswerAsync);
        return sidecar;
    }

    public async ValueTask DisposeAsync()
    {
        await _host!.DisposeAsync();
        _oneAtATime.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var body = await new StreamReader(context.Request.Body).ReadToEndAsync(context.RequestAborted);
        await _oneAtATime.WaitAsync(context.RequestAborted);
        try
        {
            var found = _steps.FindIndex(_next, step => IsRequest(step, context.Request, body));
            if (found < 0)
            {
                context.Response.StatusCode = StatusCodes.Status418ImATeapot;
                return;
            }
            _passedOver.AddRange(_steps[_next..found].Select(step => (string)step["name"]!));
            _next = found + 1;
            await WriteAsync(context.Response, _steps[found]["expect"]!);
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    private bool IsRequest(JsonNode step, HttpRequest request, string body) =>
        (string)step["method"]! == request.Method
        && $"/v1.0/state/{Store}{(string)step["path"]!}" == RawPath(request)
        && (string?)step["headers"]?["If-Match"] == WithoutETag(request.Headers.IfMatch)
        && IsBody(step["body"], body);

    private bool IsBody(JsonNode? recorded, string body)
    {
        if (recorded is null || body.Length == 0)
            return recorded is null && body.Length == 0;
        var expected = JsonNode.Parse(recorded.ToJsonString().Replace("$etag", CurrentETag, StringComparison.Ordinal))!;
        // An empty ETag and none mean the same to the sidecar.
        foreach (var item in (expected as JsonArray ?? []).OfType<JsonObject>().Where(item => (string?)item["etag"] == ""))
            item.Remove("etag");
        return JsonNode.DeepEquals(expected, JsonNode.Parse(body));
    }

    private string? WithoutETag(string? ifMatch) => ifMatch == CurrentETag ? "$etag" : ifMatch;

    // The request path as it was sent: the server's own has the escapes resolved.
    private static string RawPath(HttpRequest request) =>
        request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;

    private async Task WriteAsync(HttpResponse response, JsonNode expect)
    {
        response.StatusCode = (int)expect["status"]!;
        if (expect["etag"] is not null)
        {
            _etags++;
            response.Headers.ETag = CurrentETag;
        }
        var body = expect["errorCode"] is { } code
            ? new JsonObject { ["errorCode"] = code.DeepClone(), ["message"] = expect["message"]!.DeepClone() }
            : expect["body"];
        if (body is not null)
            await response.WriteAsync(body.ToJsonString());
    }
}
