using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Transfer;

namespace WhatsAppMesh.Mesh.Tests;

/// <summary>Export and import against an operator API that speaks as the contract says.</summary>
public class TransferTests : IAsyncLifetime
{
    private readonly List<string> _portions = [];
    private WebApplication _app = null!;
    private HttpClient _api = null!;
    private int _unavailable;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.MapPost("/api/events/import", ImportAsync);
        _app.MapGet("/api/events/export", ExportAsync);
        await _app.StartAsync();
        _api = new HttpClient { BaseAddress = new Uri(_app.Urls.First()) };
    }

    public async Task DisposeAsync()
    {
        _api.Dispose();
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task Lines_are_cut_into_portions_that_hold_them_whole()
    {
        var text = string.Join('\n', Enumerable.Range(1, 50).Select(static n => new string((char)('a' + (n % 26)), n * 7)));
        foreach (var (bytes, lines) in new[] { (100, 1_000), (1, 1_000), (1_000_000, 7), (1_000_000, 1_000) })
        {
            var (all, next) = (new StringBuilder(), 1L);
            await foreach (var portion in LinePortions.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)), bytes, lines, default))
            {
                Assert.Equal(next, portion.FirstLine);
                Assert.InRange(portion.Lines, 1, lines);
                Assert.True(portion.Lines == 1 || portion.Bytes.Length <= bytes);
                Assert.Equal(portion.Lines, portion.Bytes.Count(static b => b == '\n'));
                next += portion.Lines;
                all.Append(Encoding.UTF8.GetString(portion.Bytes));
            }
            Assert.Equal(text + "\n", all.ToString());
        }
    }

    [Fact]
    public async Task Portions_that_the_mesh_cannot_take_now_come_again_and_refusals_are_numbered_by_the_file()
    {
        _unavailable = 2;
        var lines = string.Join('\n', Enumerable.Range(1, 2_500).Select(static n => n % 900 == 0 ? "bad" : "good"));
        var sum = await new EventImport(_api, "acme", TimeProvider.System, static _ => { }).RunAsync(new MemoryStream(Encoding.UTF8.GetBytes(lines)), default);
        Assert.Equal((2_500L, 2_498L, 0L, 2L), (sum.Read, sum.Appended, sum.Duplicates, sum.Refused));
        Assert.Equal([900L, 1_800L], sum.Refusals.Select(static refusal => refusal.Line));
        Assert.Equal(3, _portions.Count);
    }

    [Fact]
    public async Task A_refused_import_says_where_it_stopped()
    {
        var import = new EventImport(_api, "forbidden", TimeProvider.System, static _ => { });
        var refusal = await Assert.ThrowsAsync<MeshException>(() => import.RunAsync(new MemoryStream("x\n"u8.ToArray()), default));
        Assert.Equal(ExitCodes.Failed, refusal.ExitCode);
        Assert.Contains("line 1: 403: only operators import", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_export_is_written_as_it_comes_and_a_broken_one_is_not_taken_for_whole()
    {
        using var to = new MemoryStream();
        Assert.Equal(3L, await new EventExport(_api, static _ => { }).RunAsync("type=a", to, default));
        Assert.Equal("{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n", Encoding.UTF8.GetString(to.ToArray()));
        var broken = await Assert.ThrowsAsync<MeshException>(() => new EventExport(_api, static _ => { }).RunAsync("type=broken", to, default));
        Assert.Contains("not whole", broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_become_the_query_of_the_api() => Assert.Equal(
        "chat_jid=1%40g.us&occurred_from=2026-06-01T00%3A00%3A00.0000000Z&tenant=a%20b&type=x&type=y",
        EventExport.QueryOf(["x", "y"], "1@g.us", new DateTimeOffset(2026, 6, 1, 2, 0, 0, TimeSpan.FromHours(2)), null, "a b"));

    [Fact]
    public void All_of_a_minimised_tenant_is_asked_for_by_name() => Assert.Equal("full=true", EventExport.QueryOf([], null, null, null, null, full: true));

    private async Task ImportAsync(HttpContext context)
    {
        if (context.Request.Query["tenant"] == "forbidden")
        {
            context.Response.StatusCode = 403;
            await context.Response.WriteAsync("""{"code":"forbidden","error":"only operators import"}""");
            return;
        }
        if (_unavailable-- > 0)
        {
            context.Response.StatusCode = 503;
            context.Response.Headers.RetryAfter = "0";
            return;
        }
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        _portions.Add(body);
        var lines = body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var refused = lines.Index().Where(static line => line.Item == "bad").Select(static line => new { line = line.Index + 1, field = "line", reason = "is bad" }).ToArray();
        await context.Response.WriteAsync(JsonSerializer.Serialize(new { read = lines.Length, appended = lines.Length - refused.Length, duplicates = 0, refused = refused.Length, refusals = refused }));
    }

    private static async Task ExportAsync(HttpContext context)
    {
        for (var n = 1; n <= 3; n++)
            await context.Response.WriteAsync($"{{\"n\":{n}}}\n");
        if (context.Request.Query["type"] == "broken")
        {
            await context.Response.Body.FlushAsync();
            context.Abort();
        }
    }
}
