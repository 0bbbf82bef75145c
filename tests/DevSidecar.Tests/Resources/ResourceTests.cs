using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Tests.PubSub;

namespace WhatsAppMesh.DevSidecar.Tests.Resources;

/// <summary>Resource files: several documents, scopes, and a sentence for what is not supported.</summary>
public sealed class ResourceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("devsidecar-resources-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Several_documents_of_a_file_are_read_and_scopes_are_obeyed()
    {
        var set = Load(
            $"---\n{PubSubResources.Component()}\n---\n{PubSubResources.Component(name: "other")}\nscopes: [elsewhere]\n",
            PubSubResources.Subscription("a", "/a") + "\n---\n" + PubSubResources.Subscription("b", "/b", extra: "scopes: [elsewhere]"));

        Assert.Equal(["pubsub"], set.Components.Keys);
        Assert.Equal(["a"], set.Subscriptions.Select(subscription => subscription.Topic));
    }

    [Fact]
    public void Both_versions_of_a_subscription_are_read()
    {
        var set = Load(
            PubSubResources.Component(),
            """
            apiVersion: dapr.io/v1alpha1
            kind: Subscription
            metadata: {name: old}
            spec: {pubsubname: pubsub, topic: old, route: /old, deadLetterTopic: old.dead}
            """,
            PubSubResources.Subscription("new", "/new", extra: PubSubResources.Bulk(200, 20)));

        Assert.Equal([("old", "/old", "old.dead"), ("new", "/new", null)], set.Subscriptions.Select(s => (s.Topic, s.Rules[0].Path, s.DeadLetterTopic)));
        Assert.Equal(new BulkSubscribe(200, TimeSpan.FromMilliseconds(20)), set.Subscriptions[1].Bulk);
    }

    [Fact]
    public void A_Resiliency_that_is_not_the_first_document_of_its_file_is_ignored_loudly()
    {
        var set = Load($"{PubSubResources.Component()}\n---\n{PubSubResources.Inbound()}");

        Assert.Empty(set.Resiliencies);
        Assert.Contains("is NOT applied", Assert.Single(set.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Environment_references_are_resolved()
    {
        Environment.SetEnvironmentVariable("RESOURCE_TEST_VALUE", "from outside");
        var set = Load("""
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: {name: pubsub}
            spec: {type: pubsub.redis, version: v1, metadata: [{name: password, envRef: RESOURCE_TEST_VALUE}]}
            """);
        Assert.Equal("from outside", set.Components["pubsub"].Setting("PASSWORD"));
    }

    [Theory]
    [InlineData("components of type bindings.cron", "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: x}\nspec: {type: bindings.cron, version: v1}")]
    [InlineData("kind Job", "apiVersion: dapr.io/v1alpha1\nkind: Job\nmetadata: {name: x}")]
    [InlineData("field wings", "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: x}\nspec: {type: pubsub.redis, wings: 2}")]
    [InlineData("field topic is missing", "apiVersion: dapr.io/v2alpha1\nkind: Subscription\nmetadata: {name: x}\nspec: {pubsubname: pubsub, routes: {default: /x}}")]
    [InlineData("only evaluates rules", "apiVersion: dapr.io/v2alpha1\nkind: Subscription\nmetadata: {name: x}\nspec: {pubsubname: p, topic: t, routes: {rules: [{match: event.data.a > 1, path: /x}]}}")]
    [InlineData("only evaluates trip rules", "apiVersion: dapr.io/v1alpha1\nkind: Resiliency\nmetadata: {name: x}\nspec: {policies: {circuitBreakers: {b: {trip: 'true'}}}}")]
    [InlineData("names the retry policy again", "apiVersion: dapr.io/v1alpha1\nkind: Resiliency\nmetadata: {name: x}\nspec: {targets: {components: {pubsub: {inbound: {retry: again}}}}}")]
    [InlineData("actors are not supported", "apiVersion: dapr.io/v1alpha1\nkind: Resiliency\nmetadata: {name: x}\nspec: {targets: {actors: {a: {retry: r}}}}")]
    [InlineData("no secret store named vault", "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: x}\nspec: {type: pubsub.redis, metadata: [{name: p, secretKeyRef: {name: s}}]}\nauth: {secretStore: vault}")]
    [InlineData("field accessControl", "apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {name: x}\nspec: {accessControl: {defaultAction: deny}}")]
    [InlineData("not valid YAML", "a: [")]
    public void What_is_not_supported_is_named(string part, string yaml) =>
        Assert.Contains(part, Assert.Throws<StartFailure>(() => Load(yaml)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_missing_folder_is_named() => Assert.Contains(
        "is not a folder", Assert.Throws<StartFailure>(() => ResourceSet.Load(new SidecarFlags { AppId = "app", ResourcesPaths = [_folder + "x"] })).Message, StringComparison.Ordinal);

    private ResourceSet Load(params string[] files)
    {
        foreach (var (index, yaml) in files.Index())
            File.WriteAllText(Path.Combine(_folder, $"{index}.yaml"), yaml);
        return ResourceSet.Load(new SidecarFlags { AppId = "app", ResourcesPaths = [_folder] });
    }
}
