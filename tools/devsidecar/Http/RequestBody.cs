using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>Reads whole request bodies, up to <c>--max-body-size</c>.</summary>
internal static class RequestBody
{
    /// <exception cref="BadHttpRequestException">The body is larger (HTTP 413).</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContext context)
    {
        Limit(context);
        var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    /// <summary>Has the server refuse to read more of the body than the flag allows.</summary>
    public static void Limit(HttpContext context)
    {
        var limit = context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>();
        if (limit is { IsReadOnly: false })
            limit.MaxRequestBodySize = context.RequestServices.GetRequiredService<SidecarFlags>().MaxBodySize;
    }
}
