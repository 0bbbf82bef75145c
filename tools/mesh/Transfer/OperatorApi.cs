using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net.Http.Headers;
using System.Text.Json;
using WhatsAppMesh.Mesh.Commands;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Transfer;

/// <summary>Where the operator API is and how a command proves itself there: the options that its commands share.</summary>
internal static class OperatorApi
{
    private const string KeyVariable = "MESH_API_KEY";
    private const string LocalTenant = "local";

    /// <summary>Base URL of the API.</summary>
    public static Option<Uri?> Url() => new("--url") { Description = "Address of edge, such as https://mesh.example.org. Default: the local mesh.", CustomParser = Address };

    /// <summary>API key.</summary>
    public static Option<string?> Key() => new("--key") { Description = $"API key. Default: the environment variable {KeyVariable}, or the local mesh's own key." };

    /// <summary>Tenant.</summary>
    public static Option<string?> Tenant() => new("--tenant") { Description = "Tenant, for a key of the whole installation. Default on the local mesh: local." };

    /// <summary>The tenant asked for; on the local mesh, with its own key, the one that its sample traffic belongs to.</summary>
    public static string? TenantOr(Uri? url, string? key, string? tenant) => tenant ?? (url is null && key is null && GivenKey is null ? LocalTenant : null);

    /// <summary>A client for the API.</summary>
    /// <exception cref="MeshException">There is no address or no key.</exception>
    public static HttpClient Connect(MeshContext context, Uri? url, string? key)
    {
        var address = url ?? Local(context);
        key ??= GivenKey ?? (url is null ? MeshSecrets.LoadOrCreate(context.Folder).OperatorKey : null);
        if (string.IsNullOrEmpty(key))
            throw new MeshException($"An API key is needed: --key, or the environment variable {KeyVariable}.", ExitCodes.Usage);
        // No time limit: an export runs as long as there is something to read.
        var client = new HttpClient { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    /// <summary>What the API says about a request that it refused, in one sentence.</summary>
    public static async Task<string> ProblemAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        try
        {
            using var problem = JsonDocument.Parse(text);
            if (problem.RootElement.ValueKind == JsonValueKind.Object && problem.RootElement.TryGetProperty("error", out var error))
                return $"{(int)answer.StatusCode}: {error.GetString()}";
        }
        catch (JsonException)
        {
            // Something else than edge answered.
        }
        return $"{(int)answer.StatusCode} {answer.ReasonPhrase}";
    }

    private static Uri? Address(ArgumentResult argument)
    {
        if (Uri.TryCreate(argument.Tokens[0].Value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
            return url;
        argument.AddError("--url takes an http or https address, such as https://mesh.example.org.");
        return null;
    }

    private static string? GivenKey => Environment.GetEnvironmentVariable(KeyVariable) is { Length: > 0 } key ? key : null;

    private static Uri Local(MeshContext context) =>
        MeshState.Load(context.Folder) is { Ready: true } state && state.IsAlive()
            ? state.Services.First(static service => service.AppId == "edge").Http
            : throw new MeshException("No mesh is up. Start one with './mesh up', or name another one with --url.");
}
