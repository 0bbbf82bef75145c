using F = WhatsAppMesh.DevSidecar.Components.Metadata.SettingForm;

namespace WhatsAppMesh.DevSidecar.Components.Metadata;

/// <summary>Settings that a type of component has in Dapr (components-contrib 1.18), and how it reads each.</summary>
/// <param name="Settings">Forms by name; names compare without case.</param>
/// <param name="Required">What a component does not start without.</param>
internal sealed record ComponentFacts(IReadOnlyDictionary<string, SettingForm> Settings, IReadOnlyList<string> Required);

/// <summary>The types of components whose settings are known here.</summary>
internal static class ComponentTable
{
    private const string Scoping = "consumerID publishingScopes subscriptionScopes allowedTopics protectedTopics";
    private const string OidcByKey =
        "oidcTokenEndpoint oidcClientID oidcClientAssertionCert oidcClientAssertionKey oidcResource oidcAudience oidcScopes oidcKid";
    private const string Azure =
        "azureTenantId azureClientId azureClientSecret azureCertificate azureCertificateFile azureCertificatePassword azureEnvironment";
    private const string Aws =
        "region awsRegion endpoint accessKey secretKey awsAccessKey awsSecretKey sessionToken awsSessionToken assumeRoleArn awsIamRoleArn "
        + "sessionName awsStsSessionName";

    // Read by the runtime, for every component of a kind; keyPrefix and actorStateStore have meanings of their own.
    private const string StateOfRuntime = "keyPrefix actorStateStore";

    private static readonly (string Names, SettingForm Form)[] Redis =
    [
        ("redisHost redisPassword redisUsername sentinelUsername sentinelPassword sentinelMasterName redisType clientCert clientKey", F.Text),
        ($"{OidcByKey} oidcCACert {Azure}", F.Text),
        ("enableTLS insecureSkipTLSVerify failover useEntraID useAzureAD useOIDC", F.RedisTruth),
        ("redisDB redisMaxRetries poolSize minIdleConns", F.RedisNumber),
        ("redisPort", F.RedisPort),
        ("redisMinRetryInterval redisMaxRetryInterval dialTimeout readTimeout writeTimeout poolTimeout processingTimeout", F.RedisDuration),
        ("maxConnAge idleTimeout idleCheckFrequency", F.RedisDuration),
        ("queueDepth concurrency", F.RedisCount),
        // Whatever is no number is passed over.
        ("redeliverInterval", F.Text),
    ];

    private static readonly Dictionary<string, ComponentFacts> Types = new()
    {
        ["pubsub.kafka"] = Facts(
            "brokers authType",
            ($"{Scoping} {OidcByKey} {Aws} brokers consumerGroup clientID clientCert clientKey", F.Text),
            ("saslUsername saslPassword saslMechanism oidcClientSecret oidcExtensions", F.Text),
            ("schemaRegistryURL schemaRegistryAPIKey schemaRegistryAPISecret excludeHeaderMetaRegex", F.Text),
            ("authType", F.OneOf("none", "password", "mtls", "certificate", "oidc", "oidc_private_key_jwt", "awsiam")),
            ("consumerGroupRebalanceStrategy", F.OneOf("range", "sticky", "roundrobin")),
            ("initialOffset", F.OneOf("newest", "oldest")),
            ("compression", F.OneOf("none", "gzip", "snappy", "lz4", "zstd")),
            ("producerRequiredAcks", F.OneOf("all", "local", "none")),
            ("version", new F("a version such as 2.0.0", text => text.Length == 0 || Version.TryParse(text, out var version) && version.Build >= 0)),
            ("caCert", F.Pem),
            ("disableTls skipVerify consumeRetryEnabled escapeHeaders schemaCachingEnabled useAvroJSON authRequired", F.Truth),
            ("maxMessageBytes", F.Number),
            ("producerRetryMax", new F("a whole number, not below 0", text => GoComponents.GoValues.ParseAnyInt(text) >= 0)),
            ("channelBufferSize consumerFetchMin consumerFetchDefault", F.OptionalDigits),
            ("consumeRetryInterval heartbeatInterval sessionTimeout dialTimeout readTimeout writeTimeout metadataTimeout", F.Duration),
            ("clientConnectionTopicMetadataRefreshInterval clientConnectionKeepAliveInterval schemaLatestVersionCacheTTL", F.Duration)),
        ["pubsub.rabbitmq"] = Facts(
            "",
            ($"{Scoping} hostname protocol username password clientName concurrency", F.Text),
            ("connectionString host", RabbitAddress.Form),
            ("durable enableDeadLetter deletedWhenUnused autoAck requeueInFailure publisherConfirm saslExternal", F.Truth),
            ("publishMessagePropertiesToMetadata", F.Truth),
            ("deliveryMode", new F("0, 1 or 2", text => GoComponents.GoValues.ParseAnyInt(text) is >= 0 and <= 2)),
            ("prefetchCount", F.Byte),
            ("maxLen maxLenBytes", F.Number),
            ("exchangeKind", F.Exactly("fanout", "topic", "direct", "headers")),
            ("concurrencyMode", F.Exactly("", "single", "parallel")),
            ("reconnectWaitSeconds heartBeat ttlInSeconds", F.Duration),
            ("caCert clientCert clientKey", F.Pem)),
        // Without redisHost they go to localhost:6379.
        ["pubsub.redis"] = Facts("", [.. Redis, (Scoping, F.Text), ("maxLenApprox", F.RedisNumber), ("streamTTL", F.RedisDuration)]),
        ["state.redis"] = Facts(
            "", [.. Redis, ($"{StateOfRuntime} queryIndexes", F.Text), ("ttlInSeconds maxRetries maxRetryBackoff", F.RedisNumber)]),
        ["state.postgresql"] = Facts(
            "",
            ($"{StateOfRuntime} {Azure} {Aws} connectionString url host hostaddr port database user password sslRootCert", F.Text),
            ("tablePrefix metadataTableName", F.Text),
            ("queryExecMode", F.Exactly("", "cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol")),
            ("maxConns", F.Number),
            ("timeout timeoutInSeconds", F.Timeout),
            ("cleanupInterval cleanupIntervalInSeconds connectionMaxIdleTime", F.Duration),
            ("useAzureAD useAWSIAM", F.Truth)),
        ["secretstores.local.env"] = Facts("", ("prefix", F.Text)),
        ["secretstores.local.file"] = Facts("secretsFile", ("secretsFile nestedSeparator", F.Text), ("multiValued", F.Truth)),
    };

    // Of version 1 of state.postgresql, which this sidecar does not have: no typing error.
    private static readonly HashSet<string> Elsewhere = new(StringComparer.OrdinalIgnoreCase) { "tableName" };

    /// <summary>What is known of a type; null = nothing.</summary>
    public static ComponentFacts? Of(string type) => Types.GetValueOrDefault(type == "state.postgres" ? "state.postgresql" : type);

    /// <summary>Whether any type has a setting of this name.</summary>
    public static bool IsKnown(string name) => Elsewhere.Contains(name) || Types.Values.Any(facts => facts.Settings.ContainsKey(name));

    private static ComponentFacts Facts(string required, params (string Names, SettingForm Form)[] settings) => new(
        settings.SelectMany(group => Split(group.Names).Select(name => KeyValuePair.Create(name, group.Form)))
            .ToDictionary(StringComparer.OrdinalIgnoreCase),
        Split(required));

    private static string[] Split(string names) => names.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
