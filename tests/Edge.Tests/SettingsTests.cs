using Microsoft.Extensions.Configuration;
using WhatsAppMesh.Edge.Tests.Driving;

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
        var exception = Assert.Throws<InvalidOperationException>(() => EdgeOptions.Read(configuration));
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
        var exception = Assert.Throws<InvalidOperationException>(() => EdgeOptions.Read(configuration));
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
        var exception = Assert.Throws<InvalidOperationException>(() => EdgeOptions.Read(configuration));
        Assert.Contains("Edge:Ingest:Address", exception.Message, StringComparison.Ordinal);
    }
}
