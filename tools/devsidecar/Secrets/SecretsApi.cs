using System.Text.Json.Serialization;
using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Secrets;

/// <summary>daprd's secrets API over the configured secret stores.</summary>
internal static class SecretsApi
{
    public static void MapSecretsApi(this IEndpointRouteBuilder endpoints)
    {
        var secrets = endpoints.MapGroup("/v1.0/secrets/{store}").OnPort(SidecarPort.Http);
        secrets.MapGet("/bulk", GetAll);
        secrets.MapGet("/{key}", Get);
    }

    private static IResult Get(HttpContext context, string store, ResourceSet resources)
    {
        if (Find(resources, store, out var refused) is not { } secrets)
            return refused;

        var key = RequestPath.Segment(context, 3);
        if (secrets.Get(key) is { } values)
            return Results.Json(values, SecretsJson.Default.IReadOnlyDictionaryStringString);

        // A variable that is not set reads as empty.
        return secrets is EnvSecretStore
            ? Results.Json(new Dictionary<string, string> { [key] = "" }, SecretsJson.Default.IReadOnlyDictionaryStringString)
            : new DaprError(
                500, "ERR_SECRET_GET",
                $"failed getting secret with key {key} from secret store {store}: secret {key} not found");
    }

    private static IResult GetAll(string store, ResourceSet resources) => Find(resources, store, out var refused) is { } secrets
        ? Results.Json(secrets.GetAll(), SecretsJson.Default.IReadOnlyDictionaryStringIReadOnlyDictionaryStringString)
        : refused;

    private static ISecretStore? Find(ResourceSet resources, string store, out IResult refused)
    {
        refused = resources.SecretStores.Count == 0
            ? new DaprError(500, "ERR_SECRET_STORES_NOT_CONFIGURED", "secret store is not configured")
            : new DaprError(401, "ERR_SECRET_STORE_NOT_FOUND", $"failed finding secret store with key {store}");
        return resources.SecretStores.GetValueOrDefault(store);
    }
}

[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>>))]
internal sealed partial class SecretsJson : JsonSerializerContext;
