using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Npgsql;
using WhatsAppMesh.Charts.Tests.Rendering;
using WhatsAppMesh.GoComponents;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>
/// Every setting that our components give (components/, deploy/components, deploy/*.yaml, the chart for each broker and store), against Dapr's own
/// metadata, whose facts stand in <c>component-metadata.txt</c>.
/// </summary>
public sealed partial class ComponentMetadataTests
{
    private static readonly string Repository = MeshRepository.Find();

    // Read by the runtime for every component of a kind, so that no type's metadata has them.
    private static readonly string[] OfRuntime = ["keyPrefix"];

    private static readonly Dictionary<(string Type, string Name), Fact> Facts = File
        .ReadAllLines(Path.Combine(Repository, "tests", "Charts.Tests", "component-metadata.txt"))
        .Where(line => line.Length > 0 && line[0] != '#')
        .Select(line => line.Split(' '))
        .ToDictionary(
            line => (line[0], line[2]),
            line => new Fact(line[1], line[3], line[4] == "required", line.ElementAtOrDefault(5)?.Split('|') ?? []));

    [Fact]
    public async Task Every_setting_is_one_that_the_component_has_with_a_value_of_its_kind()
    {
        var components = await ComponentsAsync();

        Assert.Empty(components.SelectMany(component => component.Resource.Spec["metadata"]!.AsArray()
            .SelectMany(entry => Faults(component, entry!["name"]!.GetValue<string>(), entry["value"]?.ToString()))));
        // Kafka, RabbitMQ, Redis; PostgreSQL and Redis; the environment.
        Assert.Equal(6, components.Select(component => component.Type).Distinct().Count());
    }

    [Fact]
    public async Task Nothing_that_a_component_requires_is_missing_and_its_version_is_Dapr_s()
    {
        foreach (var component in await ComponentsAsync())
        {
            var required = Facts.Where(fact => fact.Key.Type == component.Type && fact.Value.IsRequired).Select(fact => fact.Key.Name);
            Assert.All(required, name => Assert.Contains(name, component.Resource.Settings.Keys));
            var versions = Facts.Where(fact => fact.Key.Type == component.Type).Select(fact => fact.Value.Version);
            Assert.Contains(component.Resource.Spec["version"]!.GetValue<string>(), versions);
        }
    }

    [Fact]
    public async Task Values_are_text_because_Dapr_s_own_resources_have_no_other()
    {
        var components = await ComponentsAsync();

        Assert.All(components, component => Assert.All(component.Resource.Spec["metadata"]!.AsArray(), entry =>
            Assert.True(entry!["value"] is null || entry["value"]!.GetValueKind() == JsonValueKind.String, $"{component.Place}: {entry["name"]} is no text")));
    }

    [Theory]
    [InlineData("rabbitmq")]
    [InlineData("redis")]
    public async Task The_examples_of_other_brokers_say_what_the_chart_says(string type)
    {
        var chart = await Resources.RenderAsync(type);
        foreach (var file in Directory.GetFiles(Path.Combine(Repository, "deploy", "components", type)))
        {
            var here = new Resource(Yaml.File(file));
            var there = chart.One(here.Kind, here.Name);
            Assert.Equal(there.Spec["type"]!.ToString(), here.Spec["type"]!.ToString());
            Assert.Equal(there.Spec["version"]!.ToString(), here.Spec["version"]!.ToString());
            Assert.Equal(there.Scopes, here.Scopes);
            Assert.Equal(WithoutAddress(there), WithoutAddress(here));
        }
    }

    [Fact]
    public async Task A_pool_of_Redis_outlasts_the_topics_of_every_app_twice()
    {
        var pools = (await ComponentsAsync()).Where(component => component.Type == "pubsub.redis").ToList();
        var topics = (await Resources.RenderAsync("redis")).Of("Subscription")
            .SelectMany(subscription => subscription.Scopes).GroupBy(app => app).Max(app => app.Count());

        Assert.NotEmpty(pools);
        Assert.All(pools, pool => Assert.True(int.Parse(pool.Resource.Settings["poolSize"], CultureInfo.InvariantCulture) > 2 * topics, pool.Place));
    }

    [Theory]
    [InlineData("deploy/dev/secrets.yaml", "Host=postgres;Username=postgres;Password=for-one-machine-only;Database=claims;SSL Mode=Disable")]
    [InlineData("docs/kubernetes.md", "Host=db;Username=claims;Password=PASSWORD;Database=claims;SSL Mode=Require")]
    public void The_databases_of_components_are_written_as_the_function_writes_them(string file, string npgsql) =>
        Assert.Contains(GoConnectionString.FromNpgsql(npgsql).Url, File.ReadAllText(Path.Combine(Repository, file)), StringComparison.Ordinal);

    [Theory]
    [InlineData("deploy/dev/secrets.yaml")]
    [InlineData("docs/kubernetes.md")]
    public void Each_secret_in_an_example_has_the_form_of_its_reader(string file)
    {
        var secrets = Secrets().Matches(File.ReadAllText(Path.Combine(Repository, file)))
            .Select(match => (Key: match.Groups[1].Value, Value: match.Groups[2].Value)).ToList();

        Assert.Contains("claims-database", secrets.Select(secret => secret.Key));
        Assert.All(secrets, secret =>
        {
            if (secret.Key == "claims-database")
                Assert.Contains("host", PgxConnection.Parse(secret.Value).Settings.Keys);
            else
                Assert.NotEmpty(new NpgsqlConnectionStringBuilder(secret.Value.Replace(";...", "", StringComparison.Ordinal)).Database!);
        });
    }

    [Fact]
    public async Task The_notes_say_which_form_the_secret_of_claims_has()
    {
        Assert.Contains("postgres://USER:PASSWORD@HOST:PORT/DATABASE", await Renderer.NotesAsync(), StringComparison.Ordinal);
        Assert.DoesNotContain("postgres://", await Renderer.NotesAsync("--values", Resources.Values("redis")), StringComparison.Ordinal);
    }

    private static IEnumerable<string> Faults((string Place, string Type, Resource Resource) component, string name, string? value)
    {
        if (OfRuntime.Contains(name))
            yield break;
        if (!Facts.TryGetValue((component.Type, name), out var fact))
            yield return $"{component.Place}: {component.Type} has no setting {name}";
        else if (value is not null && !Fits(fact, value))
            yield return $"{component.Place}: {name} is no {fact.Kind}{(fact.Allowed.Length > 0 ? " of " + string.Join('|', fact.Allowed) : "")}";
    }

    private static bool Fits(Fact fact, string value) => (fact.Allowed.Length == 0 || fact.Allowed.Contains(value)) && fact.Kind switch
    {
        "bool" => value is "true" or "false",
        "number" => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out _),
        "duration" => GoDuration.Parse(value) is not null,
        _ => true,
    };

    // How to reach something is each place's own.
    private static SortedDictionary<string, string> WithoutAddress(Resource resource) =>
        new(resource.Settings.Where(setting => setting.Key is not ("redisHost" or "redisPassword" or "connectionString")).ToDictionary(), StringComparer.Ordinal);

    private static async Task<IReadOnlyList<(string Place, string Type, Resource Resource)>> ComponentsAsync()
    {
        var found = new List<(string Place, Resource Resource)>();
        foreach (var folder in (string[])["components", "deploy"])
        {
            foreach (var file in Directory.GetFiles(Path.Combine(Repository, folder), "*.yaml", SearchOption.AllDirectories))
            {
                found.AddRange(Yaml.Documents(File.ReadAllText(file)).Where(document => document["kind"] is not null)
                    .Select(document => (Path.GetRelativePath(Repository, file), new Resource(document))));
            }
        }

        string[] values = [Resources.Values("full"), Path.Combine(Repository, "deploy", "dev.yaml"), Path.Combine(Repository, "deploy", "prod.yaml")];
        found.AddRange((await Resources.RenderAsync()).All.Select(resource => ("chart", resource)));
        foreach (var file in values)
            found.AddRange((await Resources.RenderAsync("kafka", false, "--values", file)).All.Select(resource => ($"chart with {file}", resource)));
        foreach (var type in (string[])["rabbitmq", "redis"])
            found.AddRange((await Resources.RenderAsync(type, true)).All.Select(resource => ($"chart {type}", resource)));
        return
        [
            .. found.Where(known => known.Resource is { Kind: "Component", IsDapr: true })
                .Select(known => (known.Place, known.Resource.Spec["type"]!.GetValue<string>(), known.Resource)),
        ];
    }

    [GeneratedRegex(@"(?:--from-literal=|^  )([a-z]+-database)(?:='|: )([^'\n]*)", RegexOptions.Multiline)]
    private static partial Regex Secrets();

    private sealed record Fact(string Version, string Kind, bool IsRequired, string[] Allowed);
}
