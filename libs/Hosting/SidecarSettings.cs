using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace WhatsAppMesh.Hosting;

/// <summary>How to reach this service's Dapr sidecar, and how the sidecar proves itself. Names are Dapr's own.</summary>
/// <param name="HttpEndpoint">DAPR_HTTP_ENDPOINT, else http://127.0.0.1:DAPR_HTTP_PORT (default 3500).</param>
/// <param name="GrpcEndpoint">DAPR_GRPC_ENDPOINT, else http://127.0.0.1:DAPR_GRPC_PORT (default 50001).</param>
/// <param name="ApiToken">DAPR_API_TOKEN: sent to the sidecar as dapr-api-token; null when it wants none.</param>
/// <param name="AppToken">APP_API_TOKEN: what the sidecar must send to us; null when anybody on the app port is trusted.</param>
public sealed record SidecarSettings(Uri HttpEndpoint, Uri GrpcEndpoint, string? ApiToken, string? AppToken)
{
    /// <summary>Header (and gRPC metadata key) that carries the token in both directions.</summary>
    public const string TokenHeader = "dapr-api-token";

    /// <summary>Header (and gRPC metadata key) that names the app a call is for.</summary>
    public const string AppIdHeader = "dapr-app-id";

    /// <summary>Reads the settings.</summary>
    /// <exception cref="InvalidOperationException">An endpoint is no address.</exception>
    public static SidecarSettings Read(IConfiguration configuration) => new(
        Endpoint(configuration, "DAPR_HTTP_ENDPOINT", "DAPR_HTTP_PORT", 3500),
        Endpoint(configuration, "DAPR_GRPC_ENDPOINT", "DAPR_GRPC_PORT", 50001),
        NullWhenEmpty(configuration["DAPR_API_TOKEN"]),
        NullWhenEmpty(configuration["APP_API_TOKEN"]));

    private static Uri Endpoint(IConfiguration configuration, string endpointKey, string portKey, int defaultPort)
    {
        if (NullWhenEmpty(configuration[endpointKey]) is { } endpoint)
        {
            return Uri.TryCreate(endpoint, UriKind.Absolute, out var address)
                ? address
                : throw new InvalidOperationException($"{endpointKey} is '{endpoint}', which is no address such as http://127.0.0.1:{defaultPort}.");
        }

        var port = NullWhenEmpty(configuration[portKey]) ?? defaultPort.ToString(CultureInfo.InvariantCulture);
        return Uri.TryCreate($"http://127.0.0.1:{port}", UriKind.Absolute, out var own)
            ? own
            : throw new InvalidOperationException($"{portKey} is '{port}', which is not a port number.");
    }

    private static string? NullWhenEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}

/// <summary>Guards endpoints that only the sidecar may call.</summary>
public static class SidecarToken
{
    /// <summary>
    /// Refuses requests without the right dapr-api-token (401, for gRPC UNAUTHENTICATED) when APP_API_TOKEN is set. Without this an
    /// event could be forged past edge by anybody who reaches the app port.
    /// </summary>
    public static TBuilder RequireSidecarToken<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(endpoint =>
        {
            var inner = endpoint.RequestDelegate;
            endpoint.RequestDelegate = context => IsRight(context) ? inner!(context) : Refuse(context);
        });
        return builder;
    }

    private static bool IsRight(HttpContext context)
    {
        var expected = context.RequestServices.GetRequiredService<SidecarSettings>().AppToken;
        if (expected is null)
            return true;

        var sent = context.Request.Headers[SidecarSettings.TokenHeader];
        return sent.Count == 1 && CryptographicOperations.FixedTimeEquals(
            SHA256.HashData(Encoding.UTF8.GetBytes(sent[0]!)), SHA256.HashData(Encoding.UTF8.GetBytes(expected)));
    }

    private static Task Refuse(HttpContext context)
    {
        if (context.Request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) == true)
        {
            const string Unauthenticated = "16";
            context.Response.ContentType = "application/grpc";
            context.Response.Headers["grpc-status"] = Unauthenticated;
            context.Response.Headers["grpc-message"] = "invalid sidecar token";
            return Task.CompletedTask;
        }

        return ProblemAnswers.WriteAsync(context, StatusCodes.Status401Unauthorized, "unauthorized", "The request does not come from this service's sidecar");
    }
}
