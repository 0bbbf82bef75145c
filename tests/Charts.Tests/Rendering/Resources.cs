using System.Text.Json.Nodes;

namespace WhatsAppMesh.Charts.Tests.Rendering;

/// <summary>One document: a resource of Kubernetes, Dapr or another operator.</summary>
internal sealed record Resource(JsonNode Document)
{
    public string Kind => Document["kind"]!.GetValue<string>();

    public string Name => Document["metadata"]!["name"]!.GetValue<string>();

    public JsonNode Spec => Document["spec"]!;

    public bool IsDapr => Document["apiVersion"]!.GetValue<string>().StartsWith("dapr.io/", StringComparison.Ordinal);

    /// <summary>The pod that it makes, if any.</summary>
    public JsonNode? Pod => Kind switch
    {
        "Pod" => Spec,
        "Deployment" or "Job" => Spec["template"]!["spec"],
        _ => null,
    };

    public IReadOnlyList<string> Scopes => [.. (Document["scopes"] as JsonArray ?? []).Select(scope => scope!.GetValue<string>()).Order(StringComparer.Ordinal)];

    /// <summary>Metadata of a Dapr component by name; secrets as their reference's text.</summary>
    public Dictionary<string, string> Settings => Spec["metadata"]!.AsArray().ToDictionary(
        entry => entry!["name"]!.GetValue<string>(),
        entry => entry!["value"]?.ToString() ?? "secret " + entry["secretKeyRef"]!["key"]);

    public override string ToString() => $"{Kind}/{Name}";
}

/// <summary>A rendered chart.</summary>
internal sealed class Resources(IReadOnlyList<Resource> all)
{
    private static readonly Dictionary<string, string[]> Broker = new()
    {
        ["kafka"] = [],
        ["rabbitmq"] = ["--values", Values("rabbitmq")],
        ["redis"] = ["--values", Values("redis")],
    };

    /// <summary>The pub/sub components there are, each with a plain release and one that has everything on.</summary>
    public static TheoryData<string, bool> Renderings
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (var type in Broker.Keys)
            {
                data.Add(type, false);
                data.Add(type, true);
            }
            return data;
        }
    }

    public IReadOnlyList<Resource> All => all;

    /// <summary>Renders the chart for a pub/sub component.</summary>
    /// <param name="type">kafka, rabbitmq or redis.</param>
    /// <param name="full">With ingress, autoscaling, monitoring, broker, senders and test.</param>
    /// <param name="more">More arguments of helm.</param>
    public static async Task<Resources> RenderAsync(string type = "kafka", bool full = false, params IEnumerable<string> more)
    {
        var (documents, errors) = await Renderer.TryRenderAsync([.. Broker[type], .. full ? ["--values", Values("full")] : Array.Empty<string>(), .. more]);
        Assert.True(documents is not null, errors);
        return new Resources([.. Yaml.Documents(documents).Select(document => new Resource(document))]);
    }

    public IEnumerable<Resource> Of(string kind) => all.Where(resource => resource.Kind == kind);

    public Resource One(string kind, string name) => Assert.Single(all, resource => resource.Kind == kind && resource.Name == name);

    public static string Values(string name) => Path.Combine(Mesh.Running.MeshRepository.Find(), "tests", "Charts.Tests", "Values", name + ".yaml");
}
