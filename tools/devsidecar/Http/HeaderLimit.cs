using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>
/// Refuses requests to the HTTP port whose headers are larger than <c>--read-buffer-size</c> and the 4 KiB that Go's server adds to it.
/// The gRPC port has no such limit, so the server itself, which knows only one, has none.
/// </summary>
internal sealed class HeaderLimit(RequestDelegate next, SidecarFlags flags)
{
    private const int Slack = 4 * 1024;

    /// <summary>What the server accepts at all, whatever the port.</summary>
    public const int ServerLimit = 1024 * 1024;

    public Task InvokeAsync(HttpContext context)
    {
        if (context.Port() != SidecarPort.Http || SizeOf(context) <= flags.ReadBufferSize + Slack)
            return next(context);

        const string Text = "431 Request Header Fields Too Large";
        context.Response.StatusCode = StatusCodes.Status431RequestHeaderFieldsTooLarge;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.ContentLength = Text.Length;
        context.Response.Headers.Connection = "close";
        return context.Response.WriteAsync(Text, context.RequestAborted);
    }

    private static int SizeOf(HttpContext context)
    {
        var size = RequestPath.RawTarget(context).Length;
        foreach (var (name, values) in context.Request.Headers)
        {
            foreach (var value in values)
                size += name.Length + (value?.Length ?? 0) + 4;
        }

        return size;
    }
}
