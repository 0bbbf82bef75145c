using System.Globalization;
using Dapr.Client;
using Npgsql;
using NpgsqlTypes;
using WhatsAppMesh.BrokerSim;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Libs.Tests.Sidecars;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>What a test of sends needs around dispatch: databases, a real sidecar process with claims and broker endpoints, a broker.</summary>
internal sealed class SendWorld : IAsyncDisposable
{
    public const string ApiKey = "key-of-the-broker";

    /// <summary>What the sidecars ask for, unless a world is without one.</summary>
    public const string SidecarToken = "token-of-the-sidecar";

    private readonly TestDatabase _dispatch;
    private readonly TestDatabase _sidecarDatabase;
    private readonly List<SidecarProcess> _sidecars = [];
    private readonly string[] _resources;
    private readonly bool _hasKey;
    private readonly string? _token;

    private SendWorld(TestDatabase dispatch, TestDatabase sidecar, BrokerSimulator broker, string stateType, bool hasKey, TimeSpan oneCall, string? token)
    {
        _token = token;
        _dispatch = dispatch;
        _sidecarDatabase = sidecar;
        _hasKey = hasKey;
        Broker = broker;
        Database = NpgsqlDataSource.Create(dispatch.ConnectionString);
        _resources = Resources(stateType, broker.Address, oneCall);
    }

    public BrokerSimulator Broker { get; }

    public NpgsqlDataSource Database { get; }

    public string ConnectionString => _dispatch.ConnectionString;

    public string SidecarConnectionString => _sidecarDatabase.ConnectionString;

    public SidecarProcess Sidecar => _sidecars[0];

    /// <summary>Starts everything but dispatch.</summary>
    /// <param name="stateType"><c>state.postgresql</c> or <c>state.redis</c>.</param>
    /// <param name="remembersKeys">Whether the broker does.</param>
    /// <param name="hasKey">Whether the secret store has a key for the broker.</param>
    /// <param name="oneCall">How long the sidecar waits for one answer: short where the broker is to be too slow, else longer than any pause of the machine.</param>
    /// <param name="token">What the sidecar asks for; null = nothing.</param>
    public static async Task<SendWorld> StartAsync(
        string stateType = "state.postgresql", bool remembersKeys = true, bool hasKey = true, TimeSpan? oneCall = null, string? token = SidecarToken)
    {
        var broker = await BrokerSimulator.StartAsync(new BrokerSimOptions { Port = 0, ApiKey = ApiKey, RemembersKeys = remembersKeys });
        var world = new SendWorld(await TestDatabase.CreateAsync(), await TestDatabase.CreateAsync(), broker, stateType, hasKey, oneCall ?? TimeSpan.FromSeconds(12), token);
        await world.AddSidecarAsync();
        return world;
    }

    /// <summary>Another sidecar over the same components.</summary>
    public async Task<SidecarProcess> AddSidecarAsync()
    {
        var environment = new List<(string, string)>();
        if (_hasKey)
            environment.Add(("WHATSAPP_BROKER_API_KEY", ApiKey));
        if (_token is not null)
            environment.Add(("DAPR_API_TOKEN", _token));
        var sidecar = await SidecarProcess.StartAsync(_sidecarDatabase.ConnectionString, "dispatch", null, _resources, [.. environment]);
        _sidecars.Add(sidecar);
        return sidecar;
    }

    /// <summary>A Dapr client, as a service has it, of a sidecar of this world.</summary>
    public DaprClient ClientOf(SidecarProcess sidecar) => SidecarServices.ClientOf(sidecar.Http.BaseAddress!, sidecar.Grpc, _token);

    /// <summary>Configuration of a dispatch that uses this world; waits are short.</summary>
    public Dictionary<string, string?> Settings(params (string Key, string Value)[] changes)
    {
        var settings = new Dictionary<string, string?>
        {
            ["ConnectionStrings:Database"] = _dispatch.ConnectionString,
            ["DAPR_HTTP_ENDPOINT"] = Sidecar.Http.BaseAddress!.ToString().TrimEnd('/'),
            ["DAPR_GRPC_ENDPOINT"] = Sidecar.Grpc.ToString().TrimEnd('/'),
            ["DAPR_API_TOKEN"] = _token,
            ["APP_PORT"] = "0",
            ["HTTP_PORT"] = "0",
            ["Deliveries:Pull"] = "false",
            ["Dispatch:Sending:RatePerSecond"] = "0",
            ["Dispatch:Sending:PollInterval"] = "00:00:00.050",
            ["Dispatch:Sending:Postponement"] = "00:00:00.500",
            ["Dispatch:Sending:StatusAge"] = "00:00:00.200",
            ["Dispatch:Sending:Reservation"] = "00:00:02",
            ["Dispatch:Sending:RetryDelays:0"] = "00:00:00.200",
            ["Dispatch:Sending:RetryDelays:1"] = "00:00:00.200",
            ["Dispatch:Sending:RetryDelays:2"] = "00:00:00.200",
            ["Dispatch:Sending:RetryDelays:3"] = "00:00:00.200",
        };
        foreach (var (key, value) in changes)
            settings[key] = value;
        return settings;
    }

    /// <summary>Adds due jobs: texts from the instances in turn. Dispatch has made the tables.</summary>
    public async Task<IReadOnlyList<Guid>> AddJobsAsync(int count, int instances = 1, string message = """{"type":"text","to":"12025550103","content":"Oi"}""", TimeSpan? dueAgo = null, string? traceParent = null)
    {
        await using var command = Database.CreateCommand("""
            insert into jobs (id, tenant, key, send_key, kind, entity, occurrence, instance_id, message, subject, status, due_at, next_attempt_at, traceparent, created_at, updated_at)
            select v.id, 'acme', v.key, v.send_key, 'direct', 'direct', 'x', v.instance, $5, '{}', 'pending', now() - $6, now() - $6, $7, now(), now()
            from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as v (id, key, send_key, instance)
            """);
        var ids = Enumerable.Range(0, count).Select(static _ => Guid.CreateVersion7()).ToArray();
        var keys = ids.Select(static id => $"acme:direct:test:{id}").ToArray();
        foreach (var value in new object[] { ids, keys, keys.Select(JobKey.Hash).ToArray(), ids.Select((_, i) => string.Create(CultureInfo.InvariantCulture, $"instance-{i % instances}")).ToArray() })
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        command.Parameters.Add(new NpgsqlParameter { Value = message, NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(new NpgsqlParameter { Value = dueAgo ?? TimeSpan.FromSeconds(1) });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)traceParent ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        await command.ExecuteNonQueryAsync();
        return ids;
    }

    /// <summary>Jobs by status.</summary>
    public async Task<Dictionary<string, long>> CountAsync()
    {
        await using var command = Database.CreateCommand("select status, count(*) from jobs group by status");
        await using var reader = await command.ExecuteReaderAsync();
        var counts = new Dictionary<string, long>();
        while (await reader.ReadAsync())
            counts[reader.GetString(0)] = reader.GetInt64(1);
        return counts;
    }

    /// <summary>One value of a job's row, or of anything else.</summary>
    public async Task<T> ScalarAsync<T>(string sql, params object[] values)
    {
        await using var command = Database.CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        return await command.ExecuteScalarAsync() is T found ? found : default!;
    }

    public async Task ExecuteAsync(string sql, params object[] values)
    {
        await using var command = Database.CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Does something to the database behind the sidecar's stores.</summary>
    public async Task ExecuteAtSidecarAsync(string sql)
    {
        await using var database = NpgsqlDataSource.Create(_sidecarDatabase.ConnectionString);
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Waits until no job is pending or processing.</summary>
    public async Task DrainedAsync(TimeSpan patience)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var counts = await CountAsync();
            if (!counts.ContainsKey("pending") && !counts.ContainsKey("processing"))
                return;
            if (TimeProvider.System.GetElapsedTime(start) > patience)
                throw new TimeoutException($"still open after {patience}: {string.Join(", ", counts.Select(static c => $"{c.Key} {c.Value}"))}");
            await Task.Delay(100);
        }
    }

    /// <summary>Waits until a job has a status.</summary>
    public async Task UntilAsync(Guid job, string status)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (await ScalarAsync<string>("select status from jobs where id = $1", job) is var now && now != status)
        {
            if (TimeProvider.System.GetElapsedTime(start) > TimeSpan.FromSeconds(60))
                throw new TimeoutException($"the job is {now}, not {status}");
            await Task.Delay(50);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var sidecar in _sidecars)
            await sidecar.DisposeAsync();
        await Broker.DisposeAsync();
        await Database.DisposeAsync();
        await _dispatch.DisposeAsync();
        await _sidecarDatabase.DisposeAsync();
    }

    private static string[] Resources(string stateType, Uri broker, TimeSpan oneCall)
    {
        var wait = string.Create(CultureInfo.InvariantCulture, $"one-call: {oneCall.TotalSeconds}s");
        var folder = Path.Combine(RepositoryRoot(), "components");
        string Read(string name) => File.ReadAllText(Path.Combine(folder, name));
        var version = stateType == "state.redis" ? "v1" : "v2";
        var claims = $"""
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata:
              name: claims
            spec:
              type: {stateType}
              version: {version}
              metadata:
              - name: {(stateType == "state.redis" ? "redisHost" : "connectionString")}
                value: "{(stateType == "state.redis" ? "nowhere" : "host=nowhere")}"
              - name: keyPrefix
                value: name
            """;
        // The files of the repository, so that they are what is tested; only waits are shorter.
        return
        [
            claims,
            Read("secretstore.yaml"),
            Read("whatsapp-broker.yaml").Replace("http://127.0.0.1:5140", broker.ToString().TrimEnd('/'), StringComparison.Ordinal),
            Read("resiliency-whatsapp-broker.yaml").Replace("one-call: 10s", wait, StringComparison.Ordinal).Replace("timeout: 15s", "timeout: 1s", StringComparison.Ordinal),
            Read("resiliency-whatsapp-broker-once.yaml").Replace("one-call: 30s", wait, StringComparison.Ordinal).Replace("timeout: 15s", "timeout: 1s", StringComparison.Ordinal),
        ];
    }

    private static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "global.json")))
            folder = folder.Parent ?? throw new InvalidOperationException("There is no repository above the tests.");
        return folder.FullName;
    }
}
