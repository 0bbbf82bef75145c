using Google.Protobuf;
using WhatsAppMesh.Edge.Tests.Driving;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.Membership.V1;
using WhatsAppMesh.Privacy.V1;

namespace WhatsAppMesh.Edge.Tests.Operator;

/// <summary>Viewers and exports of a minimised tenant show pseudonyms and no text; operators see everything, and other tenants are as they were.</summary>
public sealed class MinimisationTests
{
    private const string Key = "a key of this test, long enough for it";
    private const string Phone = "12025550103@s.whatsapp.net";
    private const string Lid = "999000000000003@lid";
    private const string Group = "120363000000000001@g.us";
    private const string Gone = "12025550103|999000000000003|Ana|ana[.]souza|Grupo|secret words|VIP";

    private static readonly string Pseudonym = new Minimiser(Key, "acme").Address(Phone)!;

    public static TheoryData<string> Looks => new()
    {
        "/api/groups", $"/api/groups/{Group}", $"/api/groups/{Group}/members", $"/api/groups/{Group}/history", "/api/events",
        "/api/events/377a14be-f301-532d-8efb-adfe5b0fcfd5", "/api/dead-letters?service=membership", "/api/dead-letters/01890000-0000-7000-8000-000000000002",
        "/api/executions", "/api/executions/7",
    };

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task A_viewer_sees_pseudonyms_and_no_text_and_an_operator_everything(string path)
    {
        await using var api = await StartAsync();
        var seen = (await api.AskAsync("GET", path, OperatorUnderTest.AcmeViewer)).GetRawText();
        Assert.DoesNotMatch(Gone, seen);
        var whole = (await api.AskAsync("GET", path, OperatorUnderTest.Acme)).GetRawText();
        if (System.Text.RegularExpressions.Regex.IsMatch(whole, "12025550103@"))
            Assert.Contains(Pseudonym, seen, StringComparison.Ordinal);
        Assert.Equal(whole.Contains(Group, StringComparison.Ordinal), seen.Contains(Group, StringComparison.Ordinal));
        Assert.Equal(whole.Contains("\"next_page_token\":\"next\"", StringComparison.Ordinal), seen.Contains("\"next_page_token\":\"next\"", StringComparison.Ordinal));
        // A key for all tenants sees of this one no more.
        Assert.DoesNotMatch(Gone, (await api.AskAsync("GET", With(path, "tenant=acme"), OperatorUnderTest.AllViewer)).GetRawText());
        var other = (await api.AskAsync("GET", With(path, "tenant=beta"), OperatorUnderTest.AllViewer)).GetRawText();
        Assert.Equal((await api.AskAsync("GET", With(path, "tenant=beta"), OperatorUnderTest.All)).GetRawText().Contains("12025550103", StringComparison.Ordinal), other.Contains("12025550103", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData($"/api/participants/{Phone}")]
    [InlineData("/api/participants/12025550103")]
    [InlineData($"/api/groups/{Group}/history?participant={Lid}")]
    [InlineData($"/api/events?chat_jid={Phone}")]
    [InlineData("/api/executions?entity=12025550103")]
    public async Task A_viewer_cannot_find_a_person_out_by_asking_for_everybody(string path)
    {
        await using var api = await StartAsync();
        await api.RefusedAsync("GET", path, OperatorUnderTest.AcmeViewer, 403, "forbidden");
        using var answer = await api.SendAsync("GET", path, OperatorUnderTest.Acme);
        Assert.Equal(200, (int)answer.StatusCode);
    }

    [Fact]
    public async Task An_export_shows_nobody_unless_an_operator_asks_for_all_of_it()
    {
        await using var api = await StartAsync();
        foreach (var (query, isShown) in new[] { ("", false), ("?full=false", false), ("?full=true", true) })
        {
            var lines = (await (await api.SendAsync("GET", "/api/events/export" + query, OperatorUnderTest.Acme)).Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(3, lines.Length);
            Assert.All(lines, line => Assert.Equal(isShown, System.Text.RegularExpressions.Regex.IsMatch(line, Gone)));
            Assert.All(lines, line => Assert.Equal(!isShown, CollectedEventJson.Parse(System.Text.Encoding.UTF8.GetBytes(line)).Minimised));
            Assert.All(lines, line => Assert.Equal(!isShown, line.Contains(Pseudonym, StringComparison.Ordinal)));
        }
        Assert.Contains("12025550103", await (await api.SendAsync("GET", "/api/events/export", OperatorUnderTest.Beta)).Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await api.RefusedAsync("GET", "/api/events/export?full=true", OperatorUnderTest.AcmeViewer, 403, "forbidden");
    }

    [Fact]
    public async Task Tenants_without_a_key_stop_edge_from_starting() => await Assert.ThrowsAsync<SettingsException>(
        () => OperatorUnderTest.StartAsync(new() { ["Mesh:Minimisation:Tenants:0"] = "acme" }));

    [Fact]
    public async Task An_erasure_takes_the_usernames_that_the_lake_found_to_every_service()
    {
        await using var api = await StartAsync();
        await api.AskAsync("POST", "/api/erasures", OperatorUnderTest.Acme, $$"""{"erasure_id":"{{Guid.NewGuid()}}","jids":["{{Lid}}"],"usernames":["other.one"],"reason":"asked"}""");
        var asked = api.Services.Questions.Where(static question => question.Request is EraseRequest).Select(static question => (question.App, Names: ((EraseRequest)question.Request).Usernames)).ToList();
        Assert.All(asked.Where(static one => one.App == "ingest"), static one => Assert.Equal(["other.one"], one.Names));
        Assert.Equal(["membership", "dispatch"], asked.Where(static one => one.App != "ingest").Select(static one => one.App));
        Assert.All(asked.Where(static one => one.App != "ingest"), static one => Assert.Equal(["other.one", "ana.souza_7"], one.Names));
    }

    private static string With(string path, string query) => path + (path.Contains('?', StringComparison.Ordinal) ? '&' : '?') + query;

    private static async Task<OperatorUnderTest> StartAsync()
    {
        var api = await OperatorUnderTest.StartAsync(new() { ["Mesh:Minimisation:Tenants:0"] = "acme", ["Mesh:Minimisation:Key"] = Key });
        api.Services.Shape = Fill;
        api.Dispatch.Answer = static context => FakeIngest.AnswerAsync(
            context, 200, $$"""{"executions":[{"id":"7","entity":"12025550103","subject":{"phone":"{{Phone}}","lid":"{{Lid}}"},"message":{"content":"secret words"},"status":"pending"}],"next_page_token":"next"}""");
        return api;
    }

    // People, in every answer that can hold some.
    private static void Fill(IMessage answer)
    {
        switch (answer)
        {
            case GetEventResponse one:
                Fill(one.Event);
                break;
            case ListEventsResponse page:
                Fill(page.Events[0]);
                break;
            case ExportEventsResponse line:
                Fill(line.Event);
                break;
            case ListGroupsResponse groups:
                (groups.Groups[0].Description, groups.Groups[0].OwnerJid) = ("secret words", Phone);
                break;
            case GetGroupResponse group:
                (group.Group.Description, group.Group.OwnerJid) = ("ask Ana", Lid);
                break;
            case ListMembersResponse members:
                (members.Members[0].PhoneJid, members.Members[0].PushName, members.Members[0].Tag) = (Phone, "Ana", "VIP");
                break;
            case ListMembershipHistoryResponse history:
                (history.Stays[0].PhoneJid, history.Stays[0].Lid) = (Phone, Lid);
                break;
        }
    }

    private static void Fill(CollectedEvent value) => (value.ChatJid, value.ParticipantJid, value.ParticipantAlt, value.PayloadJson) =
        (Phone, Lid, Phone, $$"""{"key":{"remoteJid":"{{Phone}}"},"pushName":"Ana","message":{"conversation":"secret words"} }""");
}
