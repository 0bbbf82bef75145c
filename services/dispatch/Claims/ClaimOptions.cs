namespace WhatsAppMesh.Dispatch.Claims;

/// <summary>Settings of claims, section <c>Dispatch:Claims</c>.</summary>
public sealed record ClaimOptions
{
    /// <summary>Name of the section.</summary>
    public const string Section = "Dispatch:Claims";

    /// <summary>State store that keeps them.</summary>
    public string Store { get; set; } = "claims";

    /// <summary>How long a claim is held without being renewed; longer than the longest call to the broker with all its retries.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a claim is kept after its last change: a duplicate that comes within this time is refused.</summary>
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Longest call of the state store.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Every rule that the settings break; empty when all is well.</summary>
    public IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(Store))
            yield return "Dispatch:Claims:Store: is empty.";
        if (Lease <= TimeSpan.Zero)
            yield return $"Dispatch:Claims:Lease: {Lease} is not positive.";
        if (Timeout <= TimeSpan.Zero || Timeout >= Lease)
            yield return $"Dispatch:Claims:Timeout: {Timeout} is not between 0 and the lease ({Lease}).";
        if (Retention <= Lease)
            yield return $"Dispatch:Claims:Retention: {Retention} is not longer than the lease ({Lease}).";
    }
}
