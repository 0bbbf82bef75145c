using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace WhatsAppMesh.Hosting;

/// <summary>Something that /healthz tells beside that the process runs. It decides nothing: the process is alive whatever it says.</summary>
public interface IHealthDetail
{
    /// <summary>Its member in the answer, e.g. "whatsapp".</summary>
    string Name { get; }

    /// <summary>What there is to tell, without secrets; null when nothing. One that throws or takes longer than a second is left out.</summary>
    ValueTask<JsonNode?> ReadAsync(CancellationToken cancellationToken);
}

/// <summary>
/// GET /healthz: "ok", or, where there are details or something is degraded, JSON with a status and each of them; always 200. With details it
/// answers on the app port too, where another service can ask for them through the sidecars.
/// </summary>
internal sealed class HealthAnswer(IEnumerable<IHealthDetail> details, DependencyStates dependencies)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly IHealthDetail[] _details = [.. details];

    /// <summary>Answers.</summary>
    public static Task WriteAsync(HttpContext context, HealthAnswer health) => health.WriteAsync(context);

    private async Task WriteAsync(HttpContext context)
    {
        var degraded = dependencies.Degraded;
        if (_details.Length == 0 && context.Features.Get<ListenerPort>() != ListenerPort.Http)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        if (_details.Length == 0 && degraded.Count == 0)
        {
            await context.Response.WriteAsync("ok", context.RequestAborted);
            return;
        }

        var answer = new JsonObject { ["status"] = degraded.Count > 0 ? "degraded" : "ok" };
        if (degraded.Count > 0)
            answer["degraded"] = new JsonObject(degraded.Select(static one => KeyValuePair.Create(one.Key, (JsonNode?)one.Value)));
        foreach (var detail in _details)
        {
            if (await ReadAsync(detail, context.RequestAborted) is { } told)
                answer[detail.Name] = told;
        }

        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer.ToJsonString(), context.RequestAborted);
    }

    private async Task<JsonNode?> ReadAsync(IHealthDetail detail, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            var told = await detail.ReadAsync(patience.Token).AsTask().WaitAsync(Patience, cancellationToken);
            StateOf(detail).Works();
            return told;
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            StateOf(detail).Fails(exception);
            await patience.CancelAsync();
            return null;
        }
    }

    private DependencyState StateOf(IHealthDetail detail) => dependencies.Of($"health detail {detail.Name}", $"The part {detail.Name} of /healthz cannot be told");
}
