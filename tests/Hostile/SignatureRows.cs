using System.Text;

namespace WhatsAppMesh.Hostile;

/// <summary>Proofs of origin that prove nothing, and odd ones that do.</summary>
public static class SignatureRows
{
    private const string Wrong = "invalid_signature";
    private const string Missing = "missing_signature";

    public static IEnumerable<Row> All =>
    [
        Refused("signature in base64", r => r.With("X-Signature", s => Convert.ToBase64String(Convert.FromHexString(s)))),
        Refused("signature cut short", r => r.With("X-Signature", s => s[..62])),
        Refused("signature with a byte more", r => r.With("X-Signature", s => s + "00")),
        Refused("signature with a wrong digit", r => r.With("X-Signature", s => (s[0] == '0' ? '1' : '0') + s[1..])),
        Refused("signature that is no hex", r => r.With("X-Signature", s => s[..62] + "zz")),
        Refused("signature with 0x", r => r.With("X-Signature", s => "0x" + s)),
        Refused("signature with a space inside", r => r.With("X-Signature", s => s[..32] + " " + s[32..])),
        Refused("signature said to be sha1", r => r.With("X-Signature", s => "sha1=" + s)),
        Refused("signature behind sha256:", r => r.With("X-Signature", s => "sha256:" + s)),
        Refused("signature behind sha256= twice", r => r.With("X-Signature", s => "sha256=sha256=" + s)),
        Refused("two signatures in one header", r => r.With("X-Signature", s => s + "," + s)),
        Refused("signature header twice", r => r.And("X-Signature: " + r["X-Signature"])),
        Refused("event id header twice", r => r.And("X-Event-Id: " + r["X-Event-Id"])),
        Refused("event id under two names", r => r.And("webhook-id: " + r["X-Event-Id"])),
        Refused("signature of another id", r => r.With("X-Event-Id", _ => Guid.NewGuid().ToString())),
        Refused("body changed after signing", r => r with { Body = [.. r.Body, (byte)' '] }),
        Refused("signature over the body alone", r => r.With("X-Signature", _ => Request.Sign(Senders.Secret, "", r.Body))),
        Refused("signed with nothing", r => r.With("X-Signature", _ => Request.Sign("", r["X-Event-Id"] + ".", r.Body))),
        Refused("signed with an expired secret", r => r.With("X-Signature", _ => Request.Sign(Senders.ExpiredSecret, r["X-Event-Id"] + ".", r.Body))),
        Refused("signed with a secret of the future", r => r.With("X-Signature", _ => Request.Sign(Senders.FutureSecret, r["X-Event-Id"] + ".", r.Body))),
        Refused("signed with another sender's secret", r => r.With("X-Signature", _ => Request.Sign(Senders.TriggerSecret, r["X-Event-Id"] + ".", r.Body))),
        Refused("a collector that nobody knows", r => r.And("X-Collector: nobody")),
        Refused("a collector named like a path", r => r.And("X-Collector: ../../default")),
        Refused("two collectors", r => r.And("X-Collector: default", "X-Collector: default")),
        Refused("signature missing", r => r.Without("X-Signature"), Missing),
        Refused("signature empty", r => r.With("X-Signature", _ => ""), Missing),
        Refused("event id missing", r => r.Without("X-Event-Id"), Missing),
        Refused("event id empty", r => r.With("X-Event-Id", _ => ""), Missing),

        new("event id that is no UUID", m => Request.V2(m.Body(), "1234"), [400], "invalid_event_id"),
        new("event id in braces", m => Request.V2(m.Body(), $"{{{Guid.NewGuid()}}}"), [400], "invalid_event_id"),
        new("event id without hyphens", m => Request.V2(m.Body(), Guid.NewGuid().ToString("N")), [400], "invalid_event_id"),
        new("event id with SQL", m => Request.V2(m.Body(), "'; drop table seen; --"), [400], "invalid_event_id"),

        Taken("signature in upper case", r => r.With("X-Signature", s => s.ToUpperInvariant())),
        Taken("signature behind sha256=", r => r.With("X-Signature", s => "sha256=" + s)),
        Taken("signature behind SHA256=", r => r.With("X-Signature", s => "SHA256=" + s)),
        Taken("white space round the signature", r => r.With("X-Signature", s => " \t" + s + "  ")),
        Taken("forged headers between edge and ingest", r => r.And("X-Mesh-Tenant: other", "X-Mesh-Source: other", "X-Mesh-Token: x", "X-Mesh-Event-Id: " + Guid.NewGuid())),
        Taken("forged address", r => r.And("X-Forwarded-For: 10.0.0.1, ::1", "Forwarded: for=10.0.0.1")),
        new("captured request within the window: the event is there once", m => Request.V2(m.Body()), [201], null, 1) { Times = 3 },

        Webhook("webhook 10 minutes old: a captured one after the window", age: TimeSpan.FromMinutes(10)),
        Webhook("webhook 10 minutes ahead", age: -TimeSpan.FromMinutes(10)),
        Webhook("captured webhook with a new time", timestamp: s => (long.Parse(s) + 1).ToString()),
        Webhook("webhook time is no number", timestamp: _ => "now"),
        Webhook("webhook time with a fraction", timestamp: s => s + ".5"),
        Webhook("webhook time negative", timestamp: s => "-" + s),
        Webhook("webhook time beyond all numbers", timestamp: _ => "99999999999999999999"),
        Webhook("webhook signature of version 2", signature: s => "v2" + s[2..]),
        Webhook("webhook signature in hex", signature: s => "v1," + Convert.ToHexStringLower(Convert.FromBase64String(s[3..]))),
        Webhook("webhook signature without its version", signature: s => s[3..]),
        Webhook("webhook with a thousand signatures", signature: s => string.Join(' ', Enumerable.Repeat("v1,AAAA" + s[7..], 100))),
        new("captured webhook within the window: the event is there once", m => Request.Webhook(m.Body(), TimeSpan.FromMinutes(1)), [201], null, 1) { Times = 3 },
        new("webhook with a wrong signature before the right one", m => Request.Webhook(m.Body(), TimeSpan.Zero, signature: s => $"v1a,x v1,AAAA{s[7..]} {s}"), [201], null, 1),
        new("first generation: captured request", m => Request.V1(m.BodyV1()), [202], null, 1) { Times = 2 },
        new("first generation: a collector's secret at a trigger", m => Signed(m, "/api/triggers/on-plain/webhook"), [401], Wrong),
    ];

    private static Row Refused(string name, Func<Request, Request> change, string code = Wrong) => new(name, m => change(Request.V2(m.Body())), [401], code);

    private static Row Taken(string name, Func<Request, Request> change) => new(name, m => change(Request.V2(m.Body())), [201], null, 1);

    private static Row Webhook(string name, TimeSpan age = default, Func<string, string>? timestamp = null, Func<string, string>? signature = null) =>
        new(name, m => Request.Webhook(m.Body(), age, timestamp, signature), [401], Wrong);

    private static Request Signed(Mark mark, string path) =>
        Request.At(path, mark.Body(), "X-Webhook-Signature: " + Request.Sign(Senders.Secret, "", Encoding.UTF8.GetBytes(mark.Body())));
}
