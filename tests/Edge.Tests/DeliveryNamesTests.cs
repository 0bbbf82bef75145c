using System.Globalization;
using WhatsAppMesh.Edge.Sources;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>What names a delivery reaches ingest, and nothing that a client made up reaches it in its place.</summary>
public sealed class DeliveryNamesTests
{
    private const string Secret = "trigger-secret";
    private const string Json = """{"id":"evt_1","event":"deal.won"}""";
    private const string Path = "/api/triggers/orders/webhook";
    private const string Form = "payload=%7B%22action%22%3A%22opened%22%7D";

    private static readonly byte[] WebhookKey = [.. Enumerable.Range(1, 24).Select(static i => (byte)i)];

    [Theory]
    [InlineData("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W")]
    [InlineData("01KA9A0X73YE531P7NDK971HQ5")]
    [InlineData("12345")]
    [InlineData("72d3162ecc7811e381ab4c9367dc0958")]
    [InlineData(Signing.EventId)]
    public async Task Id_of_a_standard_webhook_is_sent_on_as_opaque_text(string id)
    {
        await using var edge = await EdgeUnderTest.StartAsync(
            EdgeUnderTest.With([], "Edge:Sources:0", "default", "whsec_" + Convert.ToBase64String(WebhookKey)));
        await edge.AcceptedAsync(Signing.SignedWebhook(WebhookKey, edge.Clock.GetUtcNow(), id: id).With("X-Mesh-Event-Id", Signing.EventId));
        Assert.Equal(id, edge.Ingest.Single()["X-Mesh-Event-Id"]);
        Assert.Equal("opaque", edge.Ingest.Single()["X-Mesh-Event-Id-Form"]);
    }

    [Fact]
    public async Task Id_of_the_collectors_own_contract_is_never_opaque()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await edge.AcceptedAsync(Signing.SignedV2(eventId: "msg_1").With("X-Mesh-Event-Id-Form", "opaque"));
        Assert.Null(edge.Ingest.Single()["X-Mesh-Event-Id-Form"]);
    }

    [Theory]
    [InlineData("github", "X-Hub-Signature-256", "sha256=", "X-GitHub-Delivery")]
    [InlineData("linear", "Linear-Signature", "", "Linear-Delivery")]
    public async Task Delivery_id_of_a_scheme_is_sent_on_and_no_other_header_names_one(string scheme, string header, string prefix, string delivery)
    {
        await using var edge = await EdgeUnderTest.StartAsync(Trigger(scheme));
        var request = Signed(header, prefix).With(delivery, "72d3162e-cc78");
        await edge.AcceptedAsync(request.With("X-Mesh-Delivery-Id", "forged").With("X-Mesh-Delivery-Field", "forged"));
        var arrived = edge.Ingest.Single();
        Assert.Equal("72d3162e-cc78", arrived["X-Mesh-Delivery-Id"]);
        Assert.Null(arrived["X-Mesh-Delivery-Field"]);
        Assert.Null(arrived[delivery]);
    }

    [Fact]
    public async Task Header_of_another_scheme_names_nothing()
    {
        await using var edge = await EdgeUnderTest.StartAsync(Trigger("hmac"));
        await edge.AcceptedAsync(Signed("X-Signature").With("X-GitHub-Delivery", "a").With("Linear-Delivery", "b"));
        Assert.Null(edge.Ingest.Single()["X-Mesh-Delivery-Id"]);
    }

    [Fact]
    public async Task Stripes_event_id_is_looked_for_in_the_body()
    {
        await using var edge = await EdgeUnderTest.StartAsync(Trigger("stripe"));
        var seconds = Signing.Seconds(edge.Clock.GetUtcNow());
        await edge.AcceptedAsync(Signing.Post(Path, Json).With("Stripe-Signature", $"t={seconds},v1={Signing.Hmac(Secret, $"{seconds}.{Json}")}"));
        Assert.Equal("id", edge.Ingest.Single()["X-Mesh-Delivery-Field"]);
        Assert.Null(edge.Ingest.Single()["X-Mesh-Delivery-Id"]);
    }

    [Fact]
    public async Task Trigger_may_name_its_own_header_and_fields()
    {
        var settings = Trigger(
            "hmac", ("DeliveryHeader", "X-Request-Id"), ("DeliveryField", "event.id"), ("EntityField", "MessageSid"), ("StatusField", "-"));
        await using var edge = await EdgeUnderTest.StartAsync(settings);
        await edge.AcceptedAsync(Signed("X-Signature").With("X-Request-Id", "r-1"));
        var arrived = edge.Ingest.Single();
        Assert.Equal("r-1", arrived["X-Mesh-Delivery-Id"]);
        Assert.Equal("event.id", arrived["X-Mesh-Delivery-Field"]);
        Assert.Equal("MessageSid", arrived["X-Mesh-Entity-Field"]);
        Assert.Equal("-", arrived["X-Mesh-Status-Field"]);
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("é")]
    [InlineData("long")]
    [InlineData("twice")]
    public async Task Delivery_id_that_cannot_be_one_is_refused_once_the_signature_is_proven(string id)
    {
        await using var edge = await EdgeUnderTest.StartAsync(Trigger("github"));
        string[] lines = id switch
        {
            "long" => [$"X-GitHub-Delivery: {new string('x', 513)}"],
            "twice" => ["X-GitHub-Delivery: a", "X-GitHub-Delivery: a"],
            _ => [$"X-GitHub-Delivery: {id}"],
        };
        Assert.Equal(401, await PostRawAsync(edge, "wrong", lines));
        Assert.Equal(400, await PostRawAsync(edge, Secret, lines));
        Assert.Empty(edge.Ingest.Requests);
        await Answers.EventuallyAsync(() => Task.FromResult(edge.Metrics.HasReason("invalid_delivery_id")), "the reason is counted");
        Assert.Equal(202, await PostRawAsync(edge, Secret, [$"X-GitHub-Delivery: {new string('x', 512)}"]));
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/x-www-form-urlencoded; charset=UTF8")]
    public async Task Form_of_a_trigger_is_signed_and_sent_on_as_it_came(string contentType)
    {
        await using var edge = await EdgeUnderTest.StartAsync(Trigger("github"));
        await edge.AcceptedAsync(Signing.Post(Path, Form, contentType).With("X-Hub-Signature-256", "sha256=" + Signing.Hmac(Secret, Form)));
        Assert.Equal(Form, edge.Ingest.Single().Text);
        Assert.Equal(contentType, edge.Ingest.Single()["Content-Type"]);
        var decoded = Signing.Hmac(Secret, """{"action":"opened"}""");
        await edge.InvalidAsync(Signing.Post(Path, Form, contentType).With("X-Hub-Signature-256", "sha256=" + decoded));
    }

    [Theory]
    [InlineData(Signing.V2)]
    [InlineData("/api/leads/1/stage")]
    [InlineData("/api/integrations/whatsapp/webhook")]
    [InlineData("/api/integrations/waha/webhook")]
    public async Task Form_at_any_other_door_is_415(string path)
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await edge.RefusedAsync(Signing.Post(path, Form, "application/x-www-form-urlencoded"), 415, "unsupported_media_type");
    }

    [Theory]
    [InlineData("application/json; charset=utf8", true)]
    [InlineData("application/json;charset=UTF8", true)]
    [InlineData("application/json; charset=utf_8", true)]
    [InlineData("application/json; charset=\"utf8\"", true)]
    [InlineData("application/json; charset='utf-8'", true)]
    [InlineData("application/json; charset=unicode-1-1-utf-8", true)]
    [InlineData("application/json; charset=us-ascii", true)]
    [InlineData("application/json;", true)]
    [InlineData("application/json; profile=x; charset=utf-8", true)]
    [InlineData("application/json; charset=utf-8; charset=utf-16", false)]
    [InlineData("application/json; charset=utf-16; charset=utf-8", false)]
    [InlineData("application/json; charset=utf-7", false)]
    [InlineData("application/json; charset=latin1", false)]
    [InlineData("application/json; charset=utf-8, application/json", false)]
    public async Task Utf8_is_taken_under_every_name_it_has(string contentType, bool isTaken)
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        var request = Signing.SignedV2();
        request.Content!.Headers.Remove("Content-Type");
        request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        if (isTaken)
            await edge.AcceptedAsync(request);
        else
            await edge.RefusedAsync(request, 415, "unsupported_media_type");
    }

    [Fact]
    public void Every_wrong_name_is_told_with_its_place()
    {
        var entry = new SourceSettings { Name = "orders", DeliveryHeader = "X Y", DeliveryField = "a..b", EntityField = ".", StatusField = "a|b" };
        var errors = CatalogValidator.Validate(new CatalogSettings { Triggers = [entry], Crm = [new() { Name = "crm", DeliveryHeader = "X-Id" }] });
        Assert.Equal(
            [
                "triggers[0].deliveryHeader", "triggers[0].deliveryField", "triggers[0].entityField", "triggers[0].statusField",
                "crm[0].deliveryHeader",
            ],
            errors.Select(static error => error.Split(':')[0]));
    }

    private static HttpRequestMessage Signed(string header, string prefix = "") =>
        Signing.Post(Path, Json).With(header, prefix + Signing.Hmac(Secret, Json));

    private static async Task<int> PostRawAsync(EdgeUnderTest edge, string secret, string[] lines)
    {
        // An HTTP client would join two headers of one name, and encode what is no ASCII.
        await using var raw = await RawConnection.OpenAsync(edge);
        var length = Json.Length.ToString(CultureInfo.InvariantCulture);
        var head = RawConnection.Head([$"X-Hub-Signature-256: sha256={Signing.Hmac(secret, Json)}", .. lines, $"Content-Length: {length}"]);
        await raw.SendAsync(head.Replace(Signing.V2, Path, StringComparison.Ordinal) + "\r\n" + Json);
        return await raw.ReadStatusAsync();
    }

    private static Dictionary<string, string?> Trigger(string scheme, params (string Member, string Value)[] more)
    {
        var settings = new Dictionary<string, string?> { ["Edge:Triggers:0:Scheme"] = scheme };
        foreach (var (member, value) in more)
            settings[$"Edge:Triggers:0:{member}"] = value;
        return EdgeUnderTest.With(settings, "Edge:Triggers:0", "orders", Secret);
    }
}
