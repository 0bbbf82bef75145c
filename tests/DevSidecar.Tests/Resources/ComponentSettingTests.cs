using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Components.Metadata;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.PubSub;
using WhatsAppMesh.DevSidecar.State;
using WhatsAppMesh.DevSidecar.Tests.PubSub;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.DevSidecar.Tests.State;
using WhatsAppMesh.GoComponents;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.Resources;

/// <summary>
/// What Dapr's components start with starts here, and what they refuse ends the start here. Each verdict is that of their code (components-contrib
/// 1.18: kit/metadata for Kafka, RabbitMQ, PostgreSQL and files, kit/config for Redis, pgx 5.7 for connection strings).
/// </summary>
public sealed class ComponentSettingTests
{
    // No server listens there: what is refused is refused before any is needed.
    private const string NoDatabase = "Host=127.0.0.1;Port=1";

    [Theory]
    [InlineData("pubsub.kafka", "consumeRetryEnabled", "yes")]
    [InlineData("pubsub.kafka", "consumeRetryEnabled", "whatever")]
    [InlineData("pubsub.kafka", "maxMessageBytes", "0x400000")]
    [InlineData("pubsub.kafka", "maxMessageBytes", "4_194_304")]
    [InlineData("pubsub.kafka", "maxMessageBytes", "")]
    [InlineData("pubsub.kafka", "consumeRetryInterval", "200")]
    [InlineData("pubsub.kafka", "consumeRetryInterval", "1m30s")]
    [InlineData("pubsub.kafka", "initialOffset", "Oldest")]
    [InlineData("pubsub.kafka", "version", "2.0.0.0")]
    [InlineData("pubsub.kafka", "CLIENTID", "mesh")]
    [InlineData("pubsub.kafka", "publishingScopes", "ingest=whatsapp.events")]
    [InlineData("pubsub.rabbitmq", "prefetchCount", "255")]
    [InlineData("pubsub.rabbitmq", "durable", "on")]
    [InlineData("pubsub.rabbitmq", "autoAck", "no")]
    [InlineData("pubsub.rabbitmq", "connectionString", "amqps://user:p%20w@rabbit:5671/mesh")]
    [InlineData("pubsub.rabbitmq", "reconnectWaitSeconds", "5")]
    [InlineData("pubsub.redis", "enableTLS", "T")]
    [InlineData("pubsub.redis", "poolSize", "50")]
    [InlineData("pubsub.redis", "processingTimeout", "15000")]
    [InlineData("pubsub.redis", "readTimeout", "-1")]
    [InlineData("pubsub.redis", "redeliverInterval", "whatever")]
    [InlineData("pubsub.redis", "redisPort", "6379")]
    [InlineData("pubsub.in-memory", "anything", "at all")]
    [InlineData("state.redis", "ttlInSeconds", "600")]
    [InlineData("state.redis", "actorStateStore", "off")]
    public void What_Dapr_takes_is_taken(string type, string setting, string value) =>
        Assert.Null(Refusal(PubSubResources.Component(type, "it", (setting, value))));

    [Theory]
    [InlineData("pubsub.kafka", "maxMessageBytes", "4MiB", "a whole number")]
    [InlineData("pubsub.kafka", "maxMessageBytes", "1e6", "a whole number")]
    [InlineData("pubsub.kafka", "sessionTimeout", "1d", "a duration")]
    [InlineData("pubsub.kafka", "sessionTimeout", "10 s", "a duration")]
    [InlineData("pubsub.kafka", "initialOffset", "earliest", "one of newest, oldest")]
    [InlineData("pubsub.kafka", "initialoffset", "oldest", "passed over")]
    [InlineData("pubsub.kafka", "compression", "brotli", "one of none")]
    [InlineData("pubsub.kafka", "caCert", "/etc/ca.pem", "PEM")]
    [InlineData("pubsub.kafka", "channelBufferSize", "0x10", "a whole number")]
    [InlineData("pubsub.kafka", "broker", "kafka:9092", "no setting broker")]
    [InlineData("pubsub.rabbitmq", "prefetchCount", "256", "from 0 to 255")]
    [InlineData("pubsub.rabbitmq", "prefetchCount", "-1", "from 0 to 255")]
    [InlineData("pubsub.rabbitmq", "deliveryMode", "3", "0, 1 or 2")]
    [InlineData("pubsub.rabbitmq", "exchangeKind", "Fanout", "one of fanout")]
    [InlineData("pubsub.rabbitmq", "connectionString", "http://rabbit", "amqp://")]
    [InlineData("pubsub.rabbitmq", "connectionString", "rabbit:5672", "amqp://")]
    [InlineData("pubsub.rabbitmq", "connectionString", "amqp://user:secret/word@rabbit", "amqp://")]
    [InlineData("pubsub.rabbitmq", "heartBeat", "soon", "a duration")]
    [InlineData("pubsub.redis", "enableTLS", "yes", "true or false")]
    [InlineData("pubsub.redis", "enableTLS", "", "true or false")]
    [InlineData("pubsub.redis", "failover", "on", "true or false")]
    [InlineData("pubsub.redis", "poolSize", "many", "a whole number")]
    [InlineData("pubsub.redis", "poolSize", "0x10", "a whole number")]
    [InlineData("pubsub.redis", "poolSize", "", "a whole number")]
    [InlineData("pubsub.redis", "poolsise", "20", "no setting poolsise")]
    [InlineData("pubsub.redis", "queueDepth", "-1", "not below 0")]
    [InlineData("pubsub.redis", "processingTimeout", "1d", "a duration")]
    [InlineData("pubsub.redis", "redisPort", "70000", "a port")]
    [InlineData("state.redis", "redisDB", "first", "a whole number")]
    [InlineData("state.redis", "dialTimeout", "5sec", "a duration")]
    [InlineData("secretstores.local.file", "secretFile", "secrets.json", "secretsFile is missing")]
    public void What_Dapr_refuses_or_passes_over_is_refused_by_name(string type, string setting, string value, string why)
    {
        var refusal = Refusal(PubSubResources.Component(type, "it", (setting, value)));

        Assert.StartsWith("Component it: ", refusal, StringComparison.Ordinal);
        Assert.Contains(setting == "secretFile" ? "secretsFile" : setting, refusal, StringComparison.Ordinal);
        Assert.Contains(why, refusal, StringComparison.Ordinal);
        Assert.DoesNotContain("secret/word", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("authType=none", "brokers is missing")]
    [InlineData("brokers=k:9092", "authType is missing")]
    [InlineData("brokers=k:9092 authType=sasl", "authType must be one of")]
    [InlineData("brokers=k:9092 authType=password saslUsername=u", "saslPassword is missing")]
    [InlineData("brokers=k:9092 authType=certificate", "caCert is missing")]
    [InlineData("brokers=k:9092 authType=mtls clientCert=c", "go together")]
    [InlineData("brokers=k:9092 authRequired=false", null)]
    [InlineData("brokers=k:9092 authType=PASSWORD saslUsername=u saslPassword=p", null)]
    public void Kafka_needs_what_its_kind_of_login_needs(string settings, string? why)
    {
        var metadata = settings.Split(' ').Select(setting => setting.Split('=')).Select(pair => $"{{name: {pair[0]}, value: \"{pair[1]}\"}}");
        var refusal = Refusal(
            $"""
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: {"{name: it}"}
            spec:
              type: pubsub.kafka
              version: v1
              metadata: [{string.Join(", ", metadata)}]
            """);

        Assert.Equal(why is null, refusal is null);
        Assert.Contains(why ?? "", refusal ?? "", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("timeout=500ms", "timeout must be")]
    [InlineData("timeout=0", "timeout must be")]
    [InlineData("cleanupInterval=1d", "cleanupInterval must be")]
    [InlineData("maxConns=four", "maxConns must be")]
    [InlineData("queryExecMode=fast", "queryExecMode must be")]
    [InlineData("connectionstring=host=a", "are one setting")]
    [InlineData("tablePrefx=a", "tablePrefx")]
    [InlineData("timeout=1s", null)]
    [InlineData("cleanupInterval=-1", null)]
    [InlineData("maxConns=0x8", null)]
    [InlineData("connectionMaxIdleTime=5m", null)]
    [InlineData("queryExecMode=simple_protocol", null)]
    public void So_are_the_settings_of_the_claims_store(string setting, string? why)
    {
        var refusal = Refusal(StateComponents.Yaml("claims", settings: setting));

        Assert.Equal(why is null, refusal is null);
        Assert.Contains(why ?? "", refusal ?? "", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Host=db;Username=u;Password=secret;Database=d;Application Name=mesh")]
    [InlineData("host=db;username=u;password=secret")]
    public async Task ADO_NET_s_form_ends_the_start_as_it_does_with_daprd(string text)
    {
        var refusal = await Assert.ThrowsAsync<StartFailure>(() => RunningSidecar.StartAsync(NoDatabase, "app", resources: [Claims(text)]));

        Assert.Equal($"Component claims: connectionString: {AdoNetForm.Sentence}.", refusal.Message);
    }

    [Theory]
    [InlineData("", "failed to build connection string")]
    [InlineData("nowhere", "failed to build connection string")]
    [InlineData("host=db password='secret word'", "unterminated quoted string")]
    [InlineData("host=db port=secret", "invalid port")]
    [InlineData("postgres://u:secret word@db/d", "invalid userinfo")]
    [InlineData("host=db pool_max_conns=secret", "cannot parse pool_max_conns")]
    [InlineData("host=db pool_max_conn_lifetime=3600", "invalid pool_max_conn_lifetime")]
    public void What_pgx_does_not_read_ends_the_start(string text, string why)
    {
        var refusal = Refusal(Claims(text))!;

        Assert.StartsWith("Component claims: connectionString: ", refusal, StringComparison.Ordinal);
        Assert.Contains(why, refusal, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("host=db pool_size=5", "unrecognized configuration parameter \"pool_size\"")]
    [InlineData("host=db max_pool_size=5", "unrecognized configuration parameter \"max_pool_size\"")]
    [InlineData("postgres://u@db/d?channel_binding=require", "unrecognized configuration parameter \"channel_binding\"")]
    [InlineData("host=db username=u", "unrecognized configuration parameter \"username\"")]
    [InlineData("host=db statement_timeout=secret", "the value of statement_timeout")]
    [InlineData("host=db options=-cno_such=secret", "the value of options")]
    [InlineData("host=db application_name=x search_path=y statement_timeout=5s", null)]
    [InlineData("postgres://u@db/d?options=-c%20jit%3Doff&client_encoding=UTF8&pool_max_conns=4", null)]
    public async Task A_word_that_only_a_server_can_know_is_asked_of_one(string text, string? why)
    {
        await using var database = await TestDatabase.CreateAsync();
        if (why is null)
        {
            await using var sidecar = await RunningSidecar.StartAsync(database.ConnectionString, "app", resources: [Claims(text)]);
            return;
        }

        var refusal = await Assert.ThrowsAsync<StartFailure>(
            () => RunningSidecar.StartAsync(database.ConnectionString, "app", resources: [Claims(text)]));
        Assert.Contains(why, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_setting_of_Dapr_s_own_metadata_is_known_and_takes_values_of_its_kind()
    {
        var lines = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Resources", "component-metadata.txt"))
            .Where(line => line[0] != '#').Select(line => line.Split(' ')).ToList();

        Assert.All(lines, line =>
        {
            Assert.True(ComponentTable.Of(line[0])!.Settings.TryGetValue(line[2], out var form), $"{line[0]}: {line[2]}");
            Assert.All(
                Examples(line[2], line[3], line.ElementAtOrDefault(5)),
                value => Assert.True(form.Accepts(value), $"{line[0]}: {line[2]}={value}"));
        });
        Assert.True(lines.Count > 150);
    }

    private static string[] Examples(string name, string kind, string? allowed) => (name, kind, allowed) switch
    {
        (_, _, not null) => allowed.Split('|'),
        ("connectionString", _, _) => ["amqp://guest:guest@rabbit:5672"],
        ("deliveryMode", _, _) => ["0", "1", "2"],
        ("caCert" or "clientCert" or "clientKey", _, _) => ["-----BEGIN CERTIFICATE-----"],
        ("redisPort", _, _) => ["6379"],
        ("compression", _, _) => ["none", "gzip"],
        ("producerRequiredAcks", _, _) => ["all"],
        ("version", _, _) => ["2.0.0", "2.0.0.0"],
        (_, "bool", _) => ["true", "false"],
        (_, "number", _) => ["0", "12"],
        (_, "duration", _) => ["1s", "1m30s", "5"],
        _ => ["any text", ""],
    };

    private static string Claims(string connectionString) =>
        $"""
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata:
          name: claims
        spec:
          type: state.postgresql
          version: v2
          metadata:
          - name: connectionString
            value: "{connectionString}"
        """;

    /// <summary>Reads a component as a sidecar does before it opens ports; null = it starts.</summary>
    private static string? Refusal(string component)
    {
        var folder = Directory.CreateTempSubdirectory("component-setting-test-");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "it.yaml"), component);
            var resources = ResourceSet.Load(new SidecarFlags { AppId = "app", ResourcesPaths = [folder.FullName] });
            PubSubSettings.Check(resources);
            foreach (var state in resources.Components.Values.Where(known => known.Kind == ComponentKind.State))
            {
                _ = StateSettings.ReadSemantics(state);
                _ = StateSettings.ReadCleanupInterval(state);
            }

            ComponentSettings.Check(resources);
            return null;
        }
        catch (StartFailure failure)
        {
            return failure.Message;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
