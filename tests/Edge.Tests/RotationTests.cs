using System.Globalization;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>Several secrets at once, and the times in which they count.</summary>
public sealed class RotationTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    [Fact]
    public async Task Every_live_secret_is_accepted_and_each_only_in_its_time()
    {
        await using var edge = await EdgeUnderTest.StartAsync(Secrets(
            ("old", null, Now.AddHours(1)), ("new", null, null), ("ended", null, Now.AddHours(-1)), ("early", Now.AddHours(2), null)));
        await edge.AcceptedAsync(Signing.SignedV2(secret: "old"));
        await edge.AcceptedAsync(Signing.SignedV2(secret: "new"));
        await edge.InvalidAsync(Signing.SignedV2(secret: "ended"));
        await edge.InvalidAsync(Signing.SignedV2(secret: "early"));

        edge.Clock.Shift = TimeSpan.FromHours(3);
        await edge.InvalidAsync(Signing.SignedV2(secret: "old"));
        await edge.AcceptedAsync(Signing.SignedV2(secret: "new"));
        await edge.AcceptedAsync(Signing.SignedV2(secret: "early"));
    }

    [Fact]
    public async Task Source_whose_last_secret_has_expired_says_so()
    {
        await using var edge = await EdgeUnderTest.StartAsync(Secrets(("only", null, Now.AddHours(1))));
        await edge.AcceptedAsync(Signing.SignedV2(secret: "only"));
        edge.Clock.Shift = TimeSpan.FromHours(2);
        await edge.RefusedAsync(Signing.SignedV2(secret: "only"), 500, "secret_not_configured");
        Assert.Single(edge.Ingest.Requests);
    }

    [Fact]
    public async Task Old_systems_variable_is_the_secret_of_the_default_collector()
    {
        await using var edge = await EdgeUnderTest.StartAsync(
            new() { ["WHATSAPP_WEBHOOK_SECRET"] = "from-an-older-system", ["Edge:DefaultTenant"] = "acme" });
        await edge.AcceptedAsync(Signing.SignedV2(secret: "from-an-older-system"));
        Assert.Equal("acme", edge.Ingest.Single()["X-Mesh-Tenant"]);
    }

    [Fact]
    public async Task Configured_default_collector_comes_before_the_old_systems_variable()
    {
        await using var edge = await EdgeUnderTest.StartAsync(
            EdgeUnderTest.With(new() { ["WHATSAPP_WEBHOOK_SECRET"] = "from-an-older-system" }, "Edge:Sources:0", "default", Signing.Secret));
        await edge.AcceptedAsync(Signing.SignedV2());
        await edge.InvalidAsync(Signing.SignedV2(secret: "from-an-older-system"));
    }

    private static Dictionary<string, string?> Secrets(params (string Secret, DateTimeOffset? NotBefore, DateTimeOffset? Expires)[] secrets)
    {
        var settings = new Dictionary<string, string?> { ["Edge:Sources:0:Name"] = "default" };
        for (var i = 0; i < secrets.Length; i++)
        {
            var place = $"Edge:Sources:0:Secrets:{i}";
            settings[$"{place}:Id"] = $"secret-{i}";
            settings[$"{place}:Value"] = secrets[i].Secret;
            settings[$"{place}:NotBefore"] = secrets[i].NotBefore?.ToString("O", CultureInfo.InvariantCulture);
            settings[$"{place}:Expires"] = secrets[i].Expires?.ToString("O", CultureInfo.InvariantCulture);
        }

        return settings;
    }
}
