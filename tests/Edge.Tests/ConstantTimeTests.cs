using System.Text.RegularExpressions;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>
/// Time cannot be measured reliably in a test, so this looks at the code: wherever a proof is compared, it is compared by the one method
/// whose time does not depend on where two values differ.
/// </summary>
public sealed partial class ConstantTimeTests
{
    private static readonly string Root = FindRoot();

    public static TheoryData<string> Comparing() =>
    [
        "services/edge/Signatures/KeyRing.cs", "services/edge/Signatures/ApiKeyCheck.cs", "services/edge/Sources/ApiKeyRing.cs",
        "services/ingest/InternalToken.cs", "libs/Hosting/SidecarSettings.cs",
    ];

    [Theory]
    [MemberData(nameof(Comparing))]
    public void Where_a_proof_is_compared_the_time_tells_nothing(string file)
    {
        var code = File.ReadAllText(Path.Combine(Root, file));

        Assert.Contains("CryptographicOperations.FixedTimeEquals(", code, StringComparison.Ordinal);
        Assert.DoesNotMatch(OrdinaryComparison(), code);
    }

    [Fact]
    public void Nothing_else_of_the_signatures_compares_bytes() =>
        Assert.All(Directory.GetFiles(Path.Combine(Root, "services/edge/Signatures"), "*.cs"), file => Assert.DoesNotMatch(OrdinaryComparison(), File.ReadAllText(file)));

    [GeneratedRegex(@"\bSequenceEqual\(|\bSequenceCompareTo\(|\bStructuralComparisons\b")]
    private static partial Regex OrdinaryComparison();

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "global.json")))
            folder = folder.Parent;
        return folder.FullName;
    }
}
