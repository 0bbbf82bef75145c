using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.Tests;
using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Privacy.V1;
using static WhatsAppMesh.Events.Tests.PersonSamples;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>The data team of a minimised tenant sees pseudonyms and no text, of old events too; another tenant's sees what it always saw.</summary>
public sealed class MinimisationTests : IAsyncLifetime
{
    private const string Other = "globex";

    private static readonly (string Key, string Value)[] Settings =
        [("Mesh:Minimisation:Tenants:0", Tenant), ("Mesh:Minimisation:Key", "a key of this test, long enough for it")];

    private TestDatabase _database = null!;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task Switched_on_later_it_covers_old_events_and_switched_off_it_shows_them_again()
    {
        var count = 0;
        await using (var before = await IngestUnderTest.StartAsync(_database.ConnectionString))
        {
            foreach (var payload in All())
            {
                count++;
                await PostAsync(before, payload, Tenant);
                await PostAsync(before, payload, Other);
            }
        }
        await using (var ingest = await IngestUnderTest.StartAsync(_database.ConnectionString, null, null, Settings))
        {
            // Hidden at once, shown again as they are copied.
            var minimiser = ingest.Services.GetRequiredService<LakeMinimiser>();
            await minimiser.RunAsync(default);
            await Eventually.TrueAsync(async () => await ReadAsync<long>($"select count(*) from lake_events where tenant = '{Tenant}'") == count, "all is copied");
            await AssertNobodyAsync();
            await PostAsync(ingest, All().First(), Tenant);
            await minimiser.RunAsync(default);
            await Eventually.TrueAsync(async () => await ReadAsync<long>($"select count(*) from lake_events where tenant = '{Tenant}'") == count + 1, "the new one is copied");
            await AssertNobodyAsync();
            Assert.Contains("12025550103", await TextAsync(Other), StringComparison.Ordinal);
            Assert.Equal(count, await ReadAsync<long>($"select count(*) from lake_events where tenant = '{Other}'"));
            // Whoever joins by pseudonyms finds the same person under every field.
            var phone = ingest.Services.GetRequiredService<Minimisation>().Of(Tenant)!.Address(Phone);
            Assert.True(await ReadAsync<long>($"select count(*) from lake_events where tenant = '{Tenant}' and payload::text like '%{phone}%'") > 50);
            await Assert.ThrowsAsync<PostgresException>(() => ReadAsync<long>("select count(*) from minimised_events"));
        }
        await using var after = await IngestUnderTest.StartAsync(_database.ConnectionString);
        Assert.Contains("12025550103", await TextAsync(Tenant), StringComparison.Ordinal);
        Assert.Equal(0L, await _database.ConnectionString.ScalarAsync<long>("select count(*) from minimised_events"));
    }

    [Fact]
    public async Task Nothing_of_a_minimised_tenant_is_seen_before_it_is_copied_and_an_erasure_reaches_the_copies()
    {
        await using var ingest = await IngestUnderTest.StartAsync(_database.ConnectionString, null, null, Settings);
        await PostAsync(ingest, $$"""{"key":{"remoteJid":"{{Group}}","participant":"{{Lid}}"},"message":{"conversation":"{{Secret}}"} }""", Tenant);
        Assert.DoesNotContain(Secret, await TextAsync(Tenant), StringComparison.Ordinal);
        Assert.DoesNotMatch(Gone, string.Join(' ', await ToldToAFunctionAsync()));
        await ingest.Services.GetRequiredService<LakeMinimiser>().RunAsync(default);
        await Eventually.TrueAsync(async () => await ReadAsync<long>("select count(*) from lake_events") == 1, "it is copied");
        Assert.DoesNotMatch(Gone, Assert.Single(await ToldToAFunctionAsync()));
        var pseudonym = ingest.Services.GetRequiredService<Minimisation>().Of(Tenant)!.Address(Lid)!;
        Assert.Contains(pseudonym, await TextAsync(Tenant), StringComparison.Ordinal);
        await new Privacy.V1.Privacy.PrivacyClient(ingest.Channel).EraseAsync(new EraseRequest
        {
            Tenant = Tenant, Jids = { Lid }, ErasureId = Guid.NewGuid().ToString(), Reason = "asked", RequestedBy = "ops",
        });
        Assert.DoesNotContain(pseudonym, await TextAsync(Tenant), StringComparison.Ordinal);
        Assert.Contains("erased-", await TextAsync(Tenant), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_key_makes_other_copies()
    {
        await using (var ingest = await IngestUnderTest.StartAsync(_database.ConnectionString, null, null, Settings))
        {
            await PostAsync(ingest, $$"""{"from":"{{Phone}}"}""", Tenant);
            await ingest.Services.GetRequiredService<LakeMinimiser>().RunAsync(default);
            await Eventually.TrueAsync(async () => await ReadAsync<long>("select count(*) from lake_events") == 1, "it is copied");
        }
        var old = await TextAsync(Tenant);
        await using var other = await IngestUnderTest.StartAsync(
            _database.ConnectionString, null, null, Settings[0], ("Mesh:Minimisation:Key", "another key of this test, as long as that"));
        await other.Services.GetRequiredService<LakeMinimiser>().RunAsync(default);
        await Eventually.TrueAsync(async () => await TextAsync(Tenant) != old, "it is copied anew");
        await AssertNobodyAsync();
    }

    private async Task AssertNobodyAsync()
    {
        var seen = await TextAsync(Tenant);
        Assert.DoesNotMatch(Gone, seen);
        foreach (var text in new[] { "Bia", "lunch", "mine", OtherPhone, OtherLid })
            Assert.DoesNotContain(text, seen, StringComparison.Ordinal);
    }

    /// <summary>What a function in a reader's own query is called with, however cheap it says it is.</summary>
    private async Task<List<string>> ToldToAFunctionAsync()
    {
        await using var connection = new NpgsqlConnection(_database.ConnectionString);
        await connection.OpenAsync();
        var told = new List<string>();
        connection.Notice += (_, notice) => told.Add(notice.Notice.MessageText);
        await new NpgsqlCommand("""
            set role lake_reader;
            create function pg_temp.tell(jsonb) returns boolean language plpgsql cost 0.0001 as $$ begin raise notice '%', $1; return true; end $$;
            """, connection).ExecuteNonQueryAsync();
        await new NpgsqlCommand("select count(*) from lake_events where pg_temp.tell(payload)", connection).ExecuteNonQueryAsync();
        return told;
    }

    private Task<string> TextAsync(string tenant) => ReadAsync<string>($"select coalesce(string_agg(e::text, chr(10) order by position), '') from lake_events e where tenant = '{tenant}'");

    private async Task<T> ReadAsync<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(_database.ConnectionString);
        await connection.OpenAsync();
        await new NpgsqlCommand("set role lake_reader", connection).ExecuteNonQueryAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    private static async Task PostAsync(IngestUnderTest ingest, string payload, string tenant)
    {
        var (status, body) = await ingest.PostV2Async(Guid.NewGuid().ToString(), $$"""{"type":"t","chat_jid":"{{Phone}}","payload":{{payload}} }""", tenant);
        Assert.True(status == 201, body);
    }
}
