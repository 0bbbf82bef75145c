namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>Recorded answers that this sidecar does not give, and why not.</summary>
internal static class KnownDifferences
{
    public static readonly IReadOnlyDictionary<string, string> Reasons = new Dictionary<string, string>
    {
    };
}
