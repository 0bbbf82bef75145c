using System.Text.RegularExpressions;
using Npgsql;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>What a data team gets: the view, read-only, as docs/lake.md says.</summary>
public partial class LakeReaderTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private IngestUnderTest _ingest = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _ingest = await IngestUnderTest.StartAsync(_database.ConnectionString);
    }

    public async Task DisposeAsync()
    {
        await _ingest.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task The_examples_of_the_documentation_run_as_the_reader_and_find_what_they_are_for()
    {
        var now = TimeProvider.System.GetUtcNow();
        const string Group = "120363000000000001@g.us";
        string Said(string person, int secondsAgo, string id) =>
            $$"""{"key":{"remoteJid":"{{Group}}","participant":"{{person}}","id":"{{id}}"},"messageTimestamp":{{now.ToUnixTimeSeconds() - secondsAgo}},"message":{"conversation":"hi"} }""";
        foreach (var (type, payload) in new[]
        {
            ("messages.upsert", Said("1@lid", 500, "A")),
            ("messages.upsert", Said("2@lid", 440, "B")),
            ("messages.upsert", Said("1@lid", 400, "C")),
            ("group-participants.update", $$"""{"id":"{{Group}}","action":"add","participants":[{"id":"3@lid"},{"id":"4@lid"}]}"""),
            ("group-participants.update", $$"""{"id":"{{Group}}","action":"remove","participants":["3@lid"]}"""),
        })
        {
            Assert.Equal(201, (await _ingest.PostV2Async(Guid.NewGuid().ToString(), $$"""{"type":"{{type}}","chat_jid":"{{Group}}","payload":{{payload}} }""")).Status);
        }

        var examples = Queries().Matches(await File.ReadAllTextAsync(Path.Combine(SharedFiles.Repository, "docs", "lake.md"))).Select(static match => match.Groups[1].Value).ToList();
        Assert.Equal(4, examples.Count);
        Assert.Equal(3L, (await RowsAsync(examples[0])).Sum(static row => (long)row[2]));
        Assert.Equal(["add 3@lid", "add 4@lid", "remove 3@lid"], (await RowsAsync(examples[1])).Select(static row => $"{row[1]} {row[2]}").Order());
        var answers = Assert.Single(await RowsAsync(examples[2]));
        Assert.Equal((2L, 50d), ((long)answers[1], (double)answers[2]));
        Assert.Equal(["wpp-tui"], (await RowsAsync(examples[3])).Select(static row => (string)row[0]));
    }

    [Theory]
    [InlineData("insert into lake_events (log) values (1)")]
    [InlineData("update lake_events set type = 'x'")]
    [InlineData("delete from lake_events")]
    [InlineData("select * from seen")]
    [InlineData("select * from whatsapp_events")]
    [InlineData("insert into whatsapp_events (log) values (1)")]
    [InlineData("select * from tenants")]
    [InlineData("select * from head")]
    [InlineData("delete from published")]
    [InlineData("truncate whatsapp_events")]
    [InlineData("create table mine (id int)")]
    [InlineData("alter view lake_events rename to mine")]
    public async Task The_reader_reads_the_view_and_nothing_else(string sql)
    {
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => RowsAsync(sql));
        Assert.Contains(refusal.SqlState, new[] { PostgresErrorCodes.InsufficientPrivilege, PostgresErrorCodes.ObjectNotInPrerequisiteState });
    }

    [Fact]
    public async Task The_reader_does_not_see_a_partition_but_sees_what_is_in_it()
    {
        await _ingest.ImportAsync([Transfer.Line(new DateTimeOffset(2021, 5, 5, 0, 0, 0, TimeSpan.Zero))]);
        Assert.Single(await RowsAsync("select position from lake_events where received_at < '2022-01-01' and imported"));
        await Assert.ThrowsAsync<PostgresException>(() => RowsAsync("select position from whatsapp_events_2021_05"));
    }

    [Fact]
    public async Task Where_the_service_may_make_no_roles_the_migration_goes_on_without()
    {
        var (user, absent) = ($"plain_{_database.Name}", $"absent_{_database.Name}");
        await _database.ConnectionString.ExecuteAsync($"create role {user} nologin");
        try
        {
            await _database.ConnectionString.ExecuteAsync($"set role {user}; {M0005_LakeReader.Sql.Replace("lake_reader", absent, StringComparison.Ordinal)}");
            Assert.True(await _database.ConnectionString.ScalarAsync<bool>($"select to_regrole('{absent}') is null"));
        }
        finally
        {
            await _database.ConnectionString.ExecuteAsync($"drop role {user}");
        }
    }

    private async Task<List<object[]>> RowsAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_database.ConnectionString);
        await connection.OpenAsync();
        await new NpgsqlCommand("set role lake_reader", connection).ExecuteNonQueryAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<object[]>();
        while (await reader.ReadAsync())
        {
            var row = new object[reader.FieldCount];
            reader.GetValues(row);
            rows.Add(row);
        }
        return rows;
    }

    [GeneratedRegex("```sql\n((?:select|with) .*?)```", RegexOptions.Singleline)]
    private static partial Regex Queries();
}
