namespace WhatsAppMesh.Mesh.Faults;

/// <summary>What can happen to a mesh.</summary>
public enum FaultKind
{
    /// <summary>A process is killed (SIGKILL) and started again at once, as a supervisor would.</summary>
    Kill,

    /// <summary>A process is held (SIGSTOP) for longer than any lease, then goes on and finds that the world has not waited.</summary>
    Pause,

    /// <summary>A process is asked to end (SIGTERM) and started again.</summary>
    Restart,

    /// <summary>Every process of PostgreSQL but its first is killed; it recovers by itself.</summary>
    KillBackends,

    /// <summary>PostgreSQL is stopped without a checkpoint, and started again a little later.</summary>
    CrashDatabase,

    /// <summary>Every process of PostgreSQL is held: it takes connections and answers nothing.</summary>
    PauseDatabase,

    /// <summary>Another session holds the lock that every append needs.</summary>
    LockHead,

    /// <summary>The database's volume has no room left for its tables.</summary>
    FillDisk,

    /// <summary>The database's volume has no room left for its log either, at which PostgreSQL ends.</summary>
    FillLog,

    /// <summary>Everything ends at once, PostgreSQL too; everything starts at once, PostgreSQL last.</summary>
    PowerCut,
}

/// <summary>One fault: what happens to whom, when, and for how long.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Target">Name of the process; "postgresql" for a fault of the database.</param>
/// <param name="After">Quiet time since the mesh had recovered from the one before.</param>
/// <param name="Lasting">How long it lasts; zero for what has no length of its own.</param>
public sealed record PlannedFault(FaultKind Kind, string Target, TimeSpan After, TimeSpan Lasting);

/// <summary>Deals faults in an order that depends on nothing but the seed.</summary>
public static class FaultPlan
{
    /// <summary>Target of the faults of the database.</summary>
    public const string Database = "postgresql";

    /// <summary>A sidecar gives up another's messages after 5 s; a paused process must sleep past that.</summary>
    private static readonly TimeSpan LongerThanLeases = TimeSpan.FromSeconds(6);

    private static readonly FaultKind[] ProcessFaults = [FaultKind.Kill, FaultKind.Pause, FaultKind.Restart];

    private static readonly FaultKind[] DatabaseFaults =
        [FaultKind.KillBackends, FaultKind.CrashDatabase, FaultKind.PauseDatabase, FaultKind.LockHead, FaultKind.FillDisk, FaultKind.FillLog, FaultKind.PowerCut];

    /// <summary>
    /// Round after round without end. Each round is one fault for every kind of process (a service, its sidecar; which replica is left to
    /// chance), and each fault of the database that is possible, shuffled. After three rounds each kind of process has met each fault.
    /// </summary>
    /// <param name="seed">The same seed deals the same faults.</param>
    /// <param name="processes">Names of the processes, replicas of one service ending in "-2" and so on ("ingest-2", "ingest-2.sidecar").</param>
    /// <param name="isPossible">Which faults of the database can be brought about here.</param>
    public static IEnumerable<PlannedFault> Deal(int seed, IReadOnlyCollection<string> processes, Func<FaultKind, bool> isPossible)
    {
        var dice = new Random(seed);
        var roles = processes.GroupBy(RoleOf).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => (Replicas: g.Order(StringComparer.Ordinal).ToArray(), First: dice.Next(ProcessFaults.Length))).ToArray();
        for (var round = 0; ; round++)
        {
            var cards = roles
                .Select(role => (Kind: ProcessFaults[(role.First + round) % ProcessFaults.Length], Target: role.Replicas[dice.Next(role.Replicas.Length)]))
                .Concat(DatabaseFaults.Where(isPossible).Select(kind => (Kind: kind, Target: Database)))
                .ToArray();
            dice.Shuffle(cards);
            foreach (var (kind, target) in cards)
                yield return new PlannedFault(kind, target, Between(dice, 0.5, 2.5), Lasting(kind, dice));
        }
    }

    /// <summary>Number of faults in one round.</summary>
    public static int RoundOf(IEnumerable<string> processes, Func<FaultKind, bool> isPossible) =>
        processes.Select(RoleOf).Distinct().Count() + DatabaseFaults.Count(isPossible);

    private static TimeSpan Lasting(FaultKind kind, Random dice) => kind switch
    {
        FaultKind.Pause => LongerThanLeases + Between(dice, 0, 3),
        FaultKind.CrashDatabase => Between(dice, 0.5, 3),
        FaultKind.PauseDatabase or FaultKind.FillDisk or FaultKind.FillLog or FaultKind.PowerCut => Between(dice, 3, 6),
        // Past the two seconds that an append waits for the lock.
        FaultKind.LockHead => Between(dice, 3, 5),
        _ => TimeSpan.Zero,
    };

    private static TimeSpan Between(Random dice, double least, double most) => TimeSpan.FromSeconds(Math.Round(least + (dice.NextDouble() * (most - least)), 1));

    // "ingest-2.sidecar" is one of "ingest.sidecar".
    private static string RoleOf(string process)
    {
        var dot = process.IndexOf('.', StringComparison.Ordinal);
        var (name, rest) = dot < 0 ? (process, "") : (process[..dot], process[dot..]);
        var dash = name.LastIndexOf('-');
        return dash > 0 && name.AsSpan(dash + 1).IndexOfAnyExceptInRange('0', '9') < 0 ? name[..dash] + rest : process;
    }
}
