using System.Text.RegularExpressions;
using WhatsAppMesh.Events.Tests;
using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Privacy.V1;
using static WhatsAppMesh.Events.Tests.PersonSamples;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>Nobody survives their erasure in the lake, under any name of a field, in any spelling, and nothing brings them back.</summary>
public sealed class ErasedFieldsTests : IAsyncLifetime
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
    public async Task No_field_of_the_lake_names_an_erased_person_and_no_import_brings_them_back()
    {
        foreach (var payload in All())
        {
            var type = payload.StartsWith("{\"lead_id\"", StringComparison.Ordinal) ? "lead.stage_changed" : "t";
            Assert.Equal(201, (await _ingest.PostV2Async(Guid.NewGuid().ToString(), $$"""{"type":"{{type}}","chat_jid":"{{PersonSamples.Group}}","payload":{{payload}} }""")).Status);
        }
        // A revision, and a lead that later says nothing of its phone.
        var revised = Guid.NewGuid().ToString();
        foreach (var text in new[] { "", Secret })
            await _ingest.PostV2Async(revised, $$"""{"type":"t","payload":{"from":"{{Phone}}","body":"{{text}}"} }""");
        await _ingest.PostV2Async(Guid.NewGuid().ToString(), $$"""{"type":"lead.stage_changed","payload":{"lead_id":"7","body":{"stage_id":"lost","name":"{{Name}}"} } }""");
        var old = await _ingest.ExportAsync(new EventFilter { Tenant = Tenant });

        var answer = await EraseAsync();
        Assert.Equal(["ana.souza_7"], answer.Usernames);
        var left = await _database.ConnectionString.ListAsync<string>("select concat_ws(' ', chat_jid, participant_jid, participant_alt, payload) from whatsapp_events");
        Assert.All(left, static row => Assert.DoesNotMatch(Gone, Regex.Replace(row, @"\\+u003", "").Replace("\\", "", StringComparison.Ordinal)));
        var exported = await _ingest.ExportAsync(new EventFilter { Tenant = Tenant });
        Assert.All(exported, static line => Assert.DoesNotMatch(Gone, line.ToString()));
        Assert.Contains(exported, static line => line.PayloadJson.Contains("\"stage_id\":\"lost\"", StringComparison.Ordinal));

        // What was taken out before, and what is taken out now, is known alike.
        var lines = exported.Where(static line => line.Type != "person.erased").ToList();
        Assert.Equal((0L, old.Count), await ImportedAsync(old));
        Assert.Equal((0L, lines.Count), await ImportedAsync(lines));
        Assert.Equal(0L, (await EraseAsync()).Rows["whatsapp_events"]);
    }

    [Fact]
    public async Task A_username_is_learned_before_what_it_stands_beside_is_gone_and_named_ones_are_erased_too()
    {
        await _ingest.PostV2Async(Guid.NewGuid().ToString(), """{"type":"t","payload":{"text":"ask @ana.souza_7, not @ana.souza_77 or @other.one"} }""");
        await _ingest.PostV2Async(Guid.NewGuid().ToString(), $$"""{"type":"t","payload":{"participants":[{"id":"{{Lid}}","username":"Ana.Souza_7"},{"id":"{{OtherLid}}","username":"bia"}]} }""");
        var request = Request();
        request.Usernames.Add("@Other.One");
        var answer = await new Privacy.V1.Privacy.PrivacyClient(_ingest.Channel).EraseAsync(request);
        Assert.Equal(["ana.souza_7", "other.one"], answer.Usernames);
        var left = string.Join('\n', await _database.ConnectionString.ListAsync<string>("select payload from whatsapp_events order by position"));
        Assert.DoesNotMatch("(?i)ana[.]souza_7(?!7)|other[.]one", left);
        Assert.Contains("@ana.souza_77", left, StringComparison.Ordinal);
        Assert.Contains("bia", left, StringComparison.Ordinal);
    }

    private async Task<(long Appended, int Duplicates)> ImportedAsync(List<Events.V1.CollectedEvent> lines)
    {
        var answer = await _ingest.ImportAsync([.. lines]);
        Assert.Equal(0L, answer.Refused);
        return (answer.Appended, (int)answer.Duplicates);
    }

    private async Task<EraseResponse> EraseAsync() => await new Privacy.V1.Privacy.PrivacyClient(_ingest.Channel).EraseAsync(Request());

    private static EraseRequest Request() =>
        new() { Tenant = Tenant, Jids = { Lid, Phone }, ErasureId = Guid.NewGuid().ToString(), Reason = "asked by letter", RequestedBy = "ops" };
}
