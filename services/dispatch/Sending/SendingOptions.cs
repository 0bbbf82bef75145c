using WhatsAppMesh.Dispatch.Claims;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>What is done with jobs that are due.</summary>
public enum SendMode
{
    /// <summary>They are sent.</summary>
    Http,

    /// <summary>Everything but the call to the broker is done.</summary>
    DryRun,

    /// <summary>They wait.</summary>
    Disabled,
}

/// <summary>Whether the broker recognises an <c>Idempotency-Key</c> it has seen.</summary>
public enum BrokerIdempotency
{
    /// <summary>It does, so a send may be repeated.</summary>
    Keyed,

    /// <summary>It does not: a send that may have left is never repeated by itself.</summary>
    None,
}

/// <summary>Settings of sending, section <c>Dispatch:Sending</c>. Times are <see cref="TimeSpan"/> texts such as <c>00:00:01</c>.</summary>
public sealed record SendingOptions
{
    /// <summary>Name of the section.</summary>
    public const string Section = "Dispatch:Sending";

    /// <summary>What is done with jobs that are due; <c>WHATSAPP_MODE</c> sets it too.</summary>
    public SendMode Mode { get; set; }

    /// <summary>The setting behind <see cref="Mode"/> as it was written; <c>http</c> when there is none.</summary>
    public string ModeSetting { get; private set; } = "http";

    /// <summary>What the broker does with a key it has seen.</summary>
    public BrokerIdempotency Idempotency { get; set; }

    /// <summary>For how long a broker that remembers keys certainly does.</summary>
    public TimeSpan KeyWindow { get; set; } = TimeSpan.FromHours(24);

    /// <summary>False: this replica takes no jobs by itself.</summary>
    public bool Poll { get; set; } = true;

    /// <summary>Time between two looks for due jobs while there are none.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Jobs of this replica between claim and end.</summary>
    public int MaxInFlight { get; set; } = 128;

    /// <summary>The same, of one instance: one that hangs must not hold up the others.</summary>
    public int MaxInFlightPerInstance { get; set; } = 32;

    /// <summary>Sends per second and instance, over all replicas; 0 = no limit.</summary>
    public double RatePerSecond { get; set; } = 5;

    /// <summary>How long a job that was looked at is left to the replica that did, before another may look.</summary>
    public TimeSpan Reservation { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest call to the broker with all retries of the sidecar; shorter than the lease of a claim.</summary>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(45);

    /// <summary>Waits between attempts; after the last, the job has failed.</summary>
    public IReadOnlyList<TimeSpan> RetryDelays { get; set; } = [];

    /// <summary>Each wait is spread by this share either way.</summary>
    public double RetrySpread { get; set; } = 0.2;

    /// <summary>How long a job of an instance that is offline, or behind an open circuit breaker, is put off. The attempt does not count.</summary>
    public TimeSpan Postponement { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long what is known of an instance's status is believed.</summary>
    public TimeSpan StatusAge { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Secret store that has the broker's key.</summary>
    public string SecretStore { get; set; } = "secrets";

    /// <summary>Name of the broker's key in it.</summary>
    public string ApiKeySecret { get; set; } = "WHATSAPP_BROKER_API_KEY";

    /// <summary>How often the secret is looked for.</summary>
    public TimeSpan CredentialsAge { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>HTTPEndpoint of a broker that remembers keys; reads about instances go there when sends do not.</summary>
    public string Endpoint { get; set; } = "whatsapp-broker";

    /// <summary>HTTPEndpoint without retries, for a broker that does not; reads about instances go there when sends do not.</summary>
    public string OnceEndpoint { get; set; } = "whatsapp-broker-once";

    /// <summary>App that knows people's numbers.</summary>
    public string MembershipAppId { get; set; } = "membership";

    /// <summary>How long a stopping replica waits for its sends under way.</summary>
    public TimeSpan Drain { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>The waits in force: 1, 5, 15 and 60 minutes unless others are set.</summary>
    public IReadOnlyList<TimeSpan> Delays => RetryDelays.Count > 0 ? RetryDelays : DefaultDelays;

    private static readonly TimeSpan[] DefaultDelays = [TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(60)];

    /// <summary>Takes the mode from <c>WHATSAPP_MODE</c>, where that is set.</summary>
    /// <param name="configuration">Where from.</param>
    /// <param name="wrong">Is told when it is no mode.</param>
    /// <param name="warning">Something to tell the operator; null when there is nothing.</param>
    public void TakeMode(IConfiguration configuration, Action<string> wrong, out string? warning)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(wrong);
        warning = null;
        var written = configuration["WHATSAPP_MODE"];
        ModeSetting = string.IsNullOrEmpty(written) ? configuration[$"{Section}:{nameof(Mode)}"] ?? ModeSetting : written;
        switch (written?.ToLowerInvariant())
        {
            case null or "":
                break;
            case "http":
                Mode = SendMode.Http;
                break;
            case "sidecar":
                Mode = SendMode.Http;
                warning = "WHATSAPP_MODE is 'sidecar', which is 'http' now: every send goes through the sidecar.";
                break;
            case "dryrun":
                Mode = SendMode.DryRun;
                break;
            case "disabled":
                Mode = SendMode.Disabled;
                break;
            case var other:
                wrong($"WHATSAPP_MODE is '{other}': it must be http, dryrun or disabled.");
                break;
        }
    }

    /// <summary>Every rule that the settings break; empty when all is well.</summary>
    public IEnumerable<string> Validate(ClaimOptions claims)
    {
        ArgumentNullException.ThrowIfNull(claims);
        foreach (var (key, value) in new[]
        {
            (nameof(PollInterval), PollInterval), (nameof(Reservation), Reservation), (nameof(CallTimeout), CallTimeout), (nameof(Postponement), Postponement),
            (nameof(StatusAge), StatusAge), (nameof(CredentialsAge), CredentialsAge), (nameof(Drain), Drain), (nameof(KeyWindow), KeyWindow),
        })
        {
            if (value <= TimeSpan.Zero)
                yield return $"{Section}:{key}: {value} is not positive.";
        }

        if (CallTimeout >= claims.Lease)
            yield return $"{Section}:CallTimeout: {CallTimeout} is not shorter than {ClaimOptions.Section}:Lease ({claims.Lease}): another replica would take over a send under way.";
        if (KeyWindow <= TimeSpan.FromTicks(Delays.Sum(static delay => delay.Ticks)) * (1 + RetrySpread))
            yield return $"{Section}:KeyWindow: {KeyWindow} is not longer than all RetryDelays together: a broker would forget a key before its last attempt.";
        if (MaxInFlight is < 1 or > 4096)
            yield return $"{Section}:MaxInFlight: {MaxInFlight} is not within 1..4096.";
        if (MaxInFlightPerInstance < 1 || MaxInFlightPerInstance > MaxInFlight)
            yield return $"{Section}:MaxInFlightPerInstance: {MaxInFlightPerInstance} is not within 1..MaxInFlight ({MaxInFlight}).";
        if (RatePerSecond is not (>= 0 and <= 100_000))
            yield return $"{Section}:RatePerSecond: {RatePerSecond} is not within 0..100000.";
        if (RetrySpread is not (>= 0 and < 1))
            yield return $"{Section}:RetrySpread: {RetrySpread} is not within 0..1.";
        if (Delays.Any(static delay => delay < TimeSpan.Zero))
            yield return $"{Section}:RetryDelays: holds a negative wait.";
    }
}
