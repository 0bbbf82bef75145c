using WhatsAppMesh.Mesh.Faults;
using WhatsAppMesh.Mesh.Running;
using Xunit.Abstractions;

namespace WhatsAppMesh.EndToEnd;

/// <summary>Runs when no other test does: it brings a mesh of its own, and hurts it.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class FaultCollection
{
    public const string Name = "faults";
}

/// <summary>
/// One round of faults under load: each kind of process is killed, paused or restarted, and the database hurt in every way that is possible
/// here. './mesh bench faults' does the same for as long as one likes.
/// </summary>
[Collection(FaultCollection.Name)]
public sealed class FaultTests(ITestOutputHelper output)
{
    private const int Seed = 3;

    private const long MostEvents = 50_000;

    // A build server may be ten times slower than an idle machine; what does not heal does not heal in five minutes either.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task Nothing_is_lost_nothing_doubled_and_everything_recovers_by_itself_whatever_is_hurt()
    {
        var folder = new MeshFolder(Path.Combine(MeshRepository.Find(), ".mesh", "faults", Guid.NewGuid().ToString("N")[..8]));
        await using var hurt = await FaultMesh.StartAsync(Options(folder), MostEvents, output.WriteLine, CancellationToken.None);
        var settings = new FaultCampaignOptions { Seed = Seed, Tenant = FaultMesh.Tenant, Rate = 40, RecoverWithin = Patience, SettleWithin = Patience };
        await using var campaign = await FaultCampaign.StartAsync(hurt.Mesh, hurt.Actions, settings, output.WriteLine, CancellationToken.None);
        var round = FaultPlan.RoundOf(campaign.Processes, hurt.Actions.IsPossible);

        await campaign.RunAsync(FaultPlan.Deal(Seed, campaign.Processes, hurt.Actions.IsPossible).Take(round), CancellationToken.None);
        var report = await campaign.FinishAsync(hurt.NotRun, CancellationToken.None);

        output.WriteLine(FaultTable.Totals(report));
        Assert.Empty(report.Faults);
        Assert.Equal(round, report.Rows.Count);
        Assert.All(report.Rows, row => Assert.NotNull(row.RecoveredSeconds));
        Assert.Equal((0, 0), (report.Lost, report.Doubled));
        Assert.True(report.Posted > 100, $"Only {report.Posted} events were posted: that shows nothing.");
    }

    private static MeshOptions Options(MeshFolder folder) => new()
    {
        Repository = MeshRepository.Find(),
        Folder = folder,
        Configuration = MeshUnderTest.Configuration,
        ReadyWithin = Patience,
        // What the transport loses is fetched after a few seconds instead of half a minute.
        Environment = new Dictionary<string, IReadOnlyDictionary<string, string>>
        {
            ["membership"] = new Dictionary<string, string>
            {
                ["Deliveries__PullInterval"] = "00:00:01", ["Deliveries__PullGrace"] = "00:00:05", ["Deliveries__FailureGrace"] = "00:00:05",
            },
        },
    };
}
