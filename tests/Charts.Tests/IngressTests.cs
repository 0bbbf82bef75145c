using WhatsAppMesh.Charts.Tests.Rendering;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>Edge behind an ingress controller whose defaults are for small pages that come and go.</summary>
public sealed class IngressTests
{
    private const string On = "ingress.enabled=true,ingress.host=mesh.example.org,ingress.tlsSecret=tls";

    [Fact]
    public async Task Large_bodies_and_long_answers_pass_as_they_come()
    {
        var annotations = await AnnotationsAsync();

        Assert.Equal(
            ["proxy-body-size=104m", "proxy-buffering=off", "proxy-read-timeout=3600", "proxy-request-buffering=off", "proxy-send-timeout=3600"],
            annotations.Select(static annotation => annotation["nginx.ingress.kubernetes.io/".Length..]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_an_operator_says_of_the_controller_wins()
    {
        var annotations = await AnnotationsAsync(
            "--set", "ingress.maxBodySize=300Mi,ingress.idleSeconds=120",
            "--set-string", @"ingress.annotations.nginx\.ingress\.kubernetes\.io/proxy-send-timeout=77",
            "--set-string", @"ingress.annotations.example\.org/a=b");

        Assert.Contains("nginx.ingress.kubernetes.io/proxy-body-size=300m", annotations);
        Assert.Contains("nginx.ingress.kubernetes.io/proxy-read-timeout=120", annotations);
        Assert.Contains("nginx.ingress.kubernetes.io/proxy-send-timeout=77", annotations);
        Assert.Contains("example.org/a=b", annotations);
    }

    [Fact]
    public async Task A_controller_that_needs_nothing_gets_nothing() => Assert.Empty(await AnnotationsAsync("--set", "ingress.controller=none"));

    private static async Task<IReadOnlyList<string>> AnnotationsAsync(params string[] more)
    {
        var ingress = Assert.Single((await Resources.RenderAsync(more: ["--set", On, .. more])).Of("Ingress"));
        var annotations = ingress.Document["metadata"]!["annotations"]?.AsObject() ?? [];
        return [.. annotations.Select(static annotation => $"{annotation.Key}={annotation.Value!.GetValue<string>()}")];
    }
}
