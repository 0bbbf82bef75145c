using System.Text.Json;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Tests.Invoke;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.Secrets;

public sealed class SecretsTests : IAsyncLifetime
{
    private const string Variable = "MESHTEST_SECRET_ONE";
    private readonly string _file = Path.GetTempFileName();
    private TestDatabase _database = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        Environment.SetEnvironmentVariable(Variable, "one");
        Environment.SetEnvironmentVariable("DAPR_MESHTEST", "hidden");
        await File.WriteAllTextAsync(_file, """{"top":"t","db":{"user":"u","ports":[1,2],"deep":{"on":true}}}""");
    }

    public async Task DisposeAsync()
    {
        await _database.DisposeAsync();
        File.Delete(_file);
    }

    [Fact]
    public async Task Environment_is_a_secret_store_without_daprs_own_variables()
    {
        await using var sidecar = await StartAsync(Store("env", "secretstores.local.env"), Store("some", "secretstores.local.env", "prefix", "MESHTEST_"));

        Assert.Equal($$"""{"{{Variable}}":"one"}""", await sidecar.Http.GetStringAsync($"/v1.0/secrets/env/{Variable}"));
        Assert.Equal("""{"SECRET_ONE":"one"}""", await sidecar.Http.GetStringAsync("/v1.0/secrets/some/SECRET_ONE"));
        Assert.Equal("""{"NOT_SET_ANYWHERE":""}""", await sidecar.Http.GetStringAsync("/v1.0/secrets/env/NOT_SET_ANYWHERE"));
        Assert.Equal("""{"DAPR_MESHTEST":""}""", await sidecar.Http.GetStringAsync("/v1.0/secrets/env/DAPR_MESHTEST"));
        var all = await sidecar.Http.GetStringAsync("/v1.0/secrets/env/bulk");
        Assert.Contains($$"""{"{{Variable}}":"one"}""", all, StringComparison.Ordinal);
        Assert.DoesNotContain("DAPR_MESHTEST", all, StringComparison.Ordinal);
        using var some = JsonDocument.Parse(await sidecar.Http.GetStringAsync("/v1.0/secrets/some/bulk"));
        Assert.Equal("one", some.RootElement.GetProperty("SECRET_ONE").GetProperty("SECRET_ONE").GetString());
    }

    [Fact]
    public async Task File_is_flattened_into_one_secret_per_leaf()
    {
        await using var sidecar = await StartAsync(Store("file", "secretstores.local.file", "secretsFile", _file), Store("dots", "secretstores.local.file", "secretsFile", _file, "nestedSeparator", "."));

        Assert.Equal("""{"top":"t"}""", await sidecar.Http.GetStringAsync("/v1.0/secrets/file/top"));
        Assert.Equal("""{"db:user":"u"}""", await sidecar.Http.GetStringAsync("/v1.0/secrets/file/db:user"));
        Assert.Equal("""{"db.ports.1":"2"}""", await sidecar.Http.GetStringAsync("/v1.0/secrets/dots/db.ports.1"));
        Assert.Equal(
            """{"db:deep:on":{"db:deep:on":"true"},"db:ports:0":{"db:ports:0":"1"},"db:ports:1":{"db:ports:1":"2"},"db:user":{"db:user":"u"},"top":{"top":"t"}}""",
            await sidecar.Http.GetStringAsync("/v1.0/secrets/file/bulk"));
    }

    [Fact]
    public async Task Multi_valued_file_has_one_secret_per_top_level_name()
    {
        await using var sidecar = await StartAsync(Store("file", "secretstores.local.file", "secretsFile", _file, "multiValued", "true"));

        Assert.Equal("""{"user":"u","ports:0":"1","ports:1":"2","deep:on":"true"}""", await sidecar.Http.GetStringAsync("/v1.0/secrets/file/db"));
        Assert.Equal("""{"top":"t"}""", await sidecar.Http.GetStringAsync("/v1.0/secrets/file/top"));
    }

    [Fact]
    public async Task What_cannot_be_found_has_its_error_code()
    {
        await using var some = await StartAsync(Store("file", "secretstores.local.file", "secretsFile", _file));
        await using var none = await StartAsync();

        await InvokeTests.AssertErrorAsync(await some.Http.GetAsync("/v1.0/secrets/file/nope"), 500, "ERR_SECRET_GET", "nope not found");
        await InvokeTests.AssertErrorAsync(await some.Http.GetAsync("/v1.0/secrets/other/top"), 401, "ERR_SECRET_STORE_NOT_FOUND", "other");
        await InvokeTests.AssertErrorAsync(await none.Http.GetAsync("/v1.0/secrets/other/bulk"), 500, "ERR_SECRET_STORES_NOT_CONFIGURED", "not configured");
    }

    [Theory]
    [InlineData("""["not an object"]""", "not a JSON object")]
    [InlineData("""{"a":{"b":"s3cret"},"a:b":"s3cret"}""", "not a JSON object")]
    [InlineData("{", "not a JSON object")]
    public async Task Broken_file_ends_the_sidecar_at_start_without_telling_its_content(string content, string part)
    {
        await File.WriteAllTextAsync(_file, content);
        var failure = await Assert.ThrowsAsync<StartFailure>(() => StartAsync(Store("file", "secretstores.local.file", "secretsFile", _file)));
        Assert.Contains(part, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Missing_file_ends_the_sidecar_at_start()
    {
        var missing = await Assert.ThrowsAsync<StartFailure>(() => StartAsync(Store("file", "secretstores.local.file", "secretsFile", _file + ".none")));
        Assert.Contains(_file + ".none", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Endpoint_whose_secret_is_not_set_does_without_the_header()
    {
        const string Endpoint =
            """
            apiVersion: dapr.io/v1alpha1
            kind: HTTPEndpoint
            metadata:
              name: broker
            spec:
              baseUrl: http://127.0.0.1:1
              headers:
              - name: x-api-key
                secretKeyRef:
                  name: NOT_SET_ANYWHERE
                  key: NOT_SET_ANYWHERE
            auth:
              secretStore: env
            """;
        await using var sidecar = await StartAsync(Store("env", "secretstores.local.env"), Endpoint);
        Assert.Contains("broker", await sidecar.Http.GetStringAsync("/v1.0/metadata"), StringComparison.Ordinal);
    }

    private static string Store(string name, string type, params string[] settings) =>
        $"""
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata:
          name: {name}
        spec:
          type: {type}
          version: v1
          metadata: [{string.Join(", ", settings.Chunk(2).Select(pair => $"{{name: {pair[0]}, value: \"{pair[1]}\"}}"))}]
        """;

    private Task<RunningSidecar> StartAsync(params string[] resources) => RunningSidecar.StartAsync(_database.ConnectionString, "app", resources: resources);
}
