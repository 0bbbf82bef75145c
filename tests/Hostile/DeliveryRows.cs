using System.Globalization;
using System.Text;

namespace WhatsAppMesh.Hostile;

/// <summary>What names an event, used against it: ids, keys and forms that are huge, doubled, forged or at odds with the body.</summary>
public static class DeliveryRows
{
    private const string GitHub = "/api/triggers/on-github/webhook";
    private const string Linear = "/api/triggers/on-linear/webhook";
    private const string Stripe = "/api/triggers/on-stripe/webhook";
    private const string Plain = "/api/triggers/on-plain/webhook";
    private const string Lead = "/api/leads/lead-2/stage";
    private const string Broker = "/api/integrations/whatsapp/webhook";
    private const string FormType = "application/x-www-form-urlencoded";
    private const string InvalidDelivery = "invalid_delivery_id";

    private static readonly string Key = "X-API-Key: " + Senders.ApiKey;

    public static IEnumerable<Row> All => [.. OpaqueIds, .. Deliveries, .. Forms, .. Keys];

    private static IEnumerable<Row> OpaqueIds =>
    [
        Webhook("opaque id", m => "msg_" + m.Text, [201]),
        Webhook("opaque id with full stops and a time, as if signed otherwise", m => $"msg_{m.Text}.1700000000.x", [201]),
        Webhook("opaque id that looks like SQL and a path", m => $"../';drop--{m.Text}", [201]),
        Webhook("opaque id of 512 characters", m => m.Text.PadRight(512, 'x'), [201]),
        Webhook("opaque id of 513 characters", m => m.Text.PadRight(513, 'x'), [400]),
        Webhook("opaque id of 20,000 characters", m => m.Text.PadRight(20_000, 'x'), [400]),
        Webhook("opaque id with a space", m => "msg " + m.Text, [400]),
        Webhook("opaque id beyond ASCII", m => "méss" + m.Text, [400]),
        new("opaque id with a tab is cut by no one", m => Signed(m, "msg\t" + m.Text), [400], "invalid_event_id"),
        new("opaque id of another's signature", m => Signed(m, "msg_" + m.Text).With("webhook-id", id => id + "x"), [401], "invalid_signature"),
        new("opaque id twice", m => Signed(m, "msg_" + m.Text).And("webhook-id: msg_" + m.Text), [401], "invalid_signature"),
        new("opaque id under the contract that wants a UUID", m => Request.V2(m.Body(), "msg_" + m.Text), [400], "invalid_event_id"),
        new("a forged form of the id", m => Request.V2(m.Body(), "msg_" + m.Text).And("X-Mesh-Event-Id-Form: opaque"), [400], "invalid_event_id"),
    ];

    private static IEnumerable<Row> Deliveries =>
    [
        new("GitHub: one delivery, three times", m => Hub(m).And("X-GitHub-Delivery: " + m.Text), [200], null, 1) { Times = 3 },
        new("GitHub: delivery twice", m => Hub(m).And("X-GitHub-Delivery: " + m.Text, "X-GitHub-Delivery: " + m.Text), [400], InvalidDelivery),
        new("GitHub: delivery twice, once in lower case", m => Hub(m).And("X-GitHub-Delivery: a", "x-github-delivery: b"), [400], InvalidDelivery),
        new("GitHub: delivery of 513 characters", m => Hub(m).And("X-GitHub-Delivery: " + new string('x', 513)), [400], InvalidDelivery),
        new("GitHub: delivery with a space", m => Hub(m).And("X-GitHub-Delivery: a b"), [400], InvalidDelivery),
        new("GitHub: delivery without a right signature", m => Request.At(GitHub, m.Body(), "X-Hub-Signature-256: sha256=00", "X-GitHub-Delivery: a", "X-GitHub-Delivery: b"), [401], "invalid_signature"),
        new("GitHub: forged delivery behind edge", m => Hub(m).And("X-GitHub-Delivery: " + m.Text, "X-Mesh-Delivery-Id: " + Guid.NewGuid(), "X-Mesh-Delivery-Field: data"), [200], null, 1) { Times = 2 },
        new("GitHub: another's delivery header changes nothing", m => Hub(m).And("X-GitHub-Delivery: " + m.Text, "Linear-Delivery: a", "Linear-Delivery: b"), [200], null, 1) { Times = 2 },
        new("GitHub: header and body at odds, the header counts", m => Hub(m, ",\"idempotency_key\":\"other\"").And("X-GitHub-Delivery: " + m.Text), [200], null, 1) { Times = 2 },
        new("Linear: one delivery, twice", m => At(Linear, "Linear-Signature: {0}", Json(m)).And("Linear-Delivery: " + m.Text), [200], null, 1) { Times = 2 },
        new("Stripe: one event, twice", m => AtStripe($$$"""{"id":"evt_{{{m.Text}}}","object":"event"}"""), [200], null, 1) { Times = 2 },
        new("Stripe: id of a megabyte", m => AtStripe($$$"""{"id":"{{{m.Text}}}{{{new string('x', 1_000_000)}}}"}"""), [200], null, 1) { Times = 2 },
        new("trigger: messageId is an object", m => At(Plain, "X-Signature: {0}", $$$"""{"messageId":{"a":"{{{m.Text}}}"},"status":[]}"""), [200], null, 1),
    ];

    private static IEnumerable<Row> Forms =>
    [
        new("form with its payload", m => Form("payload=" + Uri.EscapeDataString(Json(m))), [200], null, 1) { Holds = "\"body\":{\"text\"" },
        new("form of a million fields", m => Form(string.Concat(Enumerable.Repeat("a=&", 1_000_000)) + "payload=" + Uri.EscapeDataString(Json(m))), [200], null, 1),
        new("form with two payloads", m => Form("payload=%7B%7D&payload=" + Uri.EscapeDataString(Json(m))), [422], "invalid_body"),
        new("form without a payload", m => Form("body=" + m.Text), [422], "invalid_body"),
        new("form with a broken escape", m => Form("payload=%7" + m.Text), [422], "invalid_body"),
        new("form whose payload is no JSON", m => Form("payload=" + m.Text), [422], "invalid_body"),
        new("form with 20,000 levels", _ => Form("payload=" + string.Concat(Enumerable.Repeat("%5B", 20_000))), [422], "invalid_body"),
        new("form with NUL and broken UTF-8", m => Form($"payload=%7B%22n%22:%22{m.Text}%00%ff%22%7D"), [200], null, 1),
        new("form signed over what it decodes to", m => Form("payload=" + Uri.EscapeDataString(Json(m)), signed: Json(m)), [401], "invalid_signature"),
        new("JSON that says it is a form", m => Form(Json(m)), [422], "invalid_body"),
        new("form in UTF-16", m => Form("payload=" + Uri.EscapeDataString(Json(m))).As(FormType + "; charset=utf-16"), [415], "unsupported_media_type"),
        new("multipart form", m => Form("payload=" + Uri.EscapeDataString(Json(m))).As("multipart/form-data; boundary=x"), [415], "unsupported_media_type"),
        new("two charsets", m => Request.V2(m.Body()).As("application/json; charset=utf-8; charset=utf-16"), [415], "unsupported_media_type"),
        new("UTF-8 under another name", m => Request.V2(m.Body()).As("application/json; charset=utf8"), [201], null, 1),
    ];

    private static IEnumerable<Row> Keys =>
    [
        new("lead: a retry in other bytes", m => Request.At(Lead, Stage(m, "won"), Key, "Idempotency-Key: " + m.Text), [202], null, 1) { Times = 3 },
        new("lead: key of 20,000 characters", m => Request.At(Lead, Stage(m, "won"), Key, "Idempotency-Key: " + m.Text.PadRight(20_000, 'k')), [202], null, 1) { Times = 2 },
        new("lead: two keys", m => Request.At(Lead, Stage(m, "won"), Key, "Idempotency-Key: a", "Idempotency-Key: b"), [400], "invalid_idempotency_key"),
        new("lead: phone as a number", m => Request.At(Lead, $$$"""{"stage_id":"won","phone":12025550129,"name":"{{{m.Text}}}"}""", Key, "Idempotency-Key: " + m.Text), [202], null, 1),
        new("lead: phone as a number beyond all numbers", m => Request.At(Lead, $$$"""{"stage_id":"won","phone":1e999999,"name":"{{{m.Text}}}"}""", Key, "Idempotency-Key: " + m.Text), [422], "invalid_body"),
        new("broker: a batch without ids, three times", m => Request.At(Broker, Batch(m), Key), [202], null, 1) { Times = 3 },
        new("broker: JSON in JSON in JSON", m => Request.At(Broker, Nested(m), Key), [202], null, 1),
    ];

    private static Row Webhook(string name, Func<Mark, string> id, int[] statuses) => new(
        name,
        m => Signed(m, id(m)),
        statuses,
        statuses[0] == 201 ? null : "invalid_event_id",
        statuses[0] == 201 ? 1 : 0)
    { Times = statuses[0] == 201 ? 2 : 1 };

    private static Request Signed(Mark mark, string id) => Request.Webhook(mark.Body(), TimeSpan.Zero, id: id);

    private static string Json(Mark mark, string more = "") => $$$"""{"text":"{{{mark.Text}}}"{{{more}}}}""";

    private static string Stage(Mark mark, string stage) => $$$"""{"stage_id":"{{{stage}}}","name":"{{{mark.Text}}}"}""";

    private static Request At(string path, string header, string body, string? signed = null) =>
        Request.At(path, body, string.Format(CultureInfo.InvariantCulture, header, Request.Sign(Senders.TriggerSecret, signed ?? body)));

    private static Request Hub(Mark mark, string more = "") => At(GitHub, "X-Hub-Signature-256: sha256={0}", Json(mark, more));

    private static Request Form(string form, string? signed = null) => At(GitHub, "X-Hub-Signature-256: sha256={0}", form, signed).As(FormType);

    private static Request AtStripe(string body)
    {
        var seconds = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return Request.At(Stripe, body, $"Stripe-Signature: t={seconds},v1={Request.Sign(Senders.TriggerSecret, $"{seconds}.{body}")}");
    }

    private static string Batch(Mark mark) =>
        $$$"""{"event":"WHATSAPP_MESSAGES_UPSERT","iid":"i","payload":{"messages":[{"key":{"remoteJid":"{{{mark.Jid}}}","id":"{{{mark.Text}}}"},"message":{"conversation":"x"}}]}}""";

    private static string Nested(Mark mark)
    {
        var text = new StringBuilder(Batch(mark));
        for (var i = 0; i < 10; i++)
        {
            var inner = System.Text.Json.JsonEncodedText.Encode(text.ToString());
            text.Clear().Append($$$"""{"raw":"{{{inner}}}"}""");
        }

        return $$$"""{"text":"{{{mark.Text}}}","raw":{{{text}}}}""";
    }
}
