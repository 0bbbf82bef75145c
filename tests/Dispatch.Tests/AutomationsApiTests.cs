using System.Text.Json;
using System.Text.Json.Nodes;
using WhatsAppMesh.Dispatch.Automations;
using WhatsAppMesh.Dispatch.Messages;
using WhatsAppMesh.Dispatch.Tests.Driving;

namespace WhatsAppMesh.Dispatch.Tests;

/// <summary>Automations over the wire, and what is checked when one is saved.</summary>
public sealed class AutomationsApiTests : IAsyncLifetime
{
    private DispatchProcess _dispatch = null!;

    public async Task InitializeAsync() => _dispatch = await DispatchProcess.StartAsync();

    public async Task DisposeAsync() => await _dispatch.DisposeAsync();

    [Fact]
    public async Task An_automation_comes_back_as_it_was_written()
    {
        var created = await _dispatch.SendAsync("POST", "/api/automations", Welcome());
        Assert.Equal((201, "\"1\""), (created.Status, created.ETag));
        var read = await _dispatch.SendAsync("GET", $"/api/automations/{created.Text("id")}");
        Assert.Equal("offer", read.Body!["trigger"]!["stage_id"]!.ToString());
        Assert.Equal("PT10M", read.Body!["steps"]![0]!["delay"]!.ToString());
        Assert.Equal("Hi {{lead.name|there}}", read.Body!["steps"]![0]!["message"]!["content"]!.ToString());
        Assert.Equal(created.Text("id"), (await _dispatch.SendAsync("GET", "/api/automations")).Body!["automations"]![0]!["id"]!.ToString());
    }

    [Fact]
    public async Task Every_error_is_reported_by_field_and_nothing_is_saved()
    {
        var answer = await _dispatch.SendAsync("POST", "/api/automations", """
            {"name":"","colour":"red","trigger":{"kind":"stage_changed","stage_id":" "},"steps":[
                {"step_id":"a","delay":"soon","instance_id":"sales","message":{"type":"text","content":"Hi {{lead.nome}}"}},
                {"step_id":"a","delay":"PT1H","message":{"type":"image","to":"me"}},
                {"step_id":"b","delay":"PT1M","instance_id":"sales","message":{"type":"fax"}},
                {"step_id":"c","delay":"PT2H","instance_id":"sales","message":{"type":"location","location":{"latitude":91,"longitude":0},"template":{}}},
                {"step_id":"d","delay":"PT2H","instance_id":"sales","message":{"type":"text","content":"{{lead.name"}}]}
            """);
        Assert.Equal((422, "invalid_automation"), (answer.Status, answer.Code!));
        Assert.Equal(
            [
                "colour", "name", "steps[0].delay", "steps[0].message.content", "steps[1].instance_id", "steps[1].message.media", "steps[1].message.to", "steps[1].step_id",
                "steps[2].delay", "steps[2].message.type", "steps[3].message.location.latitude", "steps[3].message.template", "steps[4].message.content", "trigger.stage_id",
            ], answer.Fields.Order(StringComparer.Ordinal));
        Assert.Equal(["0"], await _dispatch.Database.RowsAsync("select count(*) from automations"));
    }

    [Theory]
    [InlineData("stage_changed", "stage_id", "lead.attributes.city", true)]
    [InlineData("stage_changed", "stage_id", "trigger.order", false)]
    [InlineData("stage_changed", "stage_id", "member.name", false)]
    [InlineData("trigger_fired", "trigger_id", "trigger.order.0.id", true)]
    [InlineData("trigger_fired", "trigger_id", "lead.name", false)]
    [InlineData("member_joined", "group_jid", "group.subject", true)]
    [InlineData("member_joined", "group_jid", "member.email", false)]
    public async Task Which_placeholders_there_are_depends_on_the_trigger(string kind, string field, string path, bool isKnown)
    {
        var body = $$$"""
            {"name":"x","trigger":{"kind":"{{{kind}}}","{{{field}}}":"{{{Lake.Group}}}"},
             "steps":[{"step_id":"a","instance_id":"sales","message":{"to":"+5511999990001","content":"{{ {{{path}}} | none }}"}}]}
            """;
        Assert.Equal(isKnown ? 201 : 422, (await _dispatch.SendAsync("POST", "/api/automations", body)).Status);
    }

    [Fact]
    public async Task A_fired_trigger_must_say_who_gets_the_message()
    {
        var answer = await _dispatch.SendAsync("POST", "/api/automations",
            """{"name":"x","trigger":{"kind":"trigger_fired","trigger_id":"orders"},"steps":[{"step_id":"a","instance_id":"sales","message":{"content":"Hi"}}]}""");
        Assert.Equal(["steps[0].message.to"], answer.Fields);
    }

    [Fact]
    public async Task Viewers_see_no_messages()
    {
        var id = (await _dispatch.SendAsync("POST", "/api/automations", Welcome())).Text("id");
        var (one, list) = (await _dispatch.SendAsync("GET", $"/api/automations/{id}", role: "viewer"), await _dispatch.SendAsync("GET", "/api/automations", role: "viewer"));
        Assert.Equal("sales", one.Body!["steps"]![0]!["instance_id"]!.ToString());
        Assert.All([one, list], static answer => Assert.DoesNotContain("message", answer.Raw, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(27, 201)]
    [InlineData(28, 400)]
    public async Task What_is_saved_is_never_too_deep_to_be_listed(int levels, int status)
    {
        var deep = string.Concat(Enumerable.Repeat("""{"a":""", levels)) + "1" + new string('}', levels);
        var body = """
            {"name":"x","trigger":{"kind":"stage_changed","stage_id":"a"},"steps":[{"step_id":"a","instance_id":"sales","message":{"type":"template","template":{"name":"t","more":DEEP}}}]}
            """.Replace("DEEP", deep, StringComparison.Ordinal);
        Assert.Equal(status, (await _dispatch.SendAsync("POST", "/api/automations", body)).Status);
        Assert.Equal(200, (await _dispatch.SendAsync("GET", "/api/automations")).Status);
    }

    [Fact]
    public async Task An_automation_that_was_saved_too_deep_hides_no_other()
    {
        var deep = string.Concat(Enumerable.Repeat("""{"a":""", 58)) + "1" + new string('}', 58);
        using var document = JsonDocument.Parse("""{"name":"t","more":DEEP}""".Replace("DEEP", deep, StringComparison.Ordinal));
        await _dispatch.Database.AutomationAsync("stage_changed", "a", [new AutomationStep("a", TimeSpan.Zero, "sales", new Message { Type = "template", Template = document.RootElement.Clone() })]);
        Assert.Equal(200, (await _dispatch.SendAsync("GET", "/api/automations")).Status);
    }

    [Fact]
    public async Task Steps_have_a_size_a_tenant_a_number_of_automations_and_a_page_a_hundred()
    {
        var steps = string.Join(',', Enumerable.Range(0, 3).Select(static i => $$$"""{"step_id":"{{{i}}}","instance_id":"sales","message":{"content":"{{{new string('x', 60_000)}}}"}}"""));
        var large = await _dispatch.SendAsync("POST", "/api/automations", $$"""{"name":"x","trigger":{"kind":"stage_changed","stage_id":"a"},"steps":[{{steps}}]}""");
        Assert.Equal(["steps"], large.Fields);

        await _dispatch.Database.ExecuteAsync("""
            insert into automations (id, tenant, name, enabled, trigger_kind, trigger_value, steps, enabled_since, version, created_at, updated_at)
            select gen_random_uuid(), 'acme', 'x', true, 'stage_changed', 'a', '[]', now(), 1, now(), now() from generate_series(1, 1000)
            """);
        var more = await _dispatch.SendAsync("POST", "/api/automations", Welcome());
        Assert.Equal((409, "too_many_automations"), (more.Status, more.Code!));
        Assert.Equal(201, (await _dispatch.SendAsync("POST", "/api/automations", Welcome(), tenant: "other")).Status);
        var page = await _dispatch.SendAsync("GET", "/api/automations?page_size=500");
        Assert.Equal(100, page.Body!["automations"]!.AsArray().Count);
        Assert.NotNull(page.Text("next_page_token"));
    }

    [Fact]
    public async Task Nobody_undoes_the_change_of_another()
    {
        var id = (await _dispatch.SendAsync("POST", "/api/automations", Welcome())).Text("id");
        Assert.Equal("version_required", (await _dispatch.SendAsync("PUT", $"/api/automations/{id}", Welcome("Second"))).Code);
        Assert.Equal(200, (await _dispatch.SendAsync("PUT", $"/api/automations/{id}", Welcome("Second"), ifMatch: "W/\"1\"")).Status);
        var late = await _dispatch.SendAsync("PUT", $"/api/automations/{id}", Welcome("Third"), ifMatch: "\"1\"");
        Assert.Equal((412, "version_conflict"), (late.Status, late.Code!));
        Assert.Equal("Second", (await _dispatch.SendAsync("GET", $"/api/automations/{id}")).Text("name"));
    }

    [Theory]
    [InlineData("DELETE")]
    [InlineData("PUT")]
    public async Task Deleting_or_switching_off_cancels_what_waits(string method)
    {
        var id = (await _dispatch.SendAsync("POST", "/api/automations", Welcome())).Text("id");
        await _dispatch.Database.ExecuteAsync($"update automations set enabled_since = '{Lake.Midnight:O}'");
        await _dispatch.Database.ApplyAsync(new Lake().Stage("42", "offer", 1));
        Assert.Equal(["42|first|pending"], await _dispatch.Database.JobsAsync());
        var body = method == "PUT" ? Welcome(enabled: false) : null;
        Assert.InRange((await _dispatch.SendAsync(method, $"/api/automations/{id}", body, ifMatch: "\"1\"")).Status, 200, 204);
        Assert.Equal(["42|first|cancelled"], await _dispatch.Database.JobsAsync());
    }

    [Fact]
    public async Task Switching_on_again_minds_causes_from_now_on_only()
    {
        var id = (await _dispatch.SendAsync("POST", "/api/automations", Welcome(enabled: false))).Text("id");
        await _dispatch.Database.ExecuteAsync("update automations set enabled_since = '2020-01-01'");
        await _dispatch.SendAsync("PUT", $"/api/automations/{id}", Welcome(), ifMatch: "\"1\"");
        Assert.Equal(["True"], await _dispatch.Database.RowsAsync("select enabled_since > '2020-01-02' from automations"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_change_that_does_not_say_leaves_it_on_or_off(bool isOn)
    {
        var id = (await _dispatch.SendAsync("POST", "/api/automations", Welcome(enabled: isOn))).Text("id");
        var silent = JsonNode.Parse(Welcome("Second"))!.AsObject();
        silent.Remove("enabled");
        var changed = await _dispatch.SendAsync("PUT", $"/api/automations/{id}", silent.ToJsonString(), ifMatch: "\"1\"");
        Assert.Equal((200, isOn), (changed.Status, changed.Body!["enabled"]!.GetValue<bool>()));
    }

    [Theory]
    [InlineData("\"a\",\"x\":1,\"x\":2", 400)]
    [InlineData("\"a\",\"x\":1e999999", 400)]
    [InlineData("\"a\",\"x\":1e-999999", 400)]
    [InlineData("\"a\",\"x\":[0e9, 0.00, 1e300, -7]", 201)]
    public async Task What_cannot_be_kept_is_the_callers_fault(string template, int status)
    {
        var answer = await _dispatch.SendAsync("POST", "/api/automations", $$$"""
            {"name":"x","trigger":{"kind":"stage_changed","stage_id":"s"},"steps":[{"step_id":"a","instance_id":"sales","message":{"type":"template","template":{"name":{{{template}}} } } }]}
            """);
        Assert.Equal((status, status == 400 ? "invalid_body" : null), (answer.Status, answer.Code));
    }

    [Fact]
    public async Task A_value_that_only_PostgreSQL_knows_it_cannot_keep_is_the_callers_fault_too()
    {
        // More digits after the point than a jsonb number has.
        var answer = await _dispatch.SendAsync("POST", "/api/automations", $$$"""
            {"name":"x","trigger":{"kind":"stage_changed","stage_id":"s"},"steps":[
                {"step_id":"a","instance_id":"sales","message":{"type":"template","template":{"name":"a","x":1.{{{new string('1', 20_000)}}} } } }]}
            """);
        Assert.Equal((422, "invalid_body"), (answer.Status, answer.Code!));
    }

    [Fact]
    public async Task Tenants_do_not_see_each_other()
    {
        var id = (await _dispatch.SendAsync("POST", "/api/automations", Welcome())).Text("id");
        Assert.Equal("not_found", (await _dispatch.SendAsync("GET", $"/api/automations/{id}", tenant: "other")).Code);
        Assert.Equal("not_found", (await _dispatch.SendAsync("PUT", $"/api/automations/{id}", Welcome(), tenant: "other", ifMatch: "\"1\"")).Code);
        Assert.Equal("not_found", (await _dispatch.SendAsync("DELETE", $"/api/automations/{id}", tenant: "other")).Code);
        Assert.Empty((await _dispatch.SendAsync("GET", "/api/automations", tenant: "other")).Body!["automations"]!.AsArray());
    }

    [Fact]
    public async Task Nobody_gets_in_without_sidecar_token_tenant_or_role()
    {
        Assert.Equal(401, (await _dispatch.SendAsync("GET", "/api/automations", token: null)).Status);
        Assert.Equal(401, (await _dispatch.SendAsync("GET", "/api/automations", token: "wrong")).Status);
        Assert.Equal((403, "forbidden"), Of(await _dispatch.SendAsync("GET", "/api/automations", tenant: null)));
        Assert.Equal((403, "forbidden"), Of(await _dispatch.SendAsync("POST", "/api/automations", Welcome(), role: "viewer")));
        Assert.Equal((400, "invalid_body"), Of(await _dispatch.SendAsync("POST", "/api/automations", "{")));
        Assert.Equal((400, "invalid_body"), Of(await _dispatch.SendAsync("POST", "/api/automations", Welcome("NUL").Replace("NUL", "\\u0000", StringComparison.Ordinal))));
        Assert.Equal((400, "invalid_body"), Of(await _dispatch.SendAsync("POST", "/api/automations", Welcome("half").Replace("half", "\\ud800", StringComparison.Ordinal))));
        Assert.Equal((404, "not_found"), Of(await _dispatch.SendAsync("GET", "/api/automations/none")));

        static (int, string?) Of(Answer answer) => (answer.Status, answer.Code);
    }

    [Theory]
    [InlineData("PT10M", "PT10M")]
    [InlineData("P1DT12H", "P1DT12H")]
    [InlineData("P1W", "P7D")]
    [InlineData("00:10:00", "PT10M")]
    [InlineData("1.12:00:00", "P1DT12H")]
    [InlineData("90s", "PT1M30S")]
    [InlineData("2h", "PT2H")]
    [InlineData("PT0.5S", "PT0.5S")]
    [InlineData("PT0S", "PT0S")]
    [InlineData("P", null)]
    [InlineData("PT", null)]
    [InlineData("P1M", null)]
    [InlineData("-00:10:00", null)]
    [InlineData("ten minutes", null)]
    public void Delays_are_read_in_several_forms_and_written_in_one(string text, string? written) =>
        Assert.Equal(written, Delay.Read(text) is { } delay ? Delay.Write(delay) : null);

    [Theory]
    [InlineData("Hi {{lead.name}}!", "Hi Ana!")]
    [InlineData("Hi {{ lead.none | there }}!", "Hi there!")]
    [InlineData("Hi {{lead.none}}!", "Hi !")]
    [InlineData(@"Write \{{lead.name}} for a name", "Write {{lead.name}} for a name")]
    [InlineData("{{lead.tricky}}", "{{lead.name}}")]
    public void Placeholders_become_values_and_values_are_never_read_again(string template, string expected) =>
        Assert.Equal(expected, Placeholders.Render(template, static path => path switch { "lead.name" => "Ana", "lead.tricky" => "{{lead.name}}", _ => null }));

    [Fact]
    public void Texts_inside_a_template_are_rendered_too()
    {
        var message = new Message { Type = MessageType.Template, Template = JsonDocument.Parse("""{"name":"hi","parameters":["{{lead.name}}",3]}""").RootElement };
        Assert.Equal("""{"name":"hi","parameters":["Ana",3]}""", MessageTexts.Render(message, static _ => "Ana").Template!.Value.GetRawText());
        Assert.Equal(["lead.name"], MessageTexts.Paths(message));
    }

    private static string Welcome(string name = "Welcome", bool enabled = true) => new JsonObject
    {
        ["name"] = name,
        ["enabled"] = enabled,
        ["trigger"] = new JsonObject { ["kind"] = "stage_changed", ["stage_id"] = "offer" },
        ["steps"] = new JsonArray(new JsonObject
        {
            ["step_id"] = "first",
            ["delay"] = "10m",
            ["instance_id"] = "sales",
            ["message"] = new JsonObject { ["content"] = "Hi {{lead.name|there}}" },
        }),
    }.ToJsonString();
}
