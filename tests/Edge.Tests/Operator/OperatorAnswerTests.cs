using System.Text.Json;
using Grpc.Core;
using Google.Protobuf.WellKnownTypes;
using WhatsAppMesh.DeadLetters.V1;
using WhatsAppMesh.Edge.Tests.Driving;
using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.Membership.V1;

namespace WhatsAppMesh.Edge.Tests.Operator;

/// <summary>What goes to the services, and what their answers become.</summary>
public sealed class OperatorAnswerTests
{
    private const string Id = "01890000-0000-7000-8000-000000000001";

    [Theory]
    [InlineData(StatusCode.InvalidArgument, 400, "invalid_argument")]
    [InlineData(StatusCode.NotFound, 404, "not_found")]
    [InlineData(StatusCode.FailedPrecondition, 409, "failed_precondition")]
    [InlineData(StatusCode.ResourceExhausted, 429, "rate_limited")]
    [InlineData(StatusCode.Unavailable, 503, "unavailable")]
    [InlineData(StatusCode.DeadlineExceeded, 503, "unavailable")]
    [InlineData(StatusCode.Unimplemented, 501, "not_implemented")]
    [InlineData(StatusCode.Unknown, 503, "unavailable")]
    [InlineData(StatusCode.Internal, 503, "unavailable")]
    [InlineData(StatusCode.Unauthenticated, 503, "unavailable")]
    public async Task A_service_s_status_becomes_one_answer(StatusCode status, int http, string code)
    {
        await using var api = await OperatorUnderTest.StartAsync();
        api.Services.Failure = (_, _) => new RpcException(new Status(status, "the service's own words"));
        using var answer = await api.RefusedAsync("GET", "/api/groups", OperatorUnderTest.Acme, http, code);
        Assert.Equal(http is 429 or 503, answer.Headers.RetryAfter is not null);
        var tellsDetail = status is StatusCode.InvalidArgument or StatusCode.NotFound or StatusCode.FailedPrecondition or StatusCode.Unavailable;
        Assert.Equal(tellsDetail, (await answer.Content.ReadAsStringAsync()).Contains("own words", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_sidecar_that_is_away_is_503()
    {
        await using var api = await OperatorUnderTest.StartAsync(new() { ["DAPR_GRPC_ENDPOINT"] = "http://127.0.0.1:1", ["DAPR_HTTP_ENDPOINT"] = "http://127.0.0.1:1" });
        using var answer = await api.RefusedAsync("GET", "/api/groups", OperatorUnderTest.Acme, 503, "unavailable");
        Assert.DoesNotContain("127.0.0.1", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await api.RefusedAsync("GET", "/api/automations", OperatorUnderTest.Acme, 503, "unavailable");
    }

    [Theory]
    [InlineData("/api/groups?page_size=0")]
    [InlineData("/api/groups?page_size=501")]
    [InlineData("/api/groups?page_size=ten")]
    [InlineData("/api/groups?page_token=a&page_token=b")]
    [InlineData("/api/groups?pagesize=10")]
    [InlineData("/api/groups/x/members?as_of=yesterday")]
    [InlineData("/api/groups/x/members?as_of=2026-11-21T10:00:00")]
    [InlineData("/api/groups/x/members?as_of=2026-11-21T10:00:00Z&include_left=true")]
    [InlineData("/api/groups/x/members?admins_only=1")]
    [InlineData("/api/events?occurred_from=0")]
    [InlineData("/api/events/x?revision=-1")]
    [InlineData("/api/dead-letters")]
    [InlineData("/api/dead-letters?service=ingest")]
    [InlineData("/api/dead-letters?service=membership&state=shut")]
    [InlineData("/api/dead-letters?service=membership&page_token=dispatch.abc")]
    [InlineData("/api/dead-letters?service=membership&error=%00")]
    [InlineData("/api/audit?heads=1", OperatorUnderTest.All)]
    [InlineData("/api/audit?heads=1:101", OperatorUnderTest.All)]
    [InlineData("/api/audit?heads=2:1", OperatorUnderTest.All)]
    public async Task A_parameter_that_breaks_a_rule_is_refused_and_nobody_is_asked(string target, string key = OperatorUnderTest.Acme)
    {
        await using var api = await OperatorUnderTest.StartAsync();
        await api.RefusedAsync("GET", target, key, 400, "invalid_argument");
        Assert.DoesNotContain(api.Services.Questions, static asked => asked.Method != "GetHeads");
    }

    [Theory]
    [InlineData("{", 400, "invalid_argument")]
    [InlineData("null", 400, "invalid_argument")]
    [InlineData("[]", 400, "invalid_argument")]
    [InlineData("""{"service":"membership","ids":[null]}""", 400, "invalid_argument")]
    [InlineData("""{"service":"membership","ids":"all"}""", 400, "invalid_argument")]
    [InlineData("""{"service":"membership","ranges":[null]}""", 400, "invalid_argument")]
    [InlineData("""{"service":"membership","ranges":[{"log":1,"from":1,"to":99999999999999999999}]}""", 400, "invalid_argument")]
    [InlineData("""{"service":"membership","reason":"\ud800"}""", 400, "invalid_argument")]
    [InlineData("""{"service":"membership","reason":"a\u0000b"}""", 400, "invalid_argument")]
    [InlineData("""{"service":"membership","dryrun":true}""", 400, "invalid_argument")]
    [InlineData("""{"service":"nobody","dry_run":true}""", 400, "invalid_argument")]
    [InlineData("""{"dry_run":true}""", 400, "invalid_argument")]
    [InlineData("""{"service":"membership","filter":{"dead_from":"soon"}}""", 400, "invalid_argument")]
    public async Task A_body_that_breaks_a_rule_is_refused_and_nobody_is_asked(string body, int status, string code)
    {
        await using var api = await OperatorUnderTest.StartAsync();
        await api.RefusedAsync("POST", "/api/dead-letters/replay", OperatorUnderTest.Acme, status, code, body);
        Assert.Empty(api.Services.Questions);
    }

    [Fact]
    public async Task A_body_that_is_no_json_or_too_large_is_refused()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        await (await api.SendAsync("POST", "/api/dead-letters/replay", OperatorUnderTest.Acme, "{}", "text/plain")).IsProblemAsync(415, "unsupported_media_type");
        await (await api.SendAsync("POST", "/api/events/import", OperatorUnderTest.Acme, "{}")).IsProblemAsync(415, "unsupported_media_type");
        var large = $$"""{"service":"membership","reason":"{{new string('a', 1024 * 1024)}}"}""";
        await api.RefusedAsync("POST", "/api/dead-letters/replay", OperatorUnderTest.Acme, 413, "body_too_large", large);
    }

    [Fact]
    public async Task A_replay_says_who_asks_and_passes_every_choice_on()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        var answer = await api.AskAsync("POST", "/api/dead-letters/replay", OperatorUnderTest.Acme,
            """
            {"service":"dispatch","ranges":[{"log":1,"from":7,"to":9}],"reason":"fixed","rate":5,"allow_sends":true}
            """);
        Assert.Equal(2, answer.GetProperty("matched").GetInt64());
        Assert.Equal(Id, answer.GetProperty("job_id").GetString());
        var asked = Assert.Single(api.Services.Questions);
        Assert.Equal("dispatch", asked.App);
        Assert.Equal(
            new ReplayRequest
            {
                Tenant = "acme", Ranges = { new DeadLetters.V1.PositionRange { Log = 1, From = 7, To = 9 } }, Reason = "fixed", Rate = 5, AllowSends = true, RequestedBy = "acme-operator",
            },
            asked.Request);
    }

    [Fact]
    public async Task A_list_passes_its_filter_on_and_its_next_page_is_for_the_same_service_alone()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        var page = await api.AskAsync("GET", "/api/dead-letters?service=membership&type=a&type=b&category=poison&error=E&state=discarded&dead_from=2026-01-01T00:00:00%2B02:00&page_size=7", OperatorUnderTest.Acme);
        var request = (ListRequest)Assert.Single(api.Services.Questions).Request;
        Assert.Equal(
            new DeadLetterFilter { Tenant = "acme", Types_ = { "a", "b" }, Category = "poison", Error = "E", State = State.Discarded, DeadFrom = Timestamp.FromDateTime(new DateTime(2025, 12, 31, 22, 0, 0, DateTimeKind.Utc)) },
            request.Filter);
        Assert.Equal(7, request.PageSize);
        Assert.Equal(1, page.GetProperty("causes")[0].GetProperty("count").GetInt64());
        var next = page.GetProperty("next_page_token").GetString();
        await api.RefusedAsync("GET", $"/api/dead-letters?service=dispatch&page_token={next}", OperatorUnderTest.Acme, 400, "invalid_argument");
        await api.AskAsync("GET", $"/api/dead-letters?service=membership&page_token={next}", OperatorUnderTest.Acme);
        Assert.Equal("next", ((ListRequest)api.Services.Questions.Last().Request).PageToken);
    }

    [Theory]
    [InlineData(StatusCode.NotFound, StatusCode.OK, 200, "dispatch")]
    [InlineData(StatusCode.OK, StatusCode.Unavailable, 200, "membership")]
    [InlineData(StatusCode.Unavailable, StatusCode.OK, 200, "dispatch")]
    [InlineData(StatusCode.NotFound, StatusCode.NotFound, 404, "not_found")]
    [InlineData(StatusCode.NotFound, StatusCode.Unavailable, 503, "unavailable")]
    [InlineData(StatusCode.FailedPrecondition, StatusCode.OK, 409, "failed_precondition")]
    public async Task A_job_is_found_wherever_it_is(StatusCode membership, StatusCode dispatch, int status, string expected)
    {
        await using var api = await OperatorUnderTest.StartAsync();
        api.Services.Failure = (app, _) => (app == "membership" ? membership : dispatch) is var code && code == StatusCode.OK ? null : new RpcException(new Status(code, "why"));
        if (status == 200)
            Assert.Equal(expected, (await api.AskAsync("POST", $"/api/replay-jobs/{Id}/pause", OperatorUnderTest.Acme)).GetProperty("service").GetString());
        else
            await api.RefusedAsync("POST", $"/api/replay-jobs/{Id}/pause", OperatorUnderTest.Acme, status, expected);
    }

    [Fact]
    public async Task Members_are_asked_for_as_they_were()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        var page = await api.AskAsync("GET", "/api/groups/120363000000000001@g.us/members?as_of=2026-11-21T10:00:00.5Z", OperatorUnderTest.AcmeViewer);
        Assert.Equal("admin", page.GetProperty("members")[0].GetProperty("role").GetString());
        var request = (ListMembersRequest)Assert.Single(api.Services.Questions).Request;
        Assert.Equal("120363000000000001@g.us", request.GroupJid);
        Assert.Equal(new DateTime(2026, 11, 21, 10, 0, 0, 500, DateTimeKind.Utc), request.AsOf.ToDateTime());
    }

    [Fact]
    public async Task A_group_s_reported_size_stands_beside_the_number_listed_and_what_it_does_not_have_is_absent()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        var group = await api.AskAsync("GET", "/api/groups/120363000000000001@g.us", OperatorUnderTest.AcmeViewer);
        Assert.Equal((29, 3, 3), (group.GetProperty("reported_size").GetInt32(), group.GetProperty("listed").GetInt32(), group.GetProperty("member_count").GetInt32()));
        Assert.Equal(["announce", "jid", "listed", "member_count", "reported_size", "subject"], group.EnumerateObject().Select(static member => member.Name).Order(StringComparer.Ordinal));
        var page = await api.AskAsync("GET", "/api/groups", OperatorUnderTest.AcmeViewer);
        Assert.Equal(29, page.GetProperty("groups")[0].GetProperty("reported_size").GetInt32());
    }

    [Fact]
    public async Task A_person_is_asked_for_by_username_and_shown_with_it_everywhere()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        var person = await api.AskAsync("GET", "/api/participants/@Ana.Maria", OperatorUnderTest.AcmeViewer);
        var stays = await api.AskAsync("GET", "/api/groups/120363000000000001@g.us/history?participant=@ana.maria", OperatorUnderTest.AcmeViewer);
        var members = await api.AskAsync("GET", "/api/groups/120363000000000001@g.us/members", OperatorUnderTest.AcmeViewer);
        Assert.All([person, stays.GetProperty("stays")[0], members.GetProperty("members")[0]], shown => Assert.Equal("ana.maria", shown.GetProperty("username").GetString()));
        var asked = api.Services.Questions.Select(static asked => asked.Request).ToList();
        Assert.Equal("@Ana.Maria", ((GetParticipantRequest)asked[0]).Jid);
        Assert.Equal("@ana.maria", ((ListMembershipHistoryRequest)asked[1]).Jid);
    }

    [Fact]
    public async Task An_export_is_a_line_per_event_and_imports_again_as_it_is()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        using var answer = await api.SendAsync("GET", "/api/events/export", OperatorUnderTest.Acme);
        Assert.Equal("application/x-ndjson", answer.Content.Headers.ContentType?.MediaType);
        var export = await answer.Content.ReadAsStringAsync();
        var lines = export.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.All(lines, static line => Assert.Contains("1e999999", JsonDocument.Parse(line).RootElement.GetProperty("payloadJson").GetString()!, StringComparison.Ordinal));

        using var import = await api.SendAsync("POST", "/api/events/import", OperatorUnderTest.Beta, export + "no json\r\n\n{\"eventId\":\"\\ud800\"}", "application/x-ndjson");
        using var result = JsonDocument.Parse(await import.Content.ReadAsStringAsync());
        var numbers = new[] { "read", "appended", "duplicates", "refused" }.Select(name => result.RootElement.GetProperty(name).GetInt64());
        Assert.Equal([5, 3, 0, 2], numbers);
        Assert.Equal([4, 6], result.RootElement.GetProperty("refusals").EnumerateArray().Select(static line => line.GetProperty("line").GetInt64()));
        var sent = api.Services.Questions.Select(static asked => asked.Request).OfType<ImportEventsRequest>().ToList();
        Assert.All(sent, static batch => Assert.Equal("beta", batch.Tenant));
        Assert.Equal([1, 2, 3], sent.SelectMany(static batch => batch.Lines).Select(static line => line.Number));
    }

    [Fact]
    public async Task A_line_that_no_event_can_have_is_refused_alone()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        var export = await (await api.SendAsync("GET", "/api/events/export", OperatorUnderTest.Acme)).Content.ReadAsStringAsync();
        var large = $$"""{"eventId":"{{Guid.NewGuid()}}","type":"x","payloadJson":"{{new string('x', 9 * 1024 * 1024)}}"}""";
        using var import = await api.SendAsync("POST", "/api/events/import", OperatorUnderTest.Beta, $"{large}\n{new string('y', 17 * 1024 * 1024)}\n{export}", "application/x-ndjson");
        using var result = JsonDocument.Parse(await import.Content.ReadAsStringAsync());
        Assert.Equal((5, 3), (result.RootElement.GetProperty("read").GetInt64(), result.RootElement.GetProperty("appended").GetInt64()));
        Assert.Equal([(1, "is longer than an event may be"), (2, "is longer than an event may be")],
            result.RootElement.GetProperty("refusals").EnumerateArray().Select(static line => (line.GetProperty("line").GetInt32(), line.GetProperty("reason").GetString()!)));
    }

    [Fact]
    public async Task An_import_that_does_not_arrive_whole_is_to_be_sent_again()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        await using var raw = await RawConnection.OpenAsync(api.Edge);
        await raw.SendAsync(
            $"POST /api/events/import HTTP/1.1\r\nHost: x\r\nX-API-Key: {OperatorUnderTest.KeyOf(OperatorUnderTest.Acme)}\r\n"
            + "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n{");
        Assert.Equal(408, await raw.ReadStatusAsync());
    }

    [Fact]
    public async Task An_export_that_breaks_off_is_never_taken_for_a_whole_one()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        api.Services.ExportFailure = new RpcException(new Status(StatusCode.Unavailable, "gone"));
        await Assert.ThrowsAsync<HttpRequestException>(() => api.SendAsync("GET", "/api/events/export", OperatorUnderTest.Acme));

        api.Services.Failure = static (_, _) => new RpcException(new Status(StatusCode.Unavailable, "gone"));
        await api.RefusedAsync("GET", "/api/events/export", OperatorUnderTest.Acme, 503, "unavailable");
    }

    [Fact]
    public async Task A_person_is_erased_in_the_lake_first_and_then_up_to_where_the_lake_was()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        var answer = await api.AskAsync("POST", "/api/erasures", OperatorUnderTest.Acme, $$"""{"erasure_id":"{{Id}}","jids":["999000000000001@lid"],"reason":"asked for"}""");
        Assert.Equal(5, answer.GetProperty("rows").GetProperty("ingest").GetProperty("whatsapp_events").GetInt64());
        Assert.Equal(100, answer.GetProperty("rows").GetProperty("dispatch").GetProperty("facts").GetInt64());
        Assert.Equal(["ingest", "ingest", "membership", "dispatch"], api.Services.Questions.Select(static asked => asked.App));
    }

    [Fact]
    public async Task An_erasure_that_takes_long_goes_on_where_the_last_answer_says()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        // Every call uses the time up; and once membership is behind.
        var isBehind = true;
        api.Services.Failure = (app, _) =>
        {
            api.Edge.Clock.Shift += TimeSpan.FromMinutes(1);
            return app == "membership" && isBehind ? new RpcException(new Status(StatusCode.Unavailable, "behind")) : null;
        };
        var first = await EraseAsync(202);
        Assert.Equal((Id, 2L), (first.GetProperty("erasure_id").GetString(), first.GetProperty("rows").GetProperty("ingest").GetProperty("whatsapp_events").GetInt64()));
        var second = await EraseAsync(202, first);
        Assert.Equal(3L, second.GetProperty("rows").GetProperty("ingest").GetProperty("whatsapp_events").GetInt64());
        await EraseAsync(503, second);
        isBehind = false;
        var third = await EraseAsync(202, second);
        var last = await EraseAsync(200, third);
        Assert.False(last.TryGetProperty("next", out _));
        Assert.Equal(["ingest", "ingest", "membership", "membership", "dispatch"], api.Services.Questions.Select(static asked => asked.App));

        await EraseAsync(400, first, id: Guid.NewGuid().ToString());
        Assert.Equal(5, api.Services.Questions.Count);

        async Task<JsonElement> EraseAsync(int status, JsonElement? before = null, string id = Id)
        {
            var next = before is { } answer ? $",\"next\":\"{answer.GetProperty("next").GetString()}\"" : "";
            using var sent = await api.SendAsync(
                "POST", "/api/erasures", OperatorUnderTest.Acme, $$"""{"erasure_id":"{{id}}","jids":["999000000000001@lid"],"reason":"asked for"{{next}}}""");
            var text = await sent.Content.ReadAsStringAsync();
            Assert.True((int)sent.StatusCode == status, text);
            using var json = JsonDocument.Parse(text);
            return json.RootElement.Clone();
        }
    }

    [Fact]
    public async Task What_an_erasure_has_done_is_not_lost_when_the_next_service_is_away()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        api.Services.Failure = (app, _) =>
        {
            if (app != "membership")
                return null;
            api.Edge.Clock.Shift += TimeSpan.FromMinutes(1);
            return new RpcException(new Status(StatusCode.Unavailable, "behind"));
        };
        using var sent = await api.SendAsync(
            "POST", "/api/erasures", OperatorUnderTest.Acme, $$"""{"erasure_id":"{{Id}}","jids":["999000000000001@lid"],"reason":"asked for"}""");
        Assert.Equal(202, (int)sent.StatusCode);
        Assert.Contains("\"whatsapp_events\":5", await sent.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_are_counted_by_key_and_reason()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        await api.AskAsync("GET", "/api/groups", OperatorUnderTest.Acme);
        await api.RefusedAsync("GET", "/api/groups", null, 401, "unauthorized");
        var metrics = await api.Edge.Client.GetStringAsync("/metrics");
        Assert.Contains("mesh_operator_requests_total{", metrics, StringComparison.Ordinal);
        Assert.Contains("key=\"acme-operator\"", metrics, StringComparison.Ordinal);
        Assert.Contains("reason=\"unauthorized\"", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("mesh_acme", metrics, StringComparison.Ordinal);
    }
}
