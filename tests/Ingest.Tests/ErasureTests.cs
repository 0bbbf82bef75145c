using System.Text.Json;
using Grpc.Core;
using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Privacy.V1;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>A person leaves the lake: nothing names them any more, nobody else loses anything, and nothing comes back.</summary>
public class ErasureTests : IAsyncLifetime
{
    private const string Lid = "999000000000003@lid";
    private const string Phone = "12025550103@s.whatsapp.net";
    private const string Other = "999000000000004@lid";

    private TestDatabase _database = null!;
    private IngestUnderTest _ingest = null!;
    private Privacy.V1.Privacy.PrivacyClient _privacy = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _ingest = await IngestUnderTest.StartAsync(_database.ConnectionString);
        _privacy = new Privacy.V1.Privacy.PrivacyClient(_ingest.Channel);
    }

    public async Task DisposeAsync()
    {
        await _ingest.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Nothing_names_an_erased_person_and_what_they_wrote_is_gone()
    {
        var ids = new List<string>();
        foreach (var (type, payload) in Bodies)
            ids.Add(await PostAsync(type, payload));
        await _ingest.SendAsync(IngestUnderTest.Request(
            "/v1/events", $$"""{"type":"t","group_jid":"1@g.us","participant_jid":"{{Lid}}","participant_alt":"{{Phone}}","occurred_at":1717243200,"payload":{"text":"nobody is named in here"} }""", Guid.NewGuid().ToString()));
        var answer = await EraseAsync();
        Assert.Equal((Bodies.Length + 1, ""), ((int)answer.Rows["whatsapp_events"], answer.NextPageToken));
        Assert.Equal(Bodies.Length + 1, answer.Heads[1]);

        var left = string.Join('\n', await _database.ConnectionString.ListAsync<string>("select e::text from whatsapp_events e order by position"));
        foreach (var gone in new[] { "999000000000003", "12025550103(?![0-9])", "555-0103", "secret of the person", "Ana", "nobody is named" })
            Assert.DoesNotMatch(gone, left);
        foreach (var kept in new[] { "what somebody else says to @erased-", "999000000000004", "Bia", "\"\"stage_id\"\":\"\"won\"\"", "GROUP_PARTICIPANT_ADD", "120255501039" })
            Assert.Contains(kept, left, StringComparison.Ordinal);
        // Ids, positions and dedup keys are as they were: what is posted again is a duplicate.
        Assert.Equal(Bodies.Length + 1L, await _database.ConnectionString.ScalarAsync<long>("select count(*) from whatsapp_events where type <> 'person.erased'"));
        await _ingest.PostV2Async(ids[0], Body(Bodies[0].Type, Bodies[0].Payload));
        Assert.Equal(Bodies.Length + 2L, await _database.ConnectionString.ScalarAsync<long>("select count(*) from whatsapp_events"));
    }

    [Fact]
    public async Task A_second_erasure_finds_nothing_and_one_who_posts_again_is_a_new_person()
    {
        await PostAsync("messages.upsert", Bodies[0].Payload);
        await EraseAsync();
        Assert.Equal(0L, (await EraseAsync()).Rows["whatsapp_events"]);
        await PostAsync("messages.upsert", Bodies[0].Payload.Replace("secret", "news", StringComparison.Ordinal));
        var stored = (await _ingest.ExportAsync(new EventFilter { Tenant = "acme" }))[^1].PayloadJson;
        Assert.Contains("news of the person", stored, StringComparison.Ordinal);
        Assert.Equal(1L, (await EraseAsync()).Rows["whatsapp_events"]);
    }

    [Fact]
    public async Task An_erasure_of_one_tenant_leaves_another_alone_and_is_noted_without_saying_of_whom()
    {
        await PostAsync("messages.upsert", Bodies[0].Payload);
        await _ingest.PostV2Async(Guid.NewGuid().ToString(), Body("messages.upsert", Bodies[0].Payload), "globex");
        var request = Request();
        await _privacy.EraseAsync(request);
        Assert.Contains("secret of the person", (await _ingest.ExportAsync(new EventFilter { Tenant = "globex" }))[0].PayloadJson, StringComparison.Ordinal);
        var note = Assert.Single(await _ingest.ExportAsync(new EventFilter { Tenant = "acme", Types_ = { "person.erased" } }));
        Assert.DoesNotContain(request.ErasureId, note.ToString(), StringComparison.Ordinal);
        using var json = JsonDocument.Parse(note.PayloadJson);
        Assert.Equal(("asked by letter", "ops"), (json.RootElement.GetProperty("reason").GetString(), json.RootElement.GetProperty("requested_by").GetString()));
    }

    [Fact]
    public async Task Thousands_of_events_are_erased_portion_by_portion()
    {
        await PostAsync("messages.upsert", Bodies[0].Payload);
        await _database.ConnectionString.ExecuteAsync(
            $"""
            insert into whatsapp_events (log, position, id, revision, tenant, event_id, source, type, occurred_at, occurred_at_source, received_at, payload)
                select 1, n, gen_random_uuid(), 0, 1, gen_random_uuid(), 's', 't', now(), 'o', now(),
                    case when n % 97 = 0 then '[["{Lid}"]]' else '{"{}"}' end from generate_series(2, 12000) n;
            update head set position = 12000;
            """);
        Assert.Equal(1 + (12_000L / 97), (await EraseAsync()).Rows["whatsapp_events"]);
        Assert.Equal(0L, await _database.ConnectionString.ScalarAsync<long>("select count(*) from whatsapp_events where payload like '%999000000000003%'"));
    }

    [Fact]
    public async Task Events_too_large_to_be_held_together_are_erased_one_after_the_other()
    {
        await PostAsync("messages.upsert", Bodies[0].Payload);
        await _database.ConnectionString.ExecuteAsync(
            $"""
            insert into whatsapp_events (log, position, id, revision, tenant, event_id, source, type, occurred_at, occurred_at_source, received_at, payload)
                select 1, n, gen_random_uuid(), 0, 1, gen_random_uuid(), 's', 't', now(), 'o', now(), '["' || repeat('x', 5000000) || '","{Lid}"]' from generate_series(2, 5) n;
            update head set position = 5;
            """);
        Assert.Equal(5L, (await EraseAsync()).Rows["whatsapp_events"]);
        Assert.Equal(0L, await _database.ConnectionString.ScalarAsync<long>("select count(*) from whatsapp_events where payload like '%999000000000003%'"));
    }

    [Fact]
    public async Task A_request_that_breaks_a_rule_names_the_field()
    {
        foreach (var (field, change) in new (string, Action<EraseRequest>)[]
        {
            ("tenant", static request => request.Tenant = ""),
            ("tenant", static request => request.Tenant = "a\0"),
            ("jids", static request => request.Jids.Clear()),
            ("jids", static request => request.Jids.Add("120363000000000001@g.us")),
            ("jids", static request => request.Jids.Add("1@lid")),
            ("jids", static request => request.Jids.Add("nobody")),
            ("jids", static request => request.Jids.Add(Enumerable.Repeat(Lid, 51))),
            ("erasure_id", static request => request.ErasureId = "x"),
            ("reason", static request => request.Reason = ""),
            ("reason", static request => request.Reason = new string('r', 501)),
            ("requested_by", static request => request.RequestedBy = "\0"),
            ("page_token", static request => request.PageToken = "!!"),
            ("page_token", static request => request.PageToken = "AAAA"),
            ("heads", static request => request.Heads.Add(-1, 5)),
        })
        {
            var request = Request();
            change(request);
            var refusal = await Assert.ThrowsAsync<RpcException>(() => _privacy.EraseAsync(request).ResponseAsync);
            Assert.Equal((StatusCode.InvalidArgument, true), (refusal.StatusCode, refusal.Status.Detail.StartsWith(field, StringComparison.Ordinal)));
        }
    }

    private static (string Type, string Payload)[] Bodies =>
    [
        ("messages.upsert", $$$"""{"key":{"remoteJid":"1@g.us","participant":"999000000000003:12@lid","participantAlt":"{{{Phone}}}","id":"A"},"pushName":"Ana","message":{"conversation":"secret of the person"},"messageTimestamp":1717243200}"""),
        ("messages.upsert", $$$"""{"key":{"remoteJid":"1@g.us","participant":"{{{Other}}}","id":"B"},"pushName":"Bia","message":{"extendedTextMessage":{"text":"what somebody else says to @999000000000003","contextInfo":{"participant":"{{{Lid}}}","quotedMessage":{"conversation":"secret of the person"},"mentionedJid":["{{{Lid}}}"]} } } }"""),
        ("messages.upsert", $$$"""{"key":{"remoteJid":"1@g.us","participant":"{{{Other}}}","id":"C"},"messageStubType":"GROUP_PARTICIPANT_ADD","messageStubParameters":["{{{Lid}}}"],"messageTimestamp":1717243200}"""),
        ("groups.metadata", $$$"""{"id":"1@g.us","subject":"group","owner":"{{{Phone}}}","participants":[{"id":"{{{Lid}}}","phoneNumber":"{{{Phone}}}","name":"Ana"},{"id":"{{{Other}}}","name":"Bia"}]}"""),
        ("contacts.upsert", $$$"""[{"id":"{{{Phone}}}","notify":"Ana","phones":{"12025550103":true}},{"id":"120255501039@s.whatsapp.net","notify":"Bia"}]"""),
        ("lead.stage_changed", """{"stage_id":"won","phone":"+1 (202) 555-0103","name":"Ana"}"""),
        ("trigger.fired", """{"id":7,"contact":{"phone":12025550103,"name":"Ana"},"text":"secret of the person"}"""),
        ("t", $$$"""["{{{Lid}}}",1e999999]"""),
    ];

    private static string Body(string type, string payload) => $$"""{"type":"{{type}}","chat_jid":"1@g.us","payload":{{payload}} }""";

    private async Task<string> PostAsync(string type, string payload)
    {
        var id = Guid.NewGuid().ToString();
        Assert.Equal(201, (await _ingest.PostV2Async(id, Body(type, payload))).Status);
        return id;
    }

    private async Task<EraseResponse> EraseAsync() => await _privacy.EraseAsync(Request());

    private static EraseRequest Request() =>
        new() { Tenant = "acme", Jids = { Lid, "12025550103@c.us" }, ErasureId = Guid.NewGuid().ToString(), Reason = "asked by letter", RequestedBy = "ops" };
}
