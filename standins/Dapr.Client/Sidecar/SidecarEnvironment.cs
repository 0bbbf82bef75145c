namespace Dapr.Client;

/// <summary>Where the sidecar is, as the environment says.</summary>
internal static class SidecarEnvironment
{
    public static string HttpEndpoint() => Read("DAPR_HTTP_ENDPOINT") ?? Local(Read("DAPR_HTTP_PORT") ?? "3500");

    public static string GrpcEndpoint() => Read("DAPR_GRPC_ENDPOINT") ?? Local(Read("DAPR_GRPC_PORT") ?? "50001");

    public static string? ApiToken() => Read("DAPR_API_TOKEN");

    public static string Local(string port) => $"http://localhost:{port}";

    private static string? Read(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}

/// <summary>Headers that the sidecar reads.</summary>
internal static class SidecarHeaders
{
    public const string ApiToken = "dapr-api-token";
    public const string AppId = "dapr-app-id";
}
