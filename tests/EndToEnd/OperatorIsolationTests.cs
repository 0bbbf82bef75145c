using System.Text.Json.Nodes;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.EndToEnd;

/// <summary>With the key of one tenant, every route is asked for what another tenant has: nothing is told and nothing changes.</summary>
[Collection(MeshCollection.Name)]
public sealed class OperatorIsolationTests(MeshUnderTest test)
{
    private const string Group = "120363000000005001@g.us";
    private const string Refused = "120363000000005002@g.us";
    private const string Subject = "Segredo da tenant B";

    private static readonly GroupMember Bia = new("999000000000501@lid", "5500900000501@s.whatsapp.net");

    [Fact]
    public async Task Every_route_refuses_or_finds_nothing_of_another_tenant()
    {
        var (mine, other) = (test.NewTenant(), test.NewTenant());
        var theirs = await PrepareAsync(other);
        using var api = OperatorClient.Of(mine);
        using var owner = OperatorClient.Of(other);
        var before = await StateAsync(owner, theirs);
        var attempts = Attempts(theirs);

        var document = await api.AskAsync("GET", "/api/openapi.json");
        foreach (var (path, operations) in document["paths"]!.AsObject())
        {
            foreach (var (method, operation) in operations!.AsObject())
            {
                if (operation!["x-role"]!.GetValue<string>() == "public")
                    continue;
                var name = $"{method.ToUpperInvariant()} {path}";
                Assert.True(attempts.Remove(name, out var attempt), $"{name} has no row here");
                var (status, text) = await api.SendAsync(method.ToUpperInvariant(), attempt!.Target ?? path, attempt.Body, attempt.Type);
                Assert.True(attempt.Statuses.Contains((int)status) && text.Contains(attempt.Tells, StringComparison.Ordinal), $"{name}: {(int)status} {text}");
                Assert.All(theirs.Secrets.Append(other.Name), secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
            }
        }

        Assert.Empty(attempts);
        Assert.Equal(before, await StateAsync(owner, theirs));
        foreach (var (route, token) in theirs.PageTokens)
        {
            var (status, text) = await api.SendAsync("GET", $"{route}page_token={Uri.EscapeDataString(token)}");
            Assert.True((int)status is 400 or 404, $"{route}: {(int)status} {text}");
        }
    }

    private async Task<Theirs> PrepareAsync(TestTenant other)
    {
        await Books.ExecuteAsync(test.Mesh, "membership", $"alter table whatsapp_groups add constraint refuses_isolated check (jid <> '{Refused}' or tenant <> '{other.Name}')");
        await other.PostAsync(GroupEvents.Snapshot(Group, Subject, [Bia]));
        await other.PostAsync(GroupEvents.Snapshot("120363000000005003@g.us", Subject, [Bia]));
        await other.PostAsync(GroupEvents.Snapshot(Refused, Subject, [Bia]));
        using var owner = OperatorClient.Of(other);
        await Eventually.AskAsync(() => test.Client.OpenDeadLettersAsync(other.Name), static letters => letters.Count > 0, MeshUnderTest.Patience);
        Assert.Single(await other.MembersAsync(Group, static members => members.Count == 1));
        var letter = (await owner.AskAsync("GET", "/api/dead-letters?service=membership"))["dead_letters"]![0]!["id"]!.GetValue<string>();
        var job = (await owner.AskAsync("POST", "/api/dead-letters/replay", $$"""{"service":"membership","ids":["{{letter}}"],"reason":"to have a job"}"""))["job_id"]!.GetValue<string>();
        await Eventually.AskAsync(() => owner.AskAsync("GET", $"/api/replay-jobs/{job}"), static now => now["state"]!.GetValue<string>() == "done", MeshUnderTest.Patience);
        letter = (await owner.AskAsync("GET", "/api/dead-letters?service=membership"))["dead_letters"]![0]!["id"]!.GetValue<string>();
        var events = await owner.AskAsync("GET", "/api/events?page_size=1");
        var groups = await owner.AskAsync("GET", "/api/groups?page_size=1");
        var instance = MeshUnderTest.InstanceOf(other.Name);
        var sent = await owner.AskAsync("POST", $"/api/whatsapp/instances/{instance}/messages", $$"""{"to":"5500900000501","content":"{{Subject}}"}""");
        var execution = sent["job_id"]!.GetValue<string>();
        await StateOfAsync($"/api/executions/{execution}", "status", "sent");
        var run = (await owner.AskAsync("POST", "/api/dispatch/run"))["run_id"]!.GetValue<string>();
        await StateOfAsync($"/api/dispatch/runs/{run}", "state", "completed");
        var replay = (await owner.AskAsync("POST", "/api/executions/replay", """{"filter":{},"reason":"to have one"}"""))["replay_id"]!.GetValue<string>();
        await StateOfAsync($"/api/dispatch/replays/{replay}", "state", "completed");
        return new Theirs(letter, job, events["events"]![0]!["event_id"]!.GetValue<string>(),
        [
            ("/api/events?page_size=1&", events["next_page_token"]!.GetValue<string>()),
            ("/api/groups?page_size=1&", groups["next_page_token"]!.GetValue<string>()),
        ])
        {
            Instance = instance,
            Automation = (await owner.AskAsync("POST", "/api/automations", AutomationOf(instance)))["id"]!.GetValue<string>(),
            Execution = execution,
            Run = run,
            Replay = replay,
        };

        Task StateOfAsync(string target, string name, string state) =>
            Eventually.AskAsync(() => owner.AskAsync("GET", target), now => now[name]!.GetValue<string>() == state, MeshUnderTest.Patience);
    }

    private static async Task<string> StateAsync(OperatorClient owner, Theirs theirs)
    {
        var parts = new[]
        {
            $"/api/dead-letters/{theirs.Letter}", "/api/dead-letters?service=membership", $"/api/replay-jobs/{theirs.Job}", "/api/events", "/api/groups",
            $"/api/groups/{Group}/members?include_left=true", $"/api/groups/{Group}/history", $"/api/participants/{Bia.Lid}", "/api/stats",
            "/api/automations", $"/api/automations/{theirs.Automation}", "/api/executions", $"/api/executions/{theirs.Execution}", $"/api/dispatch/runs/{theirs.Run}",
            $"/api/dispatch/replays/{theirs.Replay}", "/api/triggers/stats", $"/api/whatsapp/instances/{theirs.Instance}/status",
        };
        var state = new List<string>();
        foreach (var part in parts)
            state.Add((await owner.AskAsync("GET", part)).ToJsonString());
        return string.Join('\n', state);
    }

    // Statuses: what may be answered. A list is 200 and must be empty of theirs; a thing is 404.
    private static Dictionary<string, Attempt> Attempts(Theirs theirs)
    {
        var pair = $$"""{"lid":"{{Bia.Lid}}","phone_jid":"{{Bia.Phone}}","reason":"none of mine"}""";
        var attempts = new Dictionary<string, Attempt>
        {
            ["GET /api/dead-letters"] = new([200], $"/api/dead-letters?service=membership"),
            ["GET /api/dead-letters/{id}"] = new([404], $"/api/dead-letters/{theirs.Letter}"),
            ["POST /api/dead-letters/replay"] = new([404], Body: $$"""{"service":"membership","ids":["{{theirs.Letter}}"],"reason":"none of mine"}"""),
            ["POST /api/dead-letters/discard"] = new([404], Body: $$"""{"service":"membership","ids":["{{theirs.Letter}}"],"reason":"none of mine"}"""),
            ["GET /api/replay-jobs/{id}"] = new([404], $"/api/replay-jobs/{theirs.Job}"),
            ["DELETE /api/replay-jobs/{id}"] = new([404], $"/api/replay-jobs/{theirs.Job}"),
            ["POST /api/replay-jobs/{id}/pause"] = new([404], $"/api/replay-jobs/{theirs.Job}/pause"),
            ["POST /api/replay-jobs/{id}/resume"] = new([404], $"/api/replay-jobs/{theirs.Job}/resume"),
            ["GET /api/events"] = new([200], $"/api/events?chat_jid={Group}"),
            ["GET /api/events/{id}"] = new([404], $"/api/events/{theirs.Event}"),
            ["GET /api/events/export"] = new([200], "/api/events/export"),
            ["POST /api/events/import"] = new([200], Body: "not an event", Type: "application/x-ndjson"),
            ["GET /api/stats"] = new([200]),
            ["GET /api/groups"] = new([200]),
            ["GET /api/groups/{jid}"] = new([404], $"/api/groups/{Group}"),
            ["GET /api/groups/{jid}/members"] = new([404], $"/api/groups/{Group}/members"),
            ["GET /api/groups/{jid}/history"] = new([404], $"/api/groups/{Group}/history"),
            ["GET /api/participants/{jid}"] = new([404], $"/api/participants/{Bia.Lid}"),
            ["POST /api/identities/unlink"] = new([204, 400, 404, 409], Body: pair),
            ["GET /api/audit"] = new([403]),
            ["POST /api/erasures"] = new([200, 202, 501, 503], Body: $$"""{"erasure_id":"{{Guid.NewGuid()}}","jids":["{{Bia.Lid}}"],"reason":"none of mine"}"""),
        };

        // Its answer names the person who is linked, who is mine from then on.
        attempts["POST /api/identities/link"] = new([400, 409], Body: pair.Replace(Bia.Lid, "not-a-lid", StringComparison.Ordinal));
        foreach (var (name, attempt) in DispatchAttempts(theirs).Concat(InstanceAttempts(theirs)))
            attempts[name] = attempt;
        return attempts;
    }

    private static Dictionary<string, Attempt> DispatchAttempts(Theirs theirs)
    {
        var (execution, replay, run) = ($"/api/executions/{theirs.Execution}", $"/api/dispatch/replays/{theirs.Replay}", $"/api/dispatch/runs/{theirs.Run}");
        return new Dictionary<string, Attempt>
        {
            ["GET /api/automations"] = new([200]),
            ["POST /api/automations"] = new([422], Body: AutomationOf(theirs.Instance)),
            ["GET /api/automations/{id}"] = new([404], $"/api/automations/{theirs.Automation}"),
            ["PUT /api/automations/{id}"] = new([404], $"/api/automations/{theirs.Automation}", AutomationOf("path", ",\"version\":1")),
            ["DELETE /api/automations/{id}"] = new([404], $"/api/automations/{theirs.Automation}"),
            ["GET /api/executions"] = new([200]),
            ["GET /api/executions/{id}"] = new([404], execution),
            ["POST /api/executions/{id}/replay"] = new([404], $"{execution}/replay", """{"reason":"none of mine"}"""),
            ["POST /api/triggers/executions/{id}/replay"] = new([404], $"/api/triggers/executions/{theirs.Execution}/replay", "{}"),
            ["POST /api/executions/{id}/resolve"] = new([404], $"{execution}/resolve", """{"outcome":"not_sent","reason":"none of mine","send_again":true}"""),
            ["POST /api/executions/{id}/discard"] = new([404], $"{execution}/discard", """{"reason":"none of mine"}"""),
            ["POST /api/executions/replay"] = new([202], Body: $$"""{"filter":{"ids":["{{theirs.Execution}}"]},"reason":"none of mine"}""") { Tells = "\"selected\":0" },
            ["GET /api/triggers/stats"] = new([200]) { Tells = "\"total_executions\":0" },
            ["GET /api/dispatch/replays/{id}"] = new([404], replay),
            ["DELETE /api/dispatch/replays/{id}"] = new([404], replay),
            ["POST /api/dispatch/replays/{id}/pause"] = new([404], $"{replay}/pause"),
            ["POST /api/dispatch/replays/{id}/resume"] = new([404], $"{replay}/resume"),
            ["POST /api/dispatch/run"] = new([202]) { Tells = "\"queued\":0" },
            ["GET /api/dispatch/runs/{id}"] = new([404], run),
            ["DELETE /api/dispatch/runs/{id}"] = new([404], run),
        };
    }

    private static IEnumerable<KeyValuePair<string, Attempt>> InstanceAttempts(Theirs theirs)
    {
        foreach (var root in (string[])["/api/integrations/whatsapp/instances", "/api/whatsapp/instances"])
        {
            yield return new($"GET {root}", new([200]));
            yield return new($"POST {root}", new([422], Body: $$"""{"id":"{{theirs.Instance}}"}"""));
            foreach (var action in (string[])["status", "groups", "metrics", "qr"])
                yield return new($"GET {root}/{{id}}/{action}", new([404], $"{root}/{theirs.Instance}/{action}"));
            foreach (var action in (string[])["exists", "connect", "messages"])
                yield return new($"POST {root}/{{id}}/{action}", new([404], $"{root}/{theirs.Instance}/{action}", """{"to":"5500900000501","content":"none of mine"}"""));
        }
    }

    private static string AutomationOf(string instance, string more = "") => $$$"""
        {"name":"{{{Subject}}}","trigger":{"kind":"member_joined","group_jid":"{{{Group}}}"},
         "steps":[{"step_id":"a","delay":"PT1H","instance_id":"{{{instance}}}","message":{"content":"{{{Subject}}}"}}]{{{more}}}}
        """;

    private sealed record Attempt(int[] Statuses, string? Target = null, string? Body = null, string Type = "application/json")
    {
        public string Tells { get; init; } = "";
    }

    private sealed record Theirs(string Letter, string Job, string Event, IReadOnlyList<(string Route, string Token)> PageTokens)
    {
        public required string Instance { get; init; }

        public required string Automation { get; init; }

        public required string Execution { get; init; }

        public required string Run { get; init; }

        public required string Replay { get; init; }

        /// <summary>What no answer may hold.</summary>
        public IEnumerable<string> Secrets => [Subject, Bia.Lid, Instance, Automation, Execution, Run, Replay];
    }
}
