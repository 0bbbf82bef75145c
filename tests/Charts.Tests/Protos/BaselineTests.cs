using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Charts.Tests.Protos;

/// <summary>
/// What has been released stays: <c>protos/baseline.txt</c> is the contract of the last release. A new message, field or method is free; one
/// that goes, or changes its number, name or type, breaks whoever still runs that release. Renewed at a release, on purpose, by
/// <c>MESH_RENEW_BASELINE=1 ./mesh test Charts --filter Baseline</c>.
/// </summary>
public sealed class BaselineTests
{
    private static readonly string File = Path.Combine(MeshRepository.Find(), "protos", "baseline.txt");

    [Fact]
    public async Task Nothing_that_was_released_is_gone_or_means_something_else()
    {
        if (Environment.GetEnvironmentVariable("MESH_RENEW_BASELINE") == "1")
            await System.IO.File.WriteAllLinesAsync(File, Descriptors.Lines);

        Assert.Empty(Breaks(await System.IO.File.ReadAllLinesAsync(File), [.. Descriptors.Lines]));
    }

    [Theory]
    [InlineData("field a.M 1 id: String", "field a.M 1 id: String", 0)]
    [InlineData("field a.M 1 id: String", "field a.M 1 id: String|field a.M 2 more: Int32", 0)]
    [InlineData("field a.M 1 id: String", "", 1)]
    [InlineData("field a.M 1 id: String", "reserved a.M 1", 0)]
    [InlineData("field a.M 1 id: String", "field a.M 1 id: Int64", 1)]
    [InlineData("field a.M 1 id: String", "field a.M 1 name: String", 1)]
    [InlineData("field a.M 1 id: String", "field a.M 2 id: String", 1)]
    [InlineData("reserved a.M 1", "field a.M 1 other: String", 1)]
    [InlineData("rpc a.S.Get (a.R) returns (a.M)", "rpc a.S.Get (a.R) returns (stream a.M)", 1)]
    [InlineData("value a.E 1 ONE", "value a.E 1 FIRST", 1)]
    public void A_change_that_breaks_is_told_from_one_that_does_not(string released, string now, int breaks) =>
        Assert.Equal(breaks, Breaks([released], now.Split('|')).Count());

    /// <summary>What was released and is not there any more. A field may go when its number is reserved for ever.</summary>
    private static IEnumerable<string> Breaks(IReadOnlyList<string> released, IReadOnlyCollection<string> now) =>
        released.Where(line => !now.Contains(line) && !(line.Split(' ') is ["field", var message, var number, ..] && now.Contains($"reserved {message} {number}")));
}
