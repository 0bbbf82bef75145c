namespace WhatsAppMesh.Edge.Tests.Operator;

/// <summary>One request to one route: what a client sends when all is well.</summary>
/// <param name="Method">HTTP method.</param>
/// <param name="Template">The route.</param>
/// <param name="Target">Path and query.</param>
/// <param name="Role">The least role that may.</param>
/// <param name="Body">A body.</param>
/// <param name="MediaType">The body's type.</param>
/// <param name="Status">The answer.</param>
public sealed record RouteCase(
    string Method, string Template, string Target, string Role, string? Body = null, string MediaType = "application/json", int Status = 200)
{
    public bool IsDispatchs { get; init; }

    public bool NeedsInstallation { get; init; }
}

/// <summary>A row for every route of the operator API. A route without one fails a test.</summary>
public static class OperatorRoutes
{
    private const string Id = "01890000-0000-7000-8000-000000000001";
    private const string Event = """{"eventId":"377a14be-f301-532d-8efb-adfe5b0fcfd5","tenant":"beta","type":"messages.upsert","payloadJson":"{}"}""";

    public static IReadOnlyList<RouteCase> All { get; } =
    [
        new("GET", "/api/dead-letters", "/api/dead-letters?service=membership", "viewer"),
        new("GET", "/api/dead-letters/{id}", $"/api/dead-letters/{Id}", "viewer"),
        new("POST", "/api/dead-letters/replay", "/api/dead-letters/replay", "operator", $$"""{"service":"membership","filter":{"types":["messages.upsert"]},"reason":"fixed"}"""),
        new("POST", "/api/dead-letters/discard", "/api/dead-letters/discard", "operator", $$"""{"service":"dispatch","ids":["{{Id}}"],"reason":"no use"}"""),
        new("GET", "/api/replay-jobs/{id}", $"/api/replay-jobs/{Id}", "viewer"),
        new("DELETE", "/api/replay-jobs/{id}", $"/api/replay-jobs/{Id}", "operator"),
        new("POST", "/api/replay-jobs/{id}/pause", $"/api/replay-jobs/{Id}/pause", "operator"),
        new("POST", "/api/replay-jobs/{id}/resume", $"/api/replay-jobs/{Id}/resume?service=membership", "operator"),
        new("GET", "/api/events", "/api/events?type=messages.upsert&page_size=10", "viewer"),
        new("GET", "/api/events/{id}", $"/api/events/{Id}?revision=0", "viewer"),
        new("GET", "/api/events/export", "/api/events/export?occurred_from=2026-01-01T00:00:00Z", "operator"),
        new("POST", "/api/events/import", "/api/events/import", "operator", Event + "\n" + Event, "application/x-ndjson"),
        new("GET", "/api/stats", "/api/stats", "viewer"),
        new("GET", "/api/groups", "/api/groups", "viewer"),
        new("GET", "/api/groups/{jid}", "/api/groups/120363000000000001@g.us", "viewer"),
        new("GET", "/api/groups/{jid}/members", "/api/groups/120363000000000001@g.us/members?as_of=2026-11-21T10:00:00Z&admins_only=true", "viewer"),
        new("GET", "/api/groups/{jid}/history", "/api/groups/120363000000000001@g.us/history", "viewer"),
        new("GET", "/api/participants/{jid}", "/api/participants/999000000000001@lid", "viewer"),
        new("POST", "/api/identities/link", "/api/identities/link", "operator", """{"lid":"999000000000001@lid","phone_jid":"12025550101@s.whatsapp.net"}"""),
        new("POST", "/api/identities/unlink", "/api/identities/unlink", "operator", """{"lid":"999000000000001@lid","phone_jid":"12025550101@s.whatsapp.net"}""", Status: 204),
        new("GET", "/api/audit", "/api/audit", "viewer") { NeedsInstallation = true },
        new("POST", "/api/erasures", "/api/erasures", "operator", $$"""{"erasure_id":"{{Id}}","jids":["999000000000001@lid"],"reason":"asked for"}"""),
        .. Dispatch(),
    ];

    private static IEnumerable<RouteCase> Dispatch()
    {
        yield return Of("GET", "/api/automations", "viewer");
        yield return Of("POST", "/api/automations", "operator", "{}");
        yield return Of("GET", "/api/automations/{id}", "viewer");
        yield return Of("PUT", "/api/automations/{id}", "operator", "{}");
        yield return Of("DELETE", "/api/automations/{id}", "operator");
        yield return Of("GET", "/api/executions", "viewer");
        yield return Of("GET", "/api/executions/{id}", "viewer");
        yield return Of("POST", "/api/executions/{id}/replay", "operator");
        yield return Of("POST", "/api/executions/{id}/resolve", "operator", """{"outcome":"sent","reason":"seen"}""");
        yield return Of("POST", "/api/executions/{id}/discard", "operator", """{"reason":"no use"}""");
        yield return Of("POST", "/api/executions/replay", "operator", """{"filter":{},"reason":"fixed"}""");
        yield return Of("GET", "/api/dispatch/replays/{id}", "viewer");
        yield return Of("DELETE", "/api/dispatch/replays/{id}", "operator");
        yield return Of("POST", "/api/dispatch/replays/{id}/pause", "operator");
        yield return Of("POST", "/api/dispatch/replays/{id}/resume", "operator");
        yield return Of("POST", "/api/triggers/executions/{id}/replay", "operator");
        yield return Of("GET", "/api/triggers/stats", "viewer");
        yield return Of("POST", "/api/dispatch/run", "operator");
        yield return Of("GET", "/api/dispatch/runs/{id}", "viewer");
        yield return Of("DELETE", "/api/dispatch/runs/{id}", "operator");
        foreach (var instances in (string[])["/api/integrations/whatsapp/instances", "/api/whatsapp/instances"])
        {
            yield return Of("GET", instances, "viewer");
            yield return Of("POST", instances, "operator", "{}");
            yield return Of("GET", instances + "/{id}/status", "viewer");
            yield return Of("GET", instances + "/{id}/groups", "viewer");
            yield return Of("GET", instances + "/{id}/metrics", "viewer");
            yield return Of("GET", instances + "/{id}/qr", "operator");
            yield return Of("POST", instances + "/{id}/exists", "operator", "{}");
            yield return Of("POST", instances + "/{id}/connect", "operator");
            yield return Of("POST", instances + "/{id}/messages", "operator", """{"to":"12025550101","content":"Oi"}""");
        }

        static RouteCase Of(string method, string template, string role, string? body = null) =>
            new(method, template, template.Replace("{id}", Id, StringComparison.Ordinal), role, body, Status: 202) { IsDispatchs = true };
    }
}
