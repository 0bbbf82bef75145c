using System.Security.Cryptography;
using System.Text;
using WhatsAppMesh.DevSidecar.Grpc;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Invoke;

namespace WhatsAppMesh.DevSidecar.Api;

/// <summary>Refuses calls to the HTTP and gRPC ports that lack the API token, when one is set.</summary>
internal sealed class ApiTokenCheck(RequestDelegate next, SidecarSettings settings)
{
    private const string Refusal = "invalid api token\n";

    private readonly byte[]? _expected = settings.ApiToken is { } token ? Encoding.UTF8.GetBytes(token) : null;

    public Task InvokeAsync(HttpContext context)
    {
        var port = context.Port();
        if (_expected is null || port == SidecarPort.Internal || IsHealthCheck(context.Request) || IsRight(context.Request.Headers[CallHeaders.ApiToken]))
        {
            // The app behind another sidecar has no business with the caller's token.
            context.Request.Headers.Remove(CallHeaders.ApiToken);
            return next(context);
        }

        return port == SidecarPort.Grpc
            ? GrpcAnswer.WriteAsync(context, ApiErrors.Unauthorized(tokenGiven: context.Request.Headers.ContainsKey(CallHeaders.ApiToken)))
            : RefuseHttpAsync(context);
    }

    private static Task RefuseHttpAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.ContentLength = Refusal.Length;
        return context.Response.WriteAsync(Refusal);
    }

    private static bool IsHealthCheck(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) && request.Path.Value is "/v1.0/healthz" or "/v1.0/healthz/outbound" && request.HttpContext.Port() == SidecarPort.Http;

    private bool IsRight(string? token) =>
        token is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), _expected);
}
