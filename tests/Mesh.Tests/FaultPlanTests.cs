using WhatsAppMesh.Mesh.Faults;

namespace WhatsAppMesh.Mesh.Tests;

public sealed class FaultPlanTests
{
    private static readonly string[] Processes =
        ["edge", "edge.sidecar", "edge-2", "edge-2.sidecar", "ingest", "ingest.sidecar", "ingest-2", "ingest-2.sidecar"];

    private static readonly string[] Roles = ["edge", "edge.sidecar", "ingest", "ingest.sidecar"];

    [Fact]
    public void Same_seed_deals_the_same_faults_and_another_seed_others()
    {
        Assert.Equal(Deal(7).Take(50), Deal(7).Take(50));
        Assert.NotEqual(Deal(7).Take(50), Deal(8).Take(50));
    }

    [Fact]
    public void Order_of_the_processes_does_not_matter() =>
        Assert.Equal(Deal(7).Take(50), FaultPlan.Deal(7, Processes.Reverse().ToArray(), _ => true).Take(50));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Three_rounds_kill_pause_and_restart_every_kind_of_process(int seed)
    {
        var dealt = Deal(seed).Take(3 * FaultPlan.RoundOf(Processes, _ => true)).Where(f => f.Target != FaultPlan.Database).ToList();

        Assert.Equal(3 * Roles.Length, dealt.Select(f => (f.Kind, f.Target.Replace("-2", "", StringComparison.Ordinal))).Distinct().Count());
    }

    [Fact]
    public void Every_round_hurts_the_database_in_each_way_that_is_possible()
    {
        static bool HasNoVolume(FaultKind kind) => kind is not (FaultKind.FillDisk or FaultKind.FillLog);
        var round = FaultPlan.Deal(1, Processes, HasNoVolume).Take(FaultPlan.RoundOf(Processes, HasNoVolume));

        Assert.Equal(
            [FaultKind.KillBackends, FaultKind.CrashDatabase, FaultKind.PauseDatabase, FaultKind.LockHead, FaultKind.PowerCut],
            round.Where(f => f.Target == FaultPlan.Database).Select(f => f.Kind).Order());
    }

    [Fact]
    public void A_paused_process_sleeps_past_the_leases_of_a_sidecar() =>
        Assert.All(Deal(5).Take(200).Where(f => f.Kind == FaultKind.Pause), f => Assert.True(f.Lasting > TimeSpan.FromSeconds(5)));

    private static IEnumerable<PlannedFault> Deal(int seed) => FaultPlan.Deal(seed, Processes, _ => true);
}
