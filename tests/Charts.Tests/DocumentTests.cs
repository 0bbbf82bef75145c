using System.Text.Json;
using System.Text.Json.Nodes;
using WhatsAppMesh.Charts.Tests.Rendering;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>Every document that the chart renders, for every kind of broker, plain and with everything switched on.</summary>
public sealed class DocumentTests
{
    public static TheoryData<string, bool> Renderings => Resources.Renderings;

    [Theory]
    [MemberData(nameof(Renderings))]
    public async Task Every_field_is_one_that_its_kind_has_and_of_its_type(string type, bool full)
    {
        var known = FieldList.Load();
        var resources = await Resources.RenderAsync(type, full);

        Assert.Empty(resources.All.SelectMany(known.Problems));
    }

    [Theory]
    [MemberData(nameof(Renderings))]
    public async Task No_name_stands_twice_and_every_resource_is_in_the_release_s_namespace(string type, bool full)
    {
        var resources = await Resources.RenderAsync(type, full);

        Assert.Empty(resources.All.GroupBy(resource => resource.ToString()).Where(group => group.Count() > 1).Select(group => group.Key));
        Assert.All(resources.All, resource => Assert.Equal("whatsapp", resource.Document["metadata"]!["namespace"]!.GetValue<string>()));
    }

    [Theory]
    [MemberData(nameof(Renderings))]
    public async Task Names_belong_to_the_release_unless_the_code_knows_them(string type, bool full)
    {
        var resources = await Resources.RenderAsync(type, full);

        Assert.All(resources.All.Where(resource => !resource.IsDapr || resource.Kind == "Configuration"), resource => Assert.StartsWith("mesh-", resource.Name, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Renderings))]
    public async Task Every_reference_resolves(string type, bool full)
    {
        var resources = await Resources.RenderAsync(type, full);
        bool Exists(string kind, JsonNode? name) => resources.All.Any(resource => resource.Kind == kind && resource.Name == name?.GetValue<string>());

        foreach (var deployment in resources.Of("Deployment"))
        {
            Assert.True(Exists("ServiceAccount", deployment.Pod!["serviceAccountName"]), $"{deployment}: no such account");
            Assert.True(Exists("Configuration", deployment.Spec["template"]!["metadata"]!["annotations"]!["dapr.io/config"]), $"{deployment}: no such configuration");
            Assert.True(JsonNode.DeepEquals(
                deployment.Spec["selector"]!["matchLabels"], Subset(deployment.Spec["template"]!["metadata"]!["labels"]!, deployment.Spec["selector"]!["matchLabels"]!)));
        }
        foreach (var pod in resources.All.Where(resource => resource.Pod is not null))
        {
            var volumes = (pod.Pod!["volumes"]?.AsArray() ?? []).ToDictionary(volume => volume!["name"]!.GetValue<string>());
            var mounts = pod.Pod["containers"]!.AsArray().SelectMany(container => container!["volumeMounts"]?.AsArray() ?? []);
            Assert.All(mounts, mount => Assert.True(volumes.ContainsKey(mount!["name"]!.GetValue<string>()), $"{pod}: no volume {mount["name"]}"));
            Assert.All(volumes.Values, volume => Assert.True(volume!["configMap"] is null || Exists("ConfigMap", volume["configMap"]!["name"]), $"{pod}: no such ConfigMap"));
        }
        Assert.All(
            resources.Of("Ingress").SelectMany(ingress => ingress.Spec["rules"]!.AsArray()).SelectMany(rule => rule!["http"]!["paths"]!.AsArray()),
            path => Assert.True(Exists("Service", path!["backend"]!["service"]!["name"])));
        Assert.All(
            resources.All.Where(resource => resource.Kind is "HorizontalPodAutoscaler" or "ScaledObject"),
            scaler => Assert.True(Exists("Deployment", scaler.Spec["scaleTargetRef"]!["name"])));
        Assert.All(resources.Of("Subscription"), subscription => Assert.True(Exists("Component", subscription.Spec["pubsubname"])));
        Assert.All(
            resources.Of("Service").Concat(resources.Of("PodDisruptionBudget")),
            owner => Assert.Contains(resources.Of("Deployment"), deployment => Selects(owner, deployment)));
    }

    [Theory]
    [MemberData(nameof(Renderings))]
    public async Task No_secret_is_written_anywhere(string type, bool full)
    {
        var resources = await Resources.RenderAsync(type, full);

        Assert.Empty(resources.Of("Secret"));
        string[] telling = ["PASSWORD", "SECRET", "TOKEN", "CONNECTIONSTRINGS"];
        var written = from resource in resources.All
                      where resource.Pod is not null
                      from container in resource.Pod!["containers"]!.AsArray()
                      from entry in container!["env"]!.AsArray()
                      let name = entry!["name"]!.GetValue<string>()
                      where telling.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase)) && entry["value"] is not null
                      select $"{resource}: {name}";
        Assert.Empty(written);
    }

    [Fact]
    public async Task Without_ingress_autoscaling_and_monitoring_none_of_them_is_there()
    {
        var plain = await ValuesTests.RenderAsync("services: { edge: &off { autoscaling: { enabled: false } }, ingest: *off, membership: *off, dispatch: *off }");

        Assert.DoesNotContain(plain.All, resource => resource.Kind is "Ingress" or "HorizontalPodAutoscaler" or "ScaledObject" or "PodMonitor" or "ServiceMonitor" or "PrometheusRule" or "Pod");
        Assert.All(plain.Of("Deployment"), deployment => Assert.Equal(2, deployment.Spec["replicas"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Every_service_scales_on_its_own_CPU_and_consumers_on_the_topic_where_KEDA_is()
    {
        var plain = await Resources.RenderAsync();
        Assert.Equal(["mesh-dispatch", "mesh-edge", "mesh-ingest", "mesh-membership"], plain.Of("HorizontalPodAutoscaler").Select(scaler => scaler.Name).Order(StringComparer.Ordinal));

        var full = await Resources.RenderAsync(full: true);
        Assert.Equal(["mesh-edge", "mesh-ingest"], full.Of("HorizontalPodAutoscaler").Select(scaler => scaler.Name).Order(StringComparer.Ordinal));
        Assert.Equal("edge", full.One("HorizontalPodAutoscaler", "mesh-edge").Spec["metrics"]![0]!["containerResource"]!["container"]!.GetValue<string>());
        var trigger = full.One("ScaledObject", "mesh-membership").Spec["triggers"]![0]!["metadata"]!;
        Assert.Equal(("20000", "earliest"), (trigger["lagThreshold"]!.GetValue<string>(), trigger["offsetResetPolicy"]!.GetValue<string>()));
        // KEDA's webhook refuses a ScaledObject while an autoscaler without this stands there, as it does during the upgrade that brings KEDA.
        Assert.All(plain.Of("HorizontalPodAutoscaler"), scaler => Assert.Equal("false", scaler.Document["metadata"]!["annotations"]!["validations.keda.sh/hpa-ownership"]!.GetValue<string>()));
    }

    [Fact]
    public async Task A_release_is_pinned_by_digest_and_its_senders_are_handed_to_edge_as_they_are()
    {
        var full = await Resources.RenderAsync(full: true);

        Assert.Equal(
            "registry.example.org/team/whatsapp-mesh/edge@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            full.One("Deployment", "mesh-edge").Pod!["containers"]![0]!["image"]!.GetValue<string>());
        using var senders = JsonDocument.Parse(full.One("ConfigMap", "mesh-senders").Document["data"]!["senders.json"]!.GetValue<string>());
        Assert.Equal(500, senders.RootElement.GetProperty("sources")[0].GetProperty("requestsPerSecond").GetInt32());
        var edge = full.One("Deployment", "mesh-edge").Pod!["containers"]![0]!;
        Assert.Contains(edge["volumeMounts"]!.AsArray(), mount => mount!["mountPath"]!.GetValue<string>() == "/var/run/secrets/senders/collectors");
        Assert.Contains(edge["env"]!.AsArray(), entry => entry!["name"]!.GetValue<string>() == "Edge__Limits__BodyBytes" && entry["value"]!.GetValue<string>() == "4194304");
        var dispatch = full.One("Deployment", "mesh-dispatch").Pod!["containers"]![0]!["env"]!.AsArray()
            .Select(static entry => $"{entry!["name"]}={entry["value"]}").Where(static entry => entry.StartsWith("Dispatch__Instances", StringComparison.Ordinal));
        Assert.Equal(["Dispatch__Instances__0__Id=sales", "Dispatch__Instances__0__Tenant=acme", "Dispatch__Instances__1__Id=7", "Dispatch__Instances__1__Tenant=*"], dispatch);
    }

    [Fact]
    public async Task A_Secret_may_have_any_name_that_Kubernetes_allows()
    {
        string[] secrets = ["tmp", "senders", "collectors.example.org", new('a', 200)];
        var edge = (await Resources.RenderAsync(more: ["--set", $"senderSecrets={{{string.Join(',', secrets)}}}"])).One("Deployment", "mesh-edge").Pod!;

        var names = edge["volumes"]!.AsArray().Select(volume => volume!["name"]!.GetValue<string>()).ToList();
        Assert.Equal(names.Distinct(), names);
        Assert.All(names, name => Assert.Matches("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", name));
        var mounts = edge["containers"]![0]!["volumeMounts"]!.AsArray().ToDictionary(mount => mount!["mountPath"]!.GetValue<string>(), mount => mount!["name"]!.GetValue<string>());
        Assert.All(secrets, secret => Assert.Equal(
            secret, edge["volumes"]!.AsArray().Single(volume => volume!["name"]!.GetValue<string>() == mounts[$"/var/run/secrets/senders/{secret}"])!["secret"]!["secretName"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Metrics_are_found_by_pods_or_by_services_as_one_likes()
    {
        var monitor = (await ValuesTests.RenderAsync("telemetry: { monitor: { enabled: true, kind: ServiceMonitor, labels: { release: prometheus } } }")).Of("ServiceMonitor").Single();

        Assert.Empty(FieldList.Load().Problems(monitor));
        Assert.Equal(("http", "dapr-metrics"), (monitor.Spec["endpoints"]![0]!["port"]!.GetValue<string>(), monitor.Spec["endpoints"]![1]!["targetPort"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("true", "none")]
    [InlineData("false", "otlp")]
    public async Task Metrics_are_scraped_or_sent_and_never_counted_twice(string monitor, string exporter)
    {
        var resources = await Resources.RenderAsync(more: ["--set", "telemetry.otlpEndpoint=http://collector:4317", "--set", $"telemetry.monitor.enabled={monitor}"]);

        Assert.All(resources.Of("Deployment"), deployment => Assert.Contains(
            deployment.Pod!["containers"]![0]!["env"]!.AsArray(),
            entry => entry!["name"]!.GetValue<string>() == "OTEL_METRICS_EXPORTER" && entry["value"]!.GetValue<string>() == exporter));
    }

    [Fact]
    public async Task An_account_carries_what_a_cloud_s_vault_asks_for()
    {
        var resources = await ValuesTests.RenderAsync("services: { dispatch: { serviceAccount: { annotations: { eks.amazonaws.com/role-arn: arn } } } }");

        Assert.Equal("arn", resources.One("ServiceAccount", "mesh-dispatch").Document["metadata"]!["annotations"]!["eks.amazonaws.com/role-arn"]!.GetValue<string>());
        Assert.Null(resources.One("ServiceAccount", "mesh-edge").Document["metadata"]!["annotations"]);
    }

    private static bool Selects(Resource owner, Resource deployment)
    {
        var labels = owner.Spec["selector"]!["matchLabels"] ?? owner.Spec["selector"]!;
        return labels.AsObject().All(label => deployment.Spec["template"]!["metadata"]!["labels"]![label.Key]?.ToString() == label.Value?.ToString());
    }

    private static JsonObject Subset(JsonNode labels, JsonNode wanted) =>
        new(wanted.AsObject().Select(label => KeyValuePair.Create(label.Key, labels[label.Key]?.DeepClone())));
}
