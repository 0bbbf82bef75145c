using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Libs.Tests;

public sealed class SidecarVersionTests
{
    [Theory]
    [InlineData("1.16.9")]
    [InlineData("1.9.0")]
    [InlineData("v1.16.0-rc.2")]
    public void A_sidecar_before_1_17_is_complained_about_with_both_versions(string version)
    {
        var complaint = SidecarVersion.Complaint(version);

        Assert.Contains(version, complaint, StringComparison.Ordinal);
        Assert.Contains("1.17", complaint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.17.0")]
    [InlineData("1.18.0-devsidecar")]
    [InlineData("1.100.1")]
    [InlineData("2.0.0")]
    [InlineData("edge")]
    [InlineData(null)]
    public void A_newer_sidecar_and_a_build_without_a_number_are_not(string? version) => Assert.Null(SidecarVersion.Complaint(version));

    [Theory]
    [InlineData("1.17.0", true)]
    [InlineData("1.17.4", true)]
    [InlineData("1.17.5", false)]
    [InlineData("1.18.0-devsidecar", false)]
    [InlineData("edge", false)]
    public void A_sidecar_whose_access_control_can_be_passed_is_warned_about(string version, bool warned) =>
        Assert.Equal(warned, SidecarVersion.Warning(version) is not null);

    [Fact]
    public async Task An_old_sidecar_is_a_note_in_the_readiness_answer()
    {
        await using var sidecar = await StartSidecarAsync("1.14.4", "its-token");
        await using var service = await StartServiceAsync(sidecar.Urls.First(), "its-token");
        using var client = new HttpClient { BaseAddress = service.BoundAddresses().Http };

        ReadinessAnswer? answer;
        do
        {
            answer = await client.GetFromJsonAsync<ReadinessAnswer>("/readyz");
        }
        while (answer?.Notes is null);

        Assert.Contains("1.14.4", Assert.Single(answer.Notes["sidecar version"]), StringComparison.Ordinal);
    }

    private static async Task<WebApplication> StartSidecarAsync(string version, string token)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.MapGet("/v1.0/metadata", (HttpContext context) =>
            context.Request.Headers["dapr-api-token"] == token ? Results.Json(new { id = "test", runtimeVersion = version }) : Results.Unauthorized());
        await app.StartAsync();
        return app;
    }

    private static async Task<WebApplication> StartServiceAsync(string sidecar, string token)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["APP_PORT"] = "0",
            ["HTTP_PORT"] = "0",
            ["DAPR_HTTP_ENDPOINT"] = sidecar,
            ["DAPR_API_TOKEN"] = token,
        });
        builder.AddMeshHosting("test");
        var app = builder.Build();
        app.MapMeshEndpoints();
        await app.StartAsync();
        return app;
    }
}
