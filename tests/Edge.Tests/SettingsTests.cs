using Microsoft.Extensions.Configuration;
using WhatsAppMesh.Edge.Tests.Driving;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>Settings are checked when the process starts.</summary>
public sealed class SettingsTests
{
    [Fact]
    public void Every_wrong_setting_is_named_with_its_key_at_once()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Edge:DefaultTenant"] = "a b",
            ["Edge:Proxies:0"] = "10.0.0.0/99",
            ["Edge:ReloadSeconds"] = "0",
            ["Edge:Ingest:TimeoutSeconds"] = "0",
            ["Edge:Limits:BodyBytes"] = "1",
            ["Edge:Limits:ConcurrentBodies"] = "0",
            ["Edge:Limits:AddressRequestsPerSecond"] = "-1",
        }).Build();
        var exception = Assert.Throws<SettingsException>(() => EdgeOptions.Read(configuration));
        string[] keys =
        [
            "Mesh:InternalToken", "Edge:DefaultTenant", "Edge:Proxies", "Edge:ReloadSeconds", "Edge:Ingest:Address", "Edge:Ingest:TimeoutSeconds",
            "Edge:Limits:BodyBytes", "Edge:Limits:ConcurrentBodies", "Edge:Limits:AddressRequestsPerSecond",
        ];
        Assert.All(keys, key => Assert.Contains(key, exception.Message, StringComparison.Ordinal));
        Assert.Equal(keys.Length + 1, exception.Message.Split('\n').Length);
    }

    [Fact]
    public void Internal_token_that_cannot_stand_in_a_header_is_refused_without_being_told()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Mesh:InternalToken"] = "wörd",
            ["Edge:Ingest:Address"] = "http://127.0.0.1:1",
        }).Build();
        var exception = Assert.Throws<SettingsException>(() => EdgeOptions.Read(configuration));
        Assert.Contains("Mesh:InternalToken", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wörd", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ingest:8080")]
    [InlineData("http://ingest:8080/path")]
    [InlineData("ftp://ingest")]
    public void Address_of_ingest_must_be_one(string address)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Mesh:InternalToken"] = EdgeUnderTest.InternalToken,
            ["Edge:Ingest:Address"] = address,
        }).Build();
        var exception = Assert.Throws<SettingsException>(() => EdgeOptions.Read(configuration));
        Assert.Contains("Edge:Ingest:Address", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("4 MiB")]
    [InlineData("268435457")]
    [InlineData("-1")]
    public void The_one_setting_of_a_bodys_size_must_be_a_number_of_bytes(string value)
    {
        var exception = Assert.Throws<InvalidOperationException>(() => Read(("Mesh:MaxBodyBytes", value)));
        Assert.Contains("Mesh:MaxBodyBytes", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_one_setting_of_a_bodys_size_counts_where_edge_says_nothing_itself()
    {
        Assert.Equal((4 * 1024 * 1024, 64L * 1024 * 1024), Sizes(Read()));
        Assert.Equal((100_000_000, 400_000_000L), Sizes(Read(("Mesh:MaxBodyBytes", "100000000"))));
        Assert.Equal((50_000, 64L * 1024 * 1024), Sizes(Read(("Mesh:MaxBodyBytes", "100000000"), ("Edge:Limits:BodyBytes", "50000"))));
        Assert.Equal((100_000_000, 100_000_000L), Sizes(Read(("Mesh:MaxBodyBytes", "100000000"), ("Edge:Limits:BufferedBytes", "100000000"))));

        static (int, long) Sizes(EdgeOptions options) => (options.Limits.BodyBytes, options.Limits.BufferedBytes);
    }

    private static EdgeOptions Read(params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string?>
        {
            ["Mesh:InternalToken"] = EdgeUnderTest.InternalToken,
            ["Edge:Ingest:Address"] = "http://127.0.0.1:1",
        };
        foreach (var (key, value) in settings)
            all[key] = value;
        return EdgeOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(all).Build());
    }
}
