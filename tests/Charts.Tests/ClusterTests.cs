using WhatsAppMesh.Charts.Tests.Rendering;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>What the chart makes of the cluster it finds.</summary>
public sealed class ClusterTests
{
    private const string Edge = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: mesh-edge, namespace: whatsapp }\nspec: { replicas: 5 }\n";

    [Fact]
    public async Task An_autoscaled_service_is_rendered_alike_whatever_replicas_it_has()
    {
        var resources = Read(await InAsync(Edge, file => Renderer.TryRenderInAsync(file)));

        Assert.All(resources.Of("Deployment"), deployment => Assert.Null(deployment.Spec["replicas"]));
    }

    [Fact]
    public async Task A_service_that_is_not_autoscaled_has_the_replicas_of_the_values()
    {
        var resources = Read(await InAsync(Edge, file => Renderer.TryRenderInAsync(file, "--set", "services.edge.autoscaling.enabled=false", "--set", "services.edge.replicas=3")));

        Assert.Equal(3, resources.One("Deployment", "mesh-edge").Spec["replicas"]!.GetValue<int>());
    }

    [Fact]
    public async Task An_old_Dapr_is_refused()
    {
        var (documents, errors) = await InAsync(Operator("1.16.14"), file => Renderer.TryRenderInAsync(file));

        Assert.Null(documents);
        Assert.Contains("Dapr 1.16.14 is too old", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.17.0", true)]
    [InlineData("1.17.4", true)]
    [InlineData("1.17.5", false)]
    [InlineData("v1.18.0", false)]
    [InlineData("edge", false)]
    [InlineData("nightly-2026-11-21", false)]
    public async Task The_notes_warn_about_a_Dapr_whose_access_control_can_be_passed(string version, bool warned)
    {
        Read(await InAsync(Operator(version), file => Renderer.TryRenderInAsync(file)));

        var notes = await InAsync(Operator(version), file => Renderer.NotesAsync("--cluster", file));
        Assert.Equal(warned, notes.Contains("CVE-2026-41491", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_may_not_read_Dapr_s_namespace_deploys_without_asking_it()
    {
        var (refused, errors) = await Renderer.TryRenderInAsync("forbidden");
        Assert.Null(refused);
        Assert.Contains("forbidden", errors, StringComparison.Ordinal);

        Read(await Renderer.TryRenderInAsync("forbidden", "--set", "dapr.checkVersion=false"));
        Assert.NotEmpty(await Renderer.NotesAsync("--cluster", "forbidden", "--set", "dapr.checkVersion=false"));
    }

    private static string Operator(string version) =>
        $"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: dapr-operator, namespace: dapr-system, labels: {{ app.kubernetes.io/version: \"{version}\" }} }}\n";

    private static Resources Read((string? Documents, string Errors) rendered)
    {
        Assert.True(rendered.Documents is not null, rendered.Errors);
        return new Resources([.. Yaml.Documents(rendered.Documents).Select(document => new Resource(document))]);
    }

    private static async Task<T> InAsync<T>(string cluster, Func<string, Task<T>> renderAsync)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, cluster);
            return await renderAsync(file);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
