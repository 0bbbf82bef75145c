using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using WhatsAppMesh.Edge.Sources;
using WhatsAppMesh.Edge.Tests.Driving;
using WhatsAppMesh.Libs.Tests.Sidecars;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>Senders and secrets change while the process runs.</summary>
public sealed class ReloadTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("edge-reload-").FullName;

    private string SourcesFile => Path.Combine(_folder, "sources.json");

    [Fact]
    public async Task Changed_file_is_in_use_without_a_restart()
    {
        Write(OneSource("default", "first"));
        await using var edge = await StartAsync();
        await edge.AcceptedAsync(Signing.SignedV2(secret: "first"));
        Write(OneSource("default", "second"));
        await TakesAsync(edge, "second");
        await edge.InvalidAsync(Signing.SignedV2(secret: "first"));
        Write(OneSource("other", "third"));
        await Answers.EventuallyAsync(async () => await StatusAsync(edge, "second") == 401, "the source is gone");
        await edge.AcceptedAsync(Signing.SignedV2(secret: "third").With("X-Collector", "other"));
    }

    [Theory]
    [InlineData("{ not json")]
    [InlineData("""{"sources":[{"name":"default","secrest":[]}]}""")]
    [InlineData("""{"sources":[{"name":"default","secrets":[{"id":"a"}]}]}""")]
    [InlineData("""{"sources":[{"name":"default","secrets":[{"id":"a","value":"x","notBefore":"yesterday"}]}]}""")]
    [InlineData(null)]
    public async Task Broken_file_changes_nothing_and_is_told_in_log_metric_and_readiness(string? broken)
    {
        Write(OneSource("default", "first"));
        await using var edge = await StartAsync();
        if (broken is null)
            File.Delete(SourcesFile);
        else
            Write(broken);
        await Answers.EventuallyAsync(() => Task.FromResult(edge.Metrics.Gauge("mesh_edge_catalog_problems") == 1), "the metric tells it");
        await edge.AcceptedAsync(Signing.SignedV2(secret: "first"));
        Assert.Single(edge.Logs.Lines, static line => line.Contains("[1011]", StringComparison.Ordinal));
        using var readiness = await edge.Client.GetAsync("/readyz");
        Assert.Equal(HttpStatusCode.OK, readiness.StatusCode);
        Assert.Contains("not in use", await readiness.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        Write(OneSource("default", "second"));
        await TakesAsync(edge, "second");
        await Answers.EventuallyAsync(() => Task.FromResult(edge.Metrics.Gauge("mesh_edge_catalog_problems") == 0), "the metric is healthy again");
        Assert.DoesNotContain("notes", await edge.Client.GetStringAsync("/readyz"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_error_of_a_file_is_told_at_once_and_none_starts_the_process()
    {
        Write("""
            {
              "sources": [
                {"name": "bad name", "tenant": "a b", "schemes": ["none"], "requestsPerSecond": -1, "burst": 0,
                 "secrets": [{"id": "a", "env": "X", "value": "hidden-value"}, {"id": "a", "store": "s"}, {"id": "", "keyHash": "00"},
                             {"id": "z", "value": "v", "notBefore": "2026-02-01T00:00:00Z", "expires": "2026-01-01T00:00:00Z"}]},
                {"name": "twice"}, {"name": "twice"}
              ],
              "triggers": [{"name": "t", "scheme": "magic", "schemes": ["body"]}]
            }
            """);
        var exception = await Assert.ThrowsAsync<CatalogException>(StartAsync);
        Assert.Equal(15, exception.Errors.Count);
        Assert.DoesNotContain("hidden-value", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mounted_configuration_that_is_swapped_by_links_is_in_use()
    {
        // The way Kubernetes mounts: name -> ..data/name, ..data -> ..version, and ..data is replaced in one rename.
        var data = Path.Combine(_folder, "..data");
        Mount("..v1", "first");
        Directory.CreateSymbolicLink(data, "..v1");
        File.CreateSymbolicLink(SourcesFile, Path.Combine("..data", "sources.json"));
        await using var edge = await StartAsync();
        await edge.AcceptedAsync(Signing.SignedV2(secret: "first"));
        Mount("..v2", "second");
        Directory.CreateSymbolicLink(data + "_tmp", "..v2");
        using (var rename = Process.Start("mv", ["-T", data + "_tmp", data]))
            await rename.WaitForExitAsync();
        Directory.Delete(Path.Combine(_folder, "..v1"), recursive: true);
        await TakesAsync(edge, "second");

        void Mount(string version, string secret)
        {
            Directory.CreateDirectory(Path.Combine(_folder, version));
            File.WriteAllText(Path.Combine(_folder, version, "sources.json"), OneSource("default", secret));
        }
    }

    [Fact]
    public async Task Changed_secret_file_is_in_use_and_an_emptied_one_keeps_the_last_good()
    {
        var secret = Path.Combine(_folder, "secret");
        File.WriteAllText(secret, "first\n");
        Write(JsonSerializer.Serialize(new { sources = new[] { new { name = "default", secrets = new[] { new { id = "a", file = secret } } } } }));
        await using var edge = await StartAsync();
        await edge.AcceptedAsync(Signing.SignedV2(secret: "first"));
        File.WriteAllText(secret, "second\r\n");
        await TakesAsync(edge, "second");
        File.WriteAllText(secret, "");
        await Answers.EventuallyAsync(() => Task.FromResult(edge.Metrics.Gauge("mesh_edge_catalog_problems") == 1), "the empty secret is told");
        await edge.AcceptedAsync(Signing.SignedV2(secret: "second"));
        File.WriteAllText(secret, "whsec_***");
        await Answers.EventuallyAsync(() => Task.FromResult(edge.Logs.Lines.Any(IsAboutBase64)), "the broken secret is told");
        await edge.AcceptedAsync(Signing.SignedV2(secret: "second"));
    }

    [Fact]
    public async Task Secret_in_an_environment_variable_is_read()
    {
        var variable = "EDGE_TEST_" + Guid.NewGuid().ToString("N");
        Environment.SetEnvironmentVariable(variable, "from-environment");
        await using var edge = await EdgeUnderTest.StartAsync(EdgeUnderTest.With([], "Edge:Sources:0", "default", variable, "Env"));
        await edge.AcceptedAsync(Signing.SignedV2(secret: "from-environment"));
    }

    [Fact]
    public async Task Empty_reference_counts_as_absent()
    {
        var variable = "EDGE_TEST_" + Guid.NewGuid().ToString("N");
        Environment.SetEnvironmentVariable(variable, "from-environment");
        await using var sidecar = await SecretsAsync(static () => "from-store");
        Write($$"""
            { "sources": [
                { "name": "a", "secrets": [ { "id": "first", "env": "{{variable}}", "value": "", "keyHash": "" } ] },
                { "name": "b", "secrets": [ { "id": "first", "env": "", "file": "", "store": "secrets", "key": "collector-secret" } ] } ] }
            """);
        await using var edge = await EdgeUnderTest.StartAsync(new()
        {
            ["Edge:SourcesFile"] = SourcesFile,
            ["DAPR_GRPC_ENDPOINT"] = sidecar.Grpc.ToString(),
        });
        await edge.AcceptedAsync(Signing.SignedV2(secret: "from-environment").With("X-Collector", "a"));
        await edge.AcceptedAsync(Signing.SignedV2(secret: "from-store").With("X-Collector", "b"));
    }

    [Fact]
    public async Task Secret_that_is_nowhere_leaves_the_source_closed_and_is_told()
    {
        await using var edge = await EdgeUnderTest.StartAsync(EdgeUnderTest.With([], "Edge:Sources:0", "default", "EDGE_TEST_NOT_SET", "Env"));
        await edge.RefusedAsync(Signing.SignedV2(), 500, "secret_not_configured");
        Assert.Contains(edge.Logs.Lines, static line => line.Contains("sources, default, secret first", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Secret_of_a_secret_store_is_read_again_and_kept_while_the_store_is_away()
    {
        string? secret = "first";
        await using var sidecar = await SecretsAsync(() => secret);
        var settings = EdgeUnderTest.With([], "Edge:Sources:0", "default", "secrets", "Store");
        settings["Edge:Sources:0:Secrets:0:Key"] = "collector-secret";
        settings["Edge:SecretStoreSeconds"] = "1";
        settings["DAPR_GRPC_ENDPOINT"] = sidecar.Grpc.ToString();
        await using var edge = await EdgeUnderTest.StartAsync(settings);
        await edge.AcceptedAsync(Signing.SignedV2(secret: "first"));
        Assert.Contains(sidecar.Calls, static call => call.Method == FakeDapr.Service + "GetSecret");
        secret = "second";
        await TakesAsync(edge, "second");
        secret = null;
        await Answers.EventuallyAsync(() => Task.FromResult(edge.Metrics.Gauge("mesh_edge_catalog_problems") == 1), "the store's silence is told");
        await edge.AcceptedAsync(Signing.SignedV2(secret: "second"));
    }

    [Fact]
    public async Task Service_is_not_ready_before_the_secret_store_has_answered()
    {
        var up = false;
        await using var sidecar = await SecretsAsync(() => up ? "first" : null);
        var settings = EdgeUnderTest.With([], "Edge:Sources:0", "default", "secrets", "Store");
        settings["Edge:Sources:0:Secrets:0:Key"] = "collector-secret";
        settings["DAPR_GRPC_ENDPOINT"] = sidecar.Grpc.ToString();
        await using var edge = await EdgeUnderTest.StartAsync(settings);
        using (var before = await edge.Client.GetAsync("/readyz"))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, before.StatusCode);
        up = true;
        await Answers.EventuallyAsync(async () => (await edge.Client.GetAsync("/readyz")).IsSuccessStatusCode, "the service is ready");
        await edge.AcceptedAsync(Signing.SignedV2(secret: "first"));
    }

    // The store of the secrets: what it holds under the one key; null = it cannot be asked now.
    private static async Task<FakeDapr> SecretsAsync(Func<string?> secret) => (await FakeDapr.StartAsync()).On<GetSecretRequest>("GetSecret", asked =>
    {
        Assert.Equal(("secrets", "collector-secret"), (asked.StoreName, asked.Key));
        return secret() is { } text
            ? new GetSecretResponse { Data = { ["collector-secret"] = text } }
            : throw new RpcException(new Status(StatusCode.Internal, "away"));
    });

    [Fact]
    public async Task Reload_that_leaves_a_rate_as_it_is_gives_nobody_a_full_bucket()
    {
        Write(Limited("first", 2));
        await using var edge = await StartAsync();
        await edge.AcceptedAsync(Signing.SignedV2(secret: "first"));
        await edge.AcceptedAsync(Signing.SignedV2(secret: "first"));
        Write(Limited("second", 2));
        await Answers.EventuallyAsync(async () => await StatusAsync(edge, "second") == 429, "the new secret counts and the old bucket too");
        Write(Limited("second", 3));
        await TakesAsync(edge, "second");

        static string Limited(string secret, int burst)
        {
            var secrets = new[] { new { id = "a", value = secret } };
            return JsonSerializer.Serialize(new { sources = new[] { new { name = "default", requestsPerSecond = 0.001, burst, secrets } } });
        }
    }

    [Fact]
    public async Task One_api_key_for_two_senders_is_refused()
    {
        Write("""{"crm":[{"name":"a","secrets":[{"id":"k","value":"same-key"}]},{"name":"b","secrets":[{"id":"k","value":"same-key"}]}]}""");
        var exception = await Assert.ThrowsAsync<CatalogException>(StartAsync);
        Assert.Contains("a and b have the same API key", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("same-key", exception.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string OneSource(string name, string secret) =>
        JsonSerializer.Serialize(new { sources = new[] { new { name, secrets = new[] { new { id = "a", value = secret } } } } });

    private static async Task<int> StatusAsync(EdgeUnderTest edge, string secret)
    {
        using var answer = await edge.Client.SendAsync(Signing.SignedV2(secret: secret));
        return (int)answer.StatusCode;
    }

    private static Task TakesAsync(EdgeUnderTest edge, string secret) =>
        Answers.EventuallyAsync(async () => await StatusAsync(edge, secret) == 202, "the new secret is accepted");

    private void Write(string json) => File.WriteAllText(SourcesFile, json);

    private static bool IsAboutBase64(string line) => line.Contains("whsec_ but", StringComparison.Ordinal);

    private Task<EdgeUnderTest> StartAsync() =>
        EdgeUnderTest.StartAsync(new() { ["Edge:SourcesFile"] = SourcesFile, ["Edge:Sources:0:Name"] = "from-settings" });
}
