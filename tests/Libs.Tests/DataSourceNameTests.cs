using System.Text.RegularExpressions;
using Npgsql;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Libs.Tests;

/// <summary>Npgsql labels its metrics with the whole connection string of a data source that has no name.</summary>
public sealed partial class DataSourceNameTests
{
    // LocalPostgres runs in tests and in the launcher, which nobody scrapes.
    private static readonly string[] Folders = ["services", "libs", "tools/devsidecar"];

    [Fact]
    public void Whoever_is_scraped_opens_no_data_source_and_no_connection_without_a_name()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "dapr.yaml")))
            root = Path.GetDirectoryName(root)!;
        var files = Folders.SelectMany(folder => Directory.GetFiles(Path.Combine(root, folder), "*.cs", SearchOption.AllDirectories))
            .Where(static file => !file.Contains("LocalPostgres", StringComparison.Ordinal)).ToDictionary(static file => file, File.ReadAllText);

        Assert.Contains(files.Values, static code => code.Contains("new NpgsqlDataSourceBuilder(", StringComparison.Ordinal));
        Assert.Contains(files.Values, static code => code.Contains(".UseNpgsql(", StringComparison.Ordinal));
        Assert.All(files, static file => Assert.DoesNotMatch(Unnamed(), file.Value));
    }

    [Fact]
    public void A_data_source_is_called_by_the_name_that_it_is_given()
    {
        using var named = DatabaseSessions.Open(new NpgsqlConnectionStringBuilder { Host = "db.example.org", Username = "someone", Password = "secret" }, "lake");

        Assert.DoesNotContain("secret", named.ConnectionString, StringComparison.Ordinal);
        Assert.Equal("lake", typeof(NpgsqlDataSource).GetProperty("Name", System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)!.GetValue(named));
    }

    [GeneratedRegex(@"NpgsqlDataSource\.Create\(|NpgsqlSlimDataSourceBuilder\(|new NpgsqlConnection\(|new NpgsqlDataSourceBuilder\((?!.*\{ Name = )|\.UseNpgsql\((?!(?s:.{0,200})ConfigureDataSource\()")]
    private static partial Regex Unnamed();
}
