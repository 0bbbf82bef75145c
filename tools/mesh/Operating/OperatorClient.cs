using System.CommandLine;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using WhatsAppMesh.Mesh.Commands;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Transfer;

namespace WhatsAppMesh.Mesh.Operating;

/// <summary>How a command reaches the operator API: its options, and what they say.</summary>
internal sealed class OperatorOptions
{
    private readonly Option<Uri?> _url = OperatorApi.Url();
    private readonly Option<string?> _key = OperatorApi.Key();
    private readonly Option<string?> _tenant = OperatorApi.Tenant();

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_url);
        command.Add(_key);
        command.Add(_tenant);
    }

    /// <summary>A client for what the command line says.</summary>
    /// <exception cref="MeshException">There is no address or no key.</exception>
    public OperatorClient Connect(MeshContext context, ParseResult parsed)
    {
        var (url, key) = (parsed.GetValue(_url), parsed.GetValue(_key));
        return new OperatorClient(OperatorApi.Connect(context, url, key), OperatorApi.TenantOr(url, key, parsed.GetValue(_tenant)));
    }
}

/// <summary>Asks the operator API; refusals become sentences.</summary>
/// <param name="http">Client with address and key.</param>
/// <param name="tenant">Tenant to ask about; null leaves it to the key.</param>
internal sealed class OperatorClient(HttpClient http, string? tenant) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Asks and gives the answer's JSON.</summary>
    /// <param name="method">HTTP method.</param>
    /// <param name="path">Path.</param>
    /// <param name="query">Parameters; those without a value are left out.</param>
    /// <param name="body">JSON body; null for none.</param>
    /// <param name="forTenant">False for what concerns every tenant.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MeshException">The API refused, or did not answer; the message is for a person.</exception>
    public async Task<JsonNode> AskAsync(
        HttpMethod method, string path, IEnumerable<(string Name, string? Value)>? query = null, JsonObject? body = null, bool forTenant = true,
        CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(method, path + QueryOf([.. query ?? [], ("tenant", forTenant ? tenant : null)]));
        if (body is not null)
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body.ToJsonString())) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            using var answer = await http.SendAsync(request, patience.Token);
            if (!answer.IsSuccessStatusCode)
                throw new MeshException(Sentence(answer.StatusCode, await OperatorApi.ProblemAsync(answer, patience.Token)), ExitCodes.Failed);
            return JsonNode.Parse(await answer.Content.ReadAsStringAsync(patience.Token)) ?? new JsonObject();
        }
        catch (HttpRequestException exception)
        {
            throw new MeshException($"{http.BaseAddress} does not answer ({exception.Message}). Is the mesh up? See './mesh status'.", ExitCodes.Failed);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new MeshException($"{http.BaseAddress} did not answer within {Patience.TotalMinutes} minutes.", ExitCodes.Failed);
        }
        catch (JsonException)
        {
            throw new MeshException($"{http.BaseAddress} answered with something else than JSON: is it the address of edge?", ExitCodes.Failed);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private static string Sentence(HttpStatusCode status, string problem) => status switch
    {
        HttpStatusCode.Unauthorized => $"The key is not taken ({problem}). Give one with --key or MESH_API_KEY.",
        HttpStatusCode.Forbidden => $"The key may not do that ({problem}).",
        HttpStatusCode.ServiceUnavailable => $"The mesh cannot answer now ({problem}). Try again in a moment; './mesh status' says what is wrong with a local one.",
        _ when problem.Contains("?tenant=", StringComparison.Ordinal) => "The key is for every tenant: choose one with --tenant.",
        _ => $"The mesh refused: {problem}",
    };

    private static string QueryOf(IEnumerable<(string Name, string? Value)> query)
    {
        var given = query.Where(static pair => !string.IsNullOrEmpty(pair.Value)).Select(static pair => $"{pair.Name}={Uri.EscapeDataString(pair.Value!)}").ToList();
        return given.Count == 0 ? "" : "?" + string.Join('&', given);
    }
}

/// <summary>Members of answers as the terminal shows them.</summary>
internal static class AnswerText
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A member as text; empty when absent.</summary>
    public static string Text(this JsonNode? node, string member) => node?[member]?.ToString() ?? "";

    /// <summary>A member as a number; 0 when absent.</summary>
    public static long Number(this JsonNode? node, string member) => node?[member] is { } value ? value.GetValue<long>() : 0;

    /// <summary>A member's entries; none when absent.</summary>
    public static IEnumerable<JsonNode> List(this JsonNode? node, string member) => node?[member] is JsonArray list ? list.OfType<JsonNode>() : [];

    /// <summary>The whole answer, to be read or piped on.</summary>
    public static string Pretty(this JsonNode node) => node.ToJsonString(Indented);
}
