using WhatsAppMesh.Dispatch.Operator;

namespace WhatsAppMesh.Dispatch;

/// <summary>Settings of the dispatch service, section <c>Dispatch</c>. Times are <see cref="TimeSpan"/> texts such as <c>00:00:01</c>.</summary>
public sealed record DispatchOptions
{
    /// <summary>Name of the section.</summary>
    public const string Section = "Dispatch";

    /// <summary>A job that could not start for this long after its due time expires and is never sent.</summary>
    public TimeSpan ExpireAfter { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Time between two looks for jobs to expire and personal data to remove.</summary>
    public TimeSpan UpkeepInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a finished job and its attempts are kept.</summary>
    public TimeSpan JobRetention { get; set; } = TimeSpan.FromDays(180);

    /// <summary>How long a finished job keeps who it was for and what it said; then both are emptied.</summary>
    public TimeSpan SubjectRetention { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long a lead without news keeps its name, phone and attributes.</summary>
    public TimeSpan LeadRetention { get; set; } = TimeSpan.FromDays(365);

    /// <summary>Time that must pass between two replays of one execution.</summary>
    public TimeSpan ReplayPause { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Executions per second of a bulk replay that names no rate.</summary>
    public int ReplayRate { get; set; } = 5;

    /// <summary>Most executions one bulk replay may take.</summary>
    public int ReplayLimit { get; set; } = 10_000;

    /// <summary>Sends of one instance in a day (UTC) above which the watermark of <c>/api/triggers/stats</c> is hit.</summary>
    public int SendWatermark { get; set; } = 50;

    /// <summary>Most automations of a tenant.</summary>
    public int MaxAutomations { get; set; } = 1000;

    /// <summary>Most steps of an automation.</summary>
    public int MaxSteps { get; set; } = 50;

    /// <summary>Longest delay of a step.</summary>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromDays(365);

    /// <summary>Which tenants may use which of the broker's instances. None listed: every tenant may use every instance.</summary>
    public IReadOnlyList<InstanceTenant> Instances { get; set; } = [];

    /// <summary>Every rule that the settings break, as "key: reason"; empty when all is well.</summary>
    public IEnumerable<string> Validate()
    {
        foreach (var (key, value) in new[]
        {
            (nameof(ExpireAfter), ExpireAfter), (nameof(UpkeepInterval), UpkeepInterval), (nameof(JobRetention), JobRetention), (nameof(SubjectRetention), SubjectRetention),
            (nameof(LeadRetention), LeadRetention), (nameof(MaxDelay), MaxDelay),
        })
        {
            if (value <= TimeSpan.Zero)
                yield return $"{Section}:{key}: {value} is not positive.";
        }
        if (SubjectRetention > JobRetention)
            yield return $"{Section}:SubjectRetention: {SubjectRetention} is longer than JobRetention.";
        if (ReplayPause < TimeSpan.Zero)
            yield return $"{Section}:ReplayPause: {ReplayPause} is negative.";
        if (ReplayRate is < 1 or > 1000)
            yield return $"{Section}:ReplayRate: {ReplayRate} is not within 1..1000.";
        if (ReplayLimit is < 1 or > 100_000)
            yield return $"{Section}:ReplayLimit: {ReplayLimit} is not within 1..100000.";
        if (SendWatermark < 1)
            yield return $"{Section}:SendWatermark: {SendWatermark} is less than 1.";
        if (MaxAutomations is < 1 or > 100_000)
            yield return $"{Section}:MaxAutomations: {MaxAutomations} is not within 1..100000.";
        if (MaxSteps is < 1 or > 1000)
            yield return $"{Section}:MaxSteps: {MaxSteps} is not within 1..1000.";
        foreach (var (index, one) in Instances.Index())
        {
            if (string.IsNullOrWhiteSpace(one.Id) || string.IsNullOrWhiteSpace(one.Tenant))
                yield return $"{Section}:Instances:{index}: Id and Tenant are required (Tenant * = everybody).";
        }
    }
}
