using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>The parts of daprd's HTTP API that this sidecar does not have: each says so by name.</summary>
internal static class UnsupportedApi
{
    private static readonly (string Path, string Name)[] Apis =
    [
        ("/v1.0/actors/{**rest}", "actors"),
        ("/v1.0/bindings/{**rest}", "bindings"),
        ("/v1.0/configuration/{**rest}", "configuration"),
        ("/v1.0/jobs/{**rest}", "jobs"),
        ("/v1.0/workflows/{**rest}", "workflows"),
        ("/v1.0-alpha1/bindings/{**rest}", "bindings"),
        ("/v1.0-alpha1/configuration/{**rest}", "configuration"),
        ("/v1.0-alpha1/conversation/{**rest}", "conversation"),
        ("/v1.0-alpha2/conversation/{**rest}", "conversation"),
        ("/v1.0-alpha1/crypto/{**rest}", "cryptography"),
        ("/v1.0-alpha1/jobs/{**rest}", "jobs"),
        ("/v1.0-alpha1/lock/{**rest}", "distributed lock"),
        ("/v1.0-alpha1/state/{**rest}", "state query"),
        ("/v1.0-alpha1/unlock/{**rest}", "distributed lock"),
        ("/v1.0-alpha1/workflows/{**rest}", "workflows"),
        ("/v1.0-beta1/workflows/{**rest}", "workflows"),
    ];

    public static void MapUnsupportedApi(this IEndpointRouteBuilder endpoints)
    {
        foreach (var (path, name) in Apis)
        {
            var answer = new ErrorAnswer(ApiErrors.Unsupported(name));
            endpoints.Map(path, answer.ExecuteAsync).OnPort(SidecarPort.Http);
        }
    }
}
