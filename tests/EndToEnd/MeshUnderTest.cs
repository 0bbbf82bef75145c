using System.Globalization;
using WhatsAppMesh.Collector;
using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Mesh.Operating;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.EndToEnd;

/// <summary>Tests that share one running mesh: two processes of each service, each beside its own sidecar.</summary>
[CollectionDefinition(Name)]
public sealed class MeshCollection : ICollectionFixture<MeshUnderTest>
{
    public const string Name = "mesh";
}

/// <summary>
/// A mesh of real processes on free ports, with databases of its own. Each test takes a tenant of its own, so that tests do not see
/// each other's events; every tenant's collector signs with the samples' secret.
/// </summary>
public sealed class MeshUnderTest : IAsyncLifetime
{
    public const string Secret = "test-secret";

    /// <summary>A tenant with a CRM, and that CRM's key.</summary>
    public const string CrmTenant = "tenant-with-a-crm";
    public const string CrmKey = "key-of-the-crm";

    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const int Tenants = 80;

    // dapr.yaml has senders 0 and 1, and key 0.
    private const int FirstSender = 2;
    private const int FirstKey = 1;

    private readonly string _name = Guid.NewGuid().ToString("N")[..8];
    private MeshInstance? _mesh;
    private int _tenantsGiven;

    /// <summary>Processes per app id.</summary>
    public IReadOnlyDictionary<string, int> Replicas { get; init; } = new Dictionary<string, int> { ["edge"] = 2, ["ingest"] = 2, ["membership"] = 2 };

    /// <summary>Environment by process, beside edge's senders.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Environment { get; init; } = new Dictionary<string, IReadOnlyDictionary<string, string>>();

    public MeshInstance Mesh => _mesh ?? throw new InvalidOperationException("The mesh has not been started.");

    /// <summary>Speaks as edge, and as an operator at membership's sidecar.</summary>
    public MeshClient Client { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var options = new MeshOptions
        {
            Repository = MeshRepository.Find(),
            Folder = new MeshFolder(Path.Combine(MeshRepository.Find(), ".mesh", "end-to-end", _name)),
            Configuration = Configuration,
            EphemeralPorts = true,
            Replicas = Replicas,
            Environment = new Dictionary<string, IReadOnlyDictionary<string, string>>(Environment)
            {
                ["edge"] = Senders(),
                ["membership"] = Membership(),
                ["dispatch"] = Dispatch(),
            },
            Postgres = await TestDatabase.ServerAsync(),
            DatabasePrefix = $"e2e_{_name}_",
            RemoveDataAtStop = true,
            ReadyWithin = TimeSpan.FromSeconds(120),
        };
        _mesh = await MeshInstance.StartAsync(options);
        Client = MeshClient.Through(_mesh, "membership");
    }

    public async Task DisposeAsync()
    {
        if (_mesh is null)
            return;
        Client.Dispose();
        await _mesh.DisposeAsync();
    }

    /// <summary>A collector of a tenant that no other test has.</summary>
    public TestTenant NewTenant() => new(this, TenantName(Interlocked.Increment(ref _tenantsGiven) - 1));

    /// <summary>A tenant's key for the operator API.</summary>
    public static string KeyOf(string tenant) => $"key-of-{tenant}";

    /// <summary>The broker's instance that a tenant has to itself; those called <c>path</c> and <c>none</c> are everybody's.</summary>
    public static string InstanceOf(string tenant) => $"instance-of-{tenant}";

    /// <summary>Build configuration whose output runs: that of the tests themselves.</summary>
    public static string Configuration =>
#if DEBUG
        "debug";
#else
        "release";
#endif

    // Joins that are told without their time alone wait for their twin; a test does not.
    private Dictionary<string, string> Membership() =>
        new(Environment.GetValueOrDefault("membership") ?? new Dictionary<string, string>()) { ["Membership__JoinHold"] = "00:00:02" };

    private Dictionary<string, string> Dispatch()
    {
        var settings = new Dictionary<string, string>(Environment.GetValueOrDefault("dispatch") ?? new Dictionary<string, string>());
        var instances = Enumerable.Range(0, Tenants).Select(static i => (InstanceOf(TenantName(i)), TenantName(i)));
        foreach (var (index, (id, tenant)) in instances.Append(("path", "*")).Append(("none", "*")).Index())
        {
            var instance = string.Create(CultureInfo.InvariantCulture, $"Dispatch__Instances__{index}");
            settings[$"{instance}__Id"] = id;
            settings[$"{instance}__Tenant"] = tenant;
        }
        return settings;
    }

    private static Dictionary<string, string> Senders()
    {
        var settings = new Dictionary<string, string>
        {
            ["Edge__Crm__0__Name"] = "crm",
            ["Edge__Crm__0__Tenant"] = CrmTenant,
            ["Edge__Crm__0__Secrets__0__Id"] = "key",
            ["Edge__Crm__0__Secrets__0__Value"] = CrmKey,
        };
        for (var i = 0; i < Tenants; i++)
        {
            var sender = string.Create(CultureInfo.InvariantCulture, $"Edge__Sources__{FirstSender + i}");
            settings[$"{sender}__Name"] = TenantName(i);
            settings[$"{sender}__Tenant"] = TenantName(i);
            settings[$"{sender}__RequestsPerSecond"] = "0";
            settings[$"{sender}__Secrets__0__Id"] = "samples";
            settings[$"{sender}__Secrets__0__Value"] = Secret;
            var key = string.Create(CultureInfo.InvariantCulture, $"Edge__ApiKeys__{FirstKey + i}");
            settings[$"{key}__Name"] = TenantName(i);
            settings[$"{key}__Tenant"] = TenantName(i);
            settings[$"{key}__Role"] = "operator";
            settings[$"{key}__Hash"] = OperatorKeys.HashOf(KeyOf(TenantName(i)));
        }
        return settings;
    }

    private static string TenantName(int i) => i < Tenants
        ? string.Create(CultureInfo.InvariantCulture, $"tenant-{i}")
        : throw new InvalidOperationException($"There are only {Tenants} tenants: raise {nameof(Tenants)}.");
}
