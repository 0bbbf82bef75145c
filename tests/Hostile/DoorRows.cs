using System.Globalization;

namespace WhatsAppMesh.Hostile;

/// <summary>Wrong paths, methods and content types, and the doors that are not the collector's.</summary>
public static class DoorRows
{
    private const string Plain = "/api/triggers/on-plain/webhook";
    private const string GitHub = "/api/triggers/on-github/webhook";
    private const string Stripe = "/api/triggers/on-stripe/webhook";
    private const string Linear = "/api/triggers/on-linear/webhook";
    private const string Lead = "/api/leads/lead-1/stage";
    private const string Broker = "/api/integrations/whatsapp/webhook";
    private const string Waha = "/api/integrations/waha/webhook";

    private static readonly string Key = "X-API-Key: " + Senders.ApiKey;

    public static IEnumerable<Row> All => [.. Paths, .. Types, .. Triggers, .. Leads, .. Others, .. DeliveryRows.All];

    private static IEnumerable<Row> Paths =>
    [
        Line("GET at a door", "GET", Request.V2Path, [405], "method_not_allowed"),
        Line("PUT at a door", "PUT", Request.V2Path, [405], "method_not_allowed"),
        new("a method in lower case is the same method here", m => Request.V2(m.Body()) with { Line = $"post {Request.V2Path} HTTP/1.1" }, [201], null, 1),
        Line("a path that is none", "POST", "/api/webhooks", [404], "not_found"),
        Line("ingest's own path", "POST", "/v2/events", [404], "not_found"),
        Line("two slashes before the path", "POST", "/" + Request.V2Path, [404], "not_found"),
        Line("an escaped slash in the path", "POST", "/api/webhooks%2fwhatsapp", [404], "not_found"),
        Line("NUL in the path", "POST", Request.V2Path + "%00", [400, 404]),
        Line("the way up and out", "POST", "/api/webhooks/whatsapp/../../../v2/events", [404], "not_found"),
        Line("the other generation's path", "POST", Request.V1Path, [422], "invalid_body"),
    ];

    private static IEnumerable<Row> Types =>
    [
        Typed("text", "text/plain"),
        Typed("a form", "application/x-www-form-urlencoded"),
        Typed("JSON in UTF-16", "application/json; charset=utf-16"),
        Typed("two types in one header", "application/json, text/plain"),
        Typed("nothing", null),
        Typed("JSON by name only", "application/jsonp"),
        new("content type twice", m => Request.V2(m.Body()).And("Content-Type: application/json"), [415], "unsupported_media_type"),
        new("JSON of a vendor", m => Request.V2(m.Body()).As("application/vnd.x+json"), [201], null, 1),
    ];

    private static IEnumerable<Row> Triggers =>
    [
        Trigger("trigger", Plain, "X-Webhook-Signature: {0}", [200]),
        Trigger("trigger that nobody knows", "/api/triggers/nobody/webhook", "X-Webhook-Signature: {0}", [401]),
        Trigger("trigger id with an escaped way up", "/api/triggers/..%2fon-plain/webhook", "X-Webhook-Signature: {0}", [401]),
        Trigger("GitHub", GitHub, "X-Hub-Signature-256: sha256={0}", [200]),
        Trigger("GitHub without sha256=", GitHub, "X-Hub-Signature-256: {0}", [401]),
        Trigger("GitHub by the old header", GitHub, "X-Hub-Signature: sha1={0}", [401], "missing_signature"),
        Trigger("GitHub by another's header", GitHub, "X-Webhook-Signature: {0}", [401]),
        Trigger("Linear", Linear, "Linear-Signature: {0}", [200]),
        Trigger("Linear twice", Linear, "Linear-Signature: {0}\r\nLinear-Signature: {0}", [401]),
        StripeRow("Stripe", 0, "t={0},v1={1}", [200]),
        StripeRow("Stripe, old", 600, "t={0},v1={1}", [401]),
        StripeRow("Stripe, ahead", -600, "t={0},v1={1}", [401]),
        StripeRow("Stripe with two times", 0, "t={0},t={0},v1={1}", [401]),
        StripeRow("Stripe by the test scheme alone", 0, "t={0},v0={1}", [401]),
        new("trigger with two keys", m => Signed(m, Plain, "X-Webhook-Signature: {0}").And("Idempotency-Key: a", "Idempotency-Key: b"), [400], "invalid_idempotency_key"),
        new("trigger repeated under one key", m => Signed(m, Plain, "X-Webhook-Signature: {0}").And("Idempotency-Key: " + m.Text), [200], null, 1) { Times = 3 },
        new("trigger without a body", m => Request.At(Plain, "", "X-Webhook-Signature: " + Request.Sign(Senders.TriggerSecret, "")), [422], "invalid_body"),
    ];

    private static IEnumerable<Row> Leads =>
    [
        new("lead", m => Request.At(Lead, Stage(m), Key, "Idempotency-Key: " + m.Text), [202], null, 1) { Times = 2 },
        new("lead without a key of the CRM", m => Request.At(Lead, Stage(m)), [401], "missing_api_key"),
        new("lead with a wrong key", m => Request.At(Lead, Stage(m), "X-API-Key: x" + Senders.ApiKey), [401], "invalid_api_key"),
        new("lead with two keys", m => Request.At(Lead, Stage(m), Key, "Authorization: Bearer other"), [401], "invalid_api_key"),
        new("lead without a key of its own", m => Request.At(Lead, Stage(m), Key), [400], "idempotency_key_required"),
        new("lead without a stage", m => Request.At(Lead, $$$"""{"name":"{{{m.Text}}}"}""", Key, "Idempotency-Key: " + m.Text), [422], "invalid_body"),
        new("lead whose stage is an object", m => Request.At(Lead, """{"stage_id":{}}""", Key, "Idempotency-Key: " + m.Text), [422], "invalid_body"),
        new("lead id with a slash", m => Request.At("/api/leads/a%2fb/stage", Stage(m), Key, "Idempotency-Key: " + m.Text), [400], "invalid_lead_id"),
        new("lead id of 300 characters", m => Request.At($"/api/leads/{new string('a', 300)}/stage", Stage(m), Key, "Idempotency-Key: " + m.Text), [400], "invalid_lead_id"),
    ];

    private static IEnumerable<Row> Others =>
    [
        new("broker: two items", m => Request.At(Broker, $"[{Item(m, "a")},{Item(m, "b")}]", Key), [202], null, 2) { Times = 2 },
        new("broker by the old header", m => Request.At(Broker, Item(m, "c"), "X-Authorization: " + Senders.ApiKey), [202], null, 1),
        new("broker without a key", m => Request.At(Broker, Item(m, "d")), [401], "missing_api_key"),
        new("broker with a wrong key", m => Request.At(Broker, Item(m, "e"), "Authorization: Bearer nobody"), [401], "invalid_api_key"),
        new("broker: nothing usable", _ => Request.At(Broker, "[]", Key), [204]),
        new("broker: no JSON", m => Request.At(Broker, m.Text, Key), [422], "invalid_body"),
        new("broker: 20,000 levels", _ => Request.At(Broker, new string('[', 20_000) + new string(']', 20_000), Key), [422], "invalid_body"),
        new("WAHA", m => Request.At(Waha, Session(m), "X-Webhook-Hmac: " + Request.Sign512(Senders.WahaSecret, Session(m))), [202], null, 1) { Times = 2 },
        new("WAHA with another hash", m => Request.At(Waha, Session(m), "X-Webhook-Hmac: " + Request.Sign(Senders.WahaSecret, Session(m))), [401], "invalid_signature"),
        new("WAHA without a signature", m => Request.At(Waha, Session(m)), [401], "missing_signature"),
        new("WAHA with a collector's secret", m => Request.At(Waha, Session(m), "X-Webhook-Hmac: " + Request.Sign512(Senders.Secret, Session(m))), [401], "invalid_signature"),
        new("WAHA: of no known kind, kept raw", m => Unknown($$$"""{"text":"{{{m.Text}}}"}"""), [202], null, 1),
        new("WAHA: no object", m => Unknown($"[\"{m.Text}\"]"), [422], "invalid_body"),
    ];

    private static Row Line(string name, string method, string path, int[] statuses, string? code = null) =>
        new(name, m => Request.V2(m.Body()) with { Line = $"{method} {path} HTTP/1.1" }, statuses, code);

    private static Row Typed(string name, string? type) => new("content type: " + name, m => Request.V2(m.Body()).As(type), [415], "unsupported_media_type");

    private static Row Trigger(string name, string path, string header, int[] statuses, string code = "invalid_signature") =>
        new(name, m => Signed(m, path, header), statuses, statuses[0] == 200 ? null : code, statuses[0] == 200 ? 1 : 0);

    private static Request Signed(Mark mark, string path, string header)
    {
        var body = $$$"""{"data":{"text":"{{{mark.Text}}}"}}""";
        var lines = string.Format(CultureInfo.InvariantCulture, header, Request.Sign(Senders.TriggerSecret, body));
        return Request.At(path, body, lines.Split("\r\n"));
    }

    private static Row StripeRow(string name, int age, string header, int[] statuses) => new(
        name,
        m =>
        {
            var body = $$$"""{"id":"evt","text":"{{{m.Text}}}"}""";
            var seconds = (TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - age).ToString(CultureInfo.InvariantCulture);
            var signature = Request.Sign(Senders.TriggerSecret, $"{seconds}.{body}");
            return Request.At(Stripe, body, "Stripe-Signature: " + string.Format(CultureInfo.InvariantCulture, header, seconds, signature));
        },
        statuses,
        statuses[0] == 200 ? null : "invalid_signature",
        statuses[0] == 200 ? 1 : 0);

    private static string Stage(Mark mark) => $$$"""{"stage_id":"won","name":"{{{mark.Text}}}"}""";

    private static string Item(Mark mark, string id) => $$$"""{"id":"{{{mark.Text}}}-{{{id}}}","type":"MESSAGE_INBOUND","instanceId":"i","payload":{"message":{"text":"{{{mark.Text}}}"} } }""";

    private static Request Unknown(string body) => Request.At(Waha, body, "X-Webhook-Hmac: " + Request.Sign512(Senders.WahaSecret, body));

    private static string Session(Mark mark) => $$$"""{"id":"{{{mark.Text}}}","event":"message","session":"default","payload":{"body":"{{{mark.Text}}}"}}""";
}
