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
/// GET /healthz: "ok", or, where there are details, JSON with a status and each of them. With details it answers on the app port too, where
/// another service can ask for them through the sidecars.
/// </summary>
internal sealed class HealthAnswer(IEnumerable<IHealthDetail> details)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly IHealthDetail[] _details = [.. details];

    /// <summary>Answers.</summary>
    public static Task WriteAsync(HttpContext context, HealthAnswer health) => health.WriteAsync(context);

    private async Task WriteAsync(HttpContext context)
    {
        if (_details.Length == 0)
        {
            if (context.Features.Get<ListenerPort>() == ListenerPort.Http)
                await context.Response.WriteAsync("ok", context.RequestAborted);
            else
                context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        var answer = new JsonObject { ["status"] = "ok" };
        foreach (var detail in _details)
        {
            if (await ReadAsync(detail, context.RequestAborted) is { } told)
                answer[detail.Name] = told;
        }

        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer.ToJsonString(), context.RequestAborted);
    }

    private static async Task<JsonNode?> ReadAsync(IHealthDetail detail, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            return await detail.ReadAsync(patience.Token).AsTask().WaitAsync(Patience, cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            await patience.CancelAsync();
            return null;
        }
    }
}
