using System.Text.Json.Serialization;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Secrets;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>daprd's secrets API over HTTP.</summary>
internal static class SecretsApi
{
    public static void MapSecretsApi(this IEndpointRouteBuilder endpoints)
    {
        var secrets = endpoints.MapGroup("/v1.0/secrets/{store}").OnPort(SidecarPort.Http).AddEndpointFilter(ErrorAnswer.Filter);
        secrets.MapGet("/bulk", GetAll);
        secrets.MapGet("/{key}", Get);
    }

    private static IResult Get(HttpContext context, string store, SecretsEngine secrets) =>
        Results.Json(secrets.Get(store, RequestPath.Segment(context, 3)), SecretsJson.Default.IReadOnlyDictionaryStringString);

    private static IResult GetAll(string store, SecretsEngine secrets) =>
        Results.Json(secrets.GetAll(store), SecretsJson.Default.IReadOnlyDictionaryStringIReadOnlyDictionaryStringString);
}

[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>>))]
internal sealed partial class SecretsJson : JsonSerializerContext;
