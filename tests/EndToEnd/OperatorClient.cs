using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.EndToEnd;

/// <summary>Speaks to the operator API with one key, and runs the console.</summary>
public sealed class OperatorClient(MeshUnderTest test, string key) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = test.Mesh.Service("edge").HttpAddress, DefaultRequestHeaders = { { "X-API-Key", key } } };

    public static OperatorClient Of(TestTenant tenant) => new(tenant.Test, MeshUnderTest.KeyOf(tenant.Name));

    public async Task<(HttpStatusCode Status, string Text)> SendAsync(string method, string target, string? body = null, string type = "application/json")
    {
        using var request = new HttpRequestMessage(HttpMethod.Parse(method), target);
        if (body is not null)
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) { Headers = { ContentType = new MediaTypeHeaderValue(type) } };
        using var answer = await _http.SendAsync(request);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Asks and demands a 2xx with JSON.</summary>
    public async Task<JsonNode> AskAsync(string method, string target, string? body = null)
    {
        var (status, text) = await SendAsync(method, target, body);
        Assert.True((int)status is 200 or 201 or 202, $"{method} {target}: {(int)status} {text}");
        return JsonNode.Parse(text)!;
    }

    /// <summary>Runs <c>./mesh ARGUMENTS --url ... </c> with this key.</summary>
    public async Task<(int ExitCode, string Output, string Error)> ConsoleAsync(params string[] arguments)
    {
        var program = Path.Combine(MeshRepository.Find(), "artifacts", "bin", "Mesh", MeshUnderTest.Configuration, "WhatsAppMesh.Mesh.dll");
        var start = new ProcessStartInfo("dotnet", ["exec", program, .. arguments, "--url", _http.BaseAddress!.ToString()])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["MESH_API_KEY"] = key },
        };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    public void Dispose() => _http.Dispose();
}
