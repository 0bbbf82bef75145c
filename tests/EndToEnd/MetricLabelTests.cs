using System.Text.RegularExpressions;
using Npgsql;
using WhatsAppMesh.Collector;

namespace WhatsAppMesh.EndToEnd;

/// <summary>What labels of metrics say to whoever may scrape: no way into a database, no address, nobody's number.</summary>
[Collection(MeshCollection.Name)]
public sealed partial class MetricLabelTests(MeshUnderTest test)
{
    private static readonly string[] Names = ["dispatch", "dispatch.sends", "ingest", "ingest.hot", "ingest.session", "membership", "schema"];

    [Fact]
    public async Task No_label_of_any_service_tells_a_connection_an_address_or_a_person()
    {
        var tenant = test.NewTenant();
        var member = new GroupMember("999000000900001@lid", "12025550199@s.whatsapp.net");
        await tenant.PostAsync(GroupEvents.Snapshot($"12036300000091{tenant.Name.Length:D4}@g.us", "labels", [member]));
        await tenant.SettledAsync();

        using var client = new HttpClient();
        foreach (var service in test.Mesh.Services)
        {
            var page = await client.GetStringAsync(new Uri(service.HttpAddress, "/metrics"));
            var labels = Labels().Matches(page).Select(static label => (Name: label.Groups[1].Value, Value: label.Groups[2].Value)).Distinct().ToList();

            Assert.NotEmpty(labels);
            Assert.All(labels, label => Assert.DoesNotContain(Forbidden(), word => label.Value.Contains(word, StringComparison.OrdinalIgnoreCase)));
            Assert.All(labels, label => Assert.DoesNotContain(label.Value, Exactly()));
            Assert.DoesNotContain(labels, static label => AddressNames().IsMatch(label.Name));
            Assert.DoesNotContain(labels, static label => Number().IsMatch(label.Value));
            Assert.All(labels.Where(static label => label.Name == "db_client_connection_pool_name"), static label => Assert.Contains(label.Value, Names));
            if (service.App.AppId != "edge")
                Assert.Contains(labels, static label => label.Name == "db_client_connection_pool_name");
        }
    }

    private IEnumerable<NpgsqlConnectionStringBuilder> Connections() =>
        test.Mesh.Databases.ConnectionStrings.Values.Select(static text => new NpgsqlConnectionStringBuilder(text));

    private IEnumerable<string> Forbidden() => Connections()
        .SelectMany(static settings => (string?[])[settings.Host, settings.Password, settings.Database])
        .Concat(["127.0.0.1", "localhost", "Host=", "Username=", "Password=", "Database=", "://", "@g.us", "@lid", "@s.whatsapp.net"])
        .OfType<string>().Where(static word => word.Length > 0).Distinct();

    // A user may be called "postgres", and a database system is.
    private string?[] Exactly() => [.. Connections().Select(static settings => settings.Username).Distinct()];

    [GeneratedRegex("([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\\]|\\\\.)*)\"")]
    private static partial Regex Labels();

    [GeneratedRegex("address|_host|dns_|url_(full|path|query)|peer")]
    private static partial Regex AddressNames();

    [GeneratedRegex(@"\d{8}")]
    private static partial Regex Number();
}
