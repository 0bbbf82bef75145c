using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Tests.Running;

namespace WhatsAppMesh.DevSidecar.Tests.Api;

/// <summary>What the sidecar cannot honour ends it at start, in one sentence, before it needs a database.</summary>
public sealed class UnsupportedSettingTests
{
    [Theory]
    [InlineData("pubsub.rabbitmq", "enableDeadLetter", "true", "enableDeadLetter")]
    [InlineData("pubsub.rabbitmq", "autoAck", "true", "autoAck")]
    [InlineData("pubsub.rabbitmq", "ttlInSeconds", "60", "ttlInSeconds")]
    [InlineData("pubsub.kafka", "schemaRegistryURL", "http://registry", "schema registry")]
    [InlineData("pubsub.kafka", "consumerGroup", "{uuid}", "placeholders")]
    [InlineData("pubsub.redis", "consumerID", "{podName}", "placeholders")]
    [InlineData("state.redis", "queryIndexes", "[]", "queryIndexes")]
    [InlineData("state.postgresql", "actorStateStore", "true", "actors")]
    [InlineData("bindings.cron", "schedule", "@daily", "bindings.cron")]
    [InlineData("secretstores.kubernetes", "a", "b", "secretstores.kubernetes")]
    [InlineData("lock.redis", "redisHost", "b", "lock.redis")]
    public async Task Component_setting_is_named(string type, string setting, string value, string named)
    {
        var component =
            $$"""
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata:
              name: it
            spec:
              type: {{type}}
              version: {{(type == "state.postgresql" ? "v2" : "v1")}}
              metadata:
              - name: {{setting}}
                value: "{{value}}"
            """;

        var failure = await Assert.ThrowsAsync<StartFailure>(() => RunningSidecar.StartAsync("Host=127.0.0.1;Port=1", "app", resources: [component]));

        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Subscription_to_a_component_that_is_not_there_is_named()
    {
        const string Subscription =
            """
            apiVersion: dapr.io/v2alpha1
            kind: Subscription
            metadata:
              name: events
            spec:
              pubsubname: nowhere
              topic: t
              routes:
                default: /events
            """;

        var failure = await Assert.ThrowsAsync<StartFailure>(() => RunningSidecar.StartAsync("Host=127.0.0.1;Port=1", "app", resources: [Subscription]));

        Assert.Contains("nowhere", failure.Message, StringComparison.Ordinal);
    }
}
