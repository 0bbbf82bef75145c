namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>Recorded answers that this sidecar does not give, and why not.</summary>
internal static class KnownDifferences
{
    public static readonly IReadOnlyDictionary<string, string> Reasons = new Dictionary<string, string>
    {
        ["client/invoke-http/too-large-request-headers"] =
            "status, text and closing are the same; Kestrel tells the length of the answer besides, and offers no way to leave it out",
    };
}
