using System.ComponentModel;
using System.Diagnostics;
using System.Reflection;
using Npgsql;
using WhatsAppMesh.GoComponents;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Libs.Tests.GoComponents;

/// <summary>Npgsql settings as a component in Go reads them.</summary>
public sealed class GoConnectionStringTests
{
    private const string Hostile = " a b'c\"d\\e%20f@g:h/i?j#k&l+m=n;o,p[q]{r}é漢😀$!*()<>|^`~\\' ";

    // What is about Npgsql itself. A setting that a new Npgsql brings stands nowhere, and whoever upgrades decides what becomes of it.
    private static readonly string[] WithoutMeaning =
    [
        "Array Nullability Mode", "Auto Prepare Min Usages", "Cancellation Timeout", "Command Timeout", "Connection Idle Lifetime",
        "Connection Lifetime", "Connection Pruning Interval", "Encoding", "Enlist", "Host Recheck Seconds", "Include Error Detail",
        "Include Failed Batched Command", "Include Realm", "Internal Command Timeout", "Keepalive", "Load Balance Hosts",
        "Load Table Composites", "Log Parameters", "Max Auto Prepare", "Maximum Pool Size", "Minimum Pool Size", "Multiplexing",
        "No Reset On Close", "Persist Security Info", "Pooling", "Read Buffer Size", "Server Compatibility Mode",
        "Socket Receive Buffer Size", "Socket Send Buffer Size", "TCP Keepalive", "TCP Keepalive Interval", "TCP Keepalive Time",
        "Trust Server Certificate", "Write Buffer Size", "Write Coalescing Buffer Threshold Bytes",
    ];

    private static readonly string[] Refused =
    [
        "Channel Binding", "Check Certificate Revocation", "GSS Encryption Mode", "Require Auth", "SSL Negotiation",
    ];

    private static readonly string[] Carried =
    [
        "Application Name", "Client Encoding", "Database", "Host", "Kerberos Service Name", "Options", "Passfile", "Password", "Port",
        "Root Certificate", "SSL Certificate", "SSL Key", "SSL Mode", "SSL Password", "Search Path", "Target Session Attributes", "Timeout",
        "Timezone", "Username",
    ];

    [Theory]
    [InlineData("Host=db;Username=u;Password=p;Database=d", "postgres://u:p@db:5432/d?sslmode=prefer")]
    [InlineData("Server=db;Port=6432;User Id=u;DB=d;SSL Mode=Disable", "postgres://u@db:6432/d?sslmode=disable")]
    [InlineData(
        "Host=db;Username=u;Password='a b';Database=d;SSL Mode=VerifyFull;Root Certificate=/ca.pem",
        "postgres://u:a%20b@db:5432/d?sslrootcert=%2Fca.pem&sslmode=verify-full")]
    [InlineData(
        "Host=127.0.0.1;Username=u;Database=d;Application Name=claims;Timeout=5;Maximum Pool Size=8",
        "postgres://u@127.0.0.1:5432/d?application_name=claims&connect_timeout=5&sslmode=prefer")]
    [InlineData("Host=/var/run/postgresql;Username=u;Database=d", "postgres://u@/d?host=%2Fvar%2Frun%2Fpostgresql&port=5432&sslmode=prefer")]
    [InlineData(
        "Host=a:1,b,[::1]:3;Port=2;Username=u;Database=d;Target Session Attributes=read-write",
        "postgres://u@/d?host=a%2Cb%2C%3A%3A1&port=1%2C2%2C3&target_session_attrs=read-write&sslmode=prefer")]
    [InlineData("Host=::1;Username=u", "postgres://u@/?host=%3A%3A1&port=5432&sslmode=prefer")]
    [InlineData("Host=db;Database=d", "postgres://db:5432/d?sslmode=prefer")]
    [InlineData(
        "Host=db;Username=u;Search Path=a b;Timezone=UTC;Options=-c jit=off",
        @"postgres://u@db:5432/?sslmode=prefer&options=-c%20jit%3Doff%20-c%20search_path%3Da%5C%20b%20-c%20TimeZone%3DUTC")]
    public void A_connection_string_becomes_a_url(string npgsql, string url) => Assert.Equal(url, GoConnectionString.FromNpgsql(npgsql).Url);

    [Fact]
    public void Whatever_a_password_holds_is_read_again_by_daprd_s_rules()
    {
        var given = new NpgsqlConnectionStringBuilder { Host = "db", Username = "user" + Hostile, Password = Hostile, Database = "d" + Hostile };

        var read = PgxConnection.Parse(GoConnectionString.FromNpgsql(given.ConnectionString).Url).Settings;

        Assert.Equal(
            (given.Username, given.Password, given.Database, "db", "5432"),
            (read["user"], read["password"], read["database"], read["host"], read["port"]));
    }

    [Fact]
    public async Task Every_character_goes_through_libpq_to_a_server_that_asks_for_the_password()
    {
        await using var database = await TestDatabase.CreateAsync();
        var server = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        // A name has room for 63 bytes.
        var role = "r '\"\\%@:/é " + Guid.NewGuid().ToString("N");
        var name = role.Replace("\"", "\"\"", StringComparison.Ordinal);
        var password = Hostile.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal);
        await ExecuteAsync(database.ConnectionString, $"create role \"{name}\" login password E'{password}'");
        var url = GoConnectionString.FromNpgsql(new NpgsqlConnectionStringBuilder
        {
            Host = server.Host, Port = server.Port, Database = database.Name, Username = role, Password = Hostile,
            ApplicationName = "it's me", SearchPath = "\"a b\", public",
        }.ConnectionString).Url;
        try
        {
            Assert.Equal(
                $"{role}|it's me|\"a b\", public",
                await PsqlAsync(url, "select current_user, current_setting('application_name'), current_setting('search_path')"));
            var refused = await PsqlAsync(url.Replace(":%20a", ":%20b", StringComparison.Ordinal), "select 1");
            Assert.Contains("password authentication failed", refused, StringComparison.Ordinal);
        }
        finally
        {
            await ExecuteAsync(database.ConnectionString, $"drop role \"{name}\"");
        }
    }

    [Theory]
    [InlineData("Channel Binding=Require", "Channel Binding")]
    [InlineData("Require Auth=ScramSHA256", "Require Auth")]
    [InlineData("Check Certificate Revocation=true", "Check Certificate Revocation")]
    [InlineData("SSL Negotiation=Direct;SSL Mode=Require", "SSL Negotiation")]
    [InlineData("GSS Encryption Mode=Require", "GSS Encryption Mode")]
    [InlineData("SSL Certificate=/c.pem", "SSL Key")]
    [InlineData("Target Session Attributes=prefer-primary", "Target Session Attributes")]
    public void What_protects_the_connection_is_refused_rather_than_lost(string setting, string named)
    {
        var refused = Assert.Throws<FormatException>(() => GoConnectionString.FromNpgsql($"Host=db;Username=u;Password=secret-word;{setting}"));

        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-word", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Username=u;Password=secret-word")]
    [InlineData("Host=db;Port=secret-word")]
    [InlineData("Host=db;Nothing Like It=secret-word")]
    [InlineData("Host=@abstract;Password=secret-word")]
    [InlineData("Host=db:secret-word;Username=u")]
    [InlineData("host=db password=secret-word")]
    [InlineData("postgres://u:secret-word@db/d")]
    public void What_is_no_address_is_refused_without_a_word_of_it(string npgsql)
    {
        var refused = Assert.Throws<FormatException>(() => GoConnectionString.FromNpgsql(npgsql));

        Assert.DoesNotContain("secret-word", refused.ToString().Split("   at ")[0], StringComparison.Ordinal);
    }

    [Fact]
    public void What_has_no_meaning_in_a_Go_component_is_dropped_and_said()
    {
        var made = GoConnectionString.FromNpgsql("Host=db;Username=u;Maximum Pool Size=8;Keepalive=30;No Reset On Close=true");

        Assert.Equal(["Keepalive", "Maximum Pool Size", "No Reset On Close"], made.Dropped);
        Assert.Equal("postgres://u@db:5432/?sslmode=prefer", made.Url);
    }

    [Fact]
    public void Every_setting_that_Npgsql_has_is_carried_refused_or_known_to_have_no_meaning()
    {
        var all = typeof(NpgsqlConnectionStringBuilder).GetProperties()
            .Where(property => property.GetCustomAttribute<CategoryAttribute>() is not null)
            .Select(property => property.GetCustomAttribute<DisplayNameAttribute>()!.DisplayName);

        Assert.Equal(WithoutMeaning.Concat(Refused).Concat(Carried).Order(StringComparer.Ordinal), all.Order(StringComparer.Ordinal));
    }

    private static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<string> PsqlAsync(string url, string sql)
    {
        var start = new ProcessStartInfo("psql", ["-X", "-A", "-t", "-w", "-d", url, "-c", sql]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var psql = Process.Start(start)!;
        var said = await psql.StandardOutput.ReadToEndAsync() + await psql.StandardError.ReadToEndAsync();
        await psql.WaitForExitAsync();
        return said.TrimEnd('\n');
    }
}
