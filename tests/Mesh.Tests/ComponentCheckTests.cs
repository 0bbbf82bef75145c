using WhatsAppMesh.GoComponents;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Tests;

/// <summary>What a component file says wrongly ends the start before any process runs.</summary>
public sealed class ComponentCheckTests : IDisposable
{
    private const string AdoNet = "Host=db;Username=u;Password=secret-word;Database=claims";

    private readonly StandInRepository _repository = new();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public async Task A_secret_in_ADO_NET_form_is_refused_by_file_component_and_setting()
    {
        var said = await StartAsync(AdoNet);

        var file = _repository.PathOf("components/claims.yaml");
        Assert.Equal($"{file}: component claims: connectionString (secret CLAIMS_DATABASE): {AdoNetForm.Sentence}.", said);
    }

    [Theory]
    [InlineData("host=db password='secret-word two'", "at every space")]
    [InlineData("postgres://u:secret-word/@db/claims", "invalid port")]
    [InlineData("host=db password=secret-word pool_max_conns=none", "pool_max_conns")]
    public async Task So_is_one_that_pgx_would_not_read(string secret, string why)
    {
        var said = await StartAsync(secret);

        Assert.Contains(why, said, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-word", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_is_right_is_handed_over_as_it_is()
    {
        const string Given = "postgres://u:p%20w@db:5432/claims?sslmode=require";

        await _repository.StartAsync(options => options with { Environment = Sidecar(Given) });

        Assert.Equal(Given, StandInRepository.WhatWasSeen(Daprd)!.Environment["CLAIMS_DATABASE"]);
    }

    [Theory]
    [InlineData("value: \"Host=db;Username=u;Password=secret-word\"")]
    [InlineData("envRef: IN_ENVIRONMENT")]
    [InlineData("secretKeyRef: { name: database, key: database }")]
    [InlineData("secretKeyRef: { name: deep:er, key: deep:er }")]
    public async Task It_is_found_wherever_a_component_has_it_from(string source)
    {
        _repository.Write("secrets.json", $$$"""{"database":"{{{AdoNet}}}","deep":{"er":"{{{AdoNet}}}"} }""");
        _repository.Write("components/file.yaml", Component("file", "secretstores.local.file", "secretsFile", $"value: {_repository.PathOf("secrets.json")}"));
        _repository.Write("components/claims.yaml", Component("other", "state.postgresql", "CONNECTIONSTRING", source) + "auth: { secretStore: file }\n");

        var said = await _repository.StartAsync(options => options with { Environment = Sidecar(AdoNet, ("IN_ENVIRONMENT", AdoNet)) });

        Assert.Contains("component other: connectionString", said, StringComparison.Ordinal);
        Assert.Contains(AdoNetForm.Sentence, said, StringComparison.Ordinal);
        Assert.Null(StandInRepository.WhatWasSeen(Daprd));
    }

    [Fact]
    public async Task What_a_vault_has_a_file_that_is_broken_and_a_component_of_another_app_are_left_to_the_sidecar()
    {
        const string OfVault = "secretKeyRef: { name: a, key: b }";
        _repository.Write("components/claims.yaml", Component("claims", "state.postgresql", "connectionString", OfVault) + "auth: { secretStore: vault }\n");
        _repository.Write("components/broken.yaml", "kind: [");
        _repository.Write("components/foreign.yaml", Component("foreign", "state.postgresql", "connectionString", $"value: \"{AdoNet}\"") + "scopes: [edge]\n");

        Assert.Contains("this is no daprd", await _repository.StartAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("3", true)]
    [InlineData("2", true)]
    [InlineData("4", false)]
    [InlineData("50", false)]
    public async Task A_pool_of_Redis_that_subscriptions_use_up_is_refused(string size, bool refused)
    {
        var said = await WithRedisAsync("poolSize", size);

        Assert.Equal(refused, said.Contains($"dispatch subscribes to 3 of its topics, each keeps one of the pool's {size} connections", StringComparison.Ordinal));
        Assert.Equal(refused, StandInRepository.WhatWasSeen(Daprd) is null);
    }

    [Fact]
    public async Task A_pool_of_Redis_without_a_size_is_taken_for_what_daprd_makes_of_it()
    {
        Assert.Contains("this is no daprd", await WithRedisAsync("redisHost", "127.0.0.1:6379"), StringComparison.Ordinal);

        var many = Enumerable.Range(0, 10 * Environment.ProcessorCount).Select(i =>
            $"apiVersion: dapr.io/v2alpha1\nkind: Subscription\nmetadata: {{ name: s{i} }}\n"
            + $"spec: {{ pubsubname: pubsub, topic: t{i}, routes: {{ default: /t }} }}\n");
        _repository.Write("components/many.yaml", string.Join("---\n", many));
        Assert.Contains($"the pool's {10 * Environment.ProcessorCount} connections", await _repository.StartAsync(), StringComparison.Ordinal);
        Assert.Contains("poolSize must be a whole number", await WithRedisAsync("poolSize", "many"), StringComparison.Ordinal);
    }

    private string Daprd => _repository.PathOf("artifacts/bin/DevSidecar/release/daprd");

    private async Task<string> StartAsync(string secret)
    {
        var said = await _repository.StartAsync(options => options with { Environment = Sidecar(secret) });
        Assert.Null(StandInRepository.WhatWasSeen(Daprd));
        Assert.DoesNotContain("secret-word", said, StringComparison.Ordinal);
        return said;
    }

    private Task<string> WithRedisAsync(string setting, string value)
    {
        _repository.Write("components/pubsub.yaml", Component("pubsub", "pubsub.redis", setting, $"value: \"{value}\""));
        return _repository.StartAsync();
    }

    private static string Component(string name, string type, string setting, string source) =>
        $"""
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata:
          name: {name}
        spec:
          type: {type}
          version: {(type == "state.postgresql" ? "v2" : "v1")}
          metadata:
            - name: {setting}
              {source}

        """;

    private static Dictionary<string, IReadOnlyDictionary<string, string>> Sidecar(string claims, params (string Name, string Value)[] more) => new()
    {
        ["dispatch.sidecar"] = more.Append(("CLAIMS_DATABASE", claims)).ToDictionary(),
    };
}
