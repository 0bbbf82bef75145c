using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using WhatsAppMesh.BrokerSim;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>
/// The request body that reaches the broker, for each of the seven types, of direct sends and of automations: by the recorded samples where
/// there is one, the others by the contract. <c>metadata.idempotencyKey</c> is always the job's key, as the header <c>Idempotency-Key</c> is.
/// </summary>
public sealed class OutboundTypesTests
{
    private const string Direct = "/api/integrations/whatsapp/instances/instance-42/messages";

    // Order of a direct send, and the broker's body for it.
    private static readonly (string Name, string Order, string Body)[] Types =
    [
        ("text", """{"to":"12025550103","content":"Olá!","previewUrl":false,"externalId":"out-1"}""", ""),
        ("image",
            """
            {"to":"+1 202 555 0103","type":"image","content":"Veja","media":{"url":"https://media.example.invalid/a.jpg",
             "mimeType":"image/jpeg","fileName":"a.jpg"}}
            """, ""),
        ("location",
            """
            {"to":"12025550103@s.whatsapp.net","type":"location","content":"Sede","location":{"latitude":-23.55,"longitude":-46.63,
             "name":"Sede","address":"Rua Fictícia, 0"}}
            """, ""),
        ("group", """{"to":"120363000000000001@g.us","type":"text","content":"Aviso ao grupo"}""", ""),
        ("video",
            """
            {"to":"12025550103","type":"video","content":"Assista","media":{"url":"https://media.example.invalid/v.mp4?x=1&y=2",
             "mimeType":"video/mp4"}}
            """,
            """
            {"sessionId":"instance-42","instanceId":"instance-42","to":"12025550103","type":"video","message":"Assista",
             "mediaUrl":"https://media.example.invalid/v.mp4?x=1&y=2","mimeType":"video/mp4"}
            """),
        ("document",
            """
            {"to":"12025550103","type":"document","media":{"url":"https://media.example.invalid/d.pdf","mimeType":"application/pdf",
             "fileName":"relatório.pdf"},"sessionId":"sessao-7","externalId":"out-2"}
            """,
            """
            {"sessionId":"sessao-7","instanceId":"instance-42","to":"12025550103","type":"document","message":"","externalId":"out-2",
             "mediaUrl":"https://media.example.invalid/d.pdf","mimeType":"application/pdf","fileName":"relatório.pdf"}
            """),
        ("audio", """{"to":"12025550103","type":"audio","media":{"url":"https://media.example.invalid/a.ogg"}}""",
            """
            {"sessionId":"instance-42","instanceId":"instance-42","to":"12025550103","type":"audio","message":"",
             "mediaUrl":"https://media.example.invalid/a.ogg"}
            """),
        ("template",
            """
            {"to":"12025550103","type":"template","template":{"name":"boas_vindas","namespace":"ns","language":{"code":"pt_BR"},
             "components":[{"type":"body","parameters":[{"type":"text","text":"Ana"},{"type":"number","value":1.50}]}]},
             "metadata":{"campaign":{"id":7}}}
            """,
            """
            {"sessionId":"instance-42","instanceId":"instance-42","to":"12025550103","type":"template","message":"",
             "template":{"name":"boas_vindas","namespace":"ns","language":{"code":"pt_BR"},"components":[{"type":"body",
             "parameters":[{"type":"text","text":"Ana"},{"type":"number","value":1.50}]}]},"metadata":{"campaign":{"id":7}}}
            """),
        ("bare location", """{"to":"12025550103","type":"location","location":{"latitude":0,"longitude":180}}""",
            """
            {"sessionId":"instance-42","instanceId":"instance-42","to":"12025550103","type":"location","message":"",
             "location":{"latitude":0,"longitude":180}}
            """),
    ];

    // Message of a step with placeholders where they count, and the broker's body once they are filled in.
    private static readonly (string Name, string Message, string Body)[] Steps =
    [
        ("text", """{"to":"{{trigger.phone}}","content":"Olá {{trigger.name}}!","previewUrl":true}""",
            """{"type":"text","message":"Olá Ana \"A\" \\ Exemplo!","text":"Olá Ana \"A\" \\ Exemplo!","previewUrl":true}"""),
        ("image",
            """
            {"to":"{{trigger.phone}}","type":"image","content":"Para {{trigger.name}}",
             "media":{"url":"https://media.example.invalid/{{trigger.file}}.jpg","mimeType":"image/jpeg",
             "fileName":"{{trigger.file}}.jpg"}}
            """,
            """
            {"type":"image","message":"Para Ana \"A\" \\ Exemplo","mediaUrl":"https://media.example.invalid/a1.jpg",
             "mimeType":"image/jpeg","fileName":"a1.jpg"}
            """),
        ("video", """{"to":"{{trigger.phone}}","type":"video","media":{"url":"https://media.example.invalid/v.mp4"}}""",
            """{"type":"video","message":"","mediaUrl":"https://media.example.invalid/v.mp4"}"""),
        ("document",
            """
            {"to":"{{trigger.phone}}","type":"document","content":"Segue","media":{"url":"https://media.example.invalid/d.pdf",
             "fileName":"{{trigger.name}}.pdf"},"externalId":"out-3"}
            """,
            """
            {"type":"document","message":"Segue","externalId":"out-3","mediaUrl":"https://media.example.invalid/d.pdf",
             "fileName":"Ana \"A\" \\ Exemplo.pdf"}
            """),
        ("audio",
            """
            {"to":"{{trigger.phone}}","type":"audio","media":{"url":"https://media.example.invalid/a.ogg",
             "mimeType":"audio/ogg; codecs=opus"}}
            """,
            """{"type":"audio","message":"","mediaUrl":"https://media.example.invalid/a.ogg","mimeType":"audio/ogg; codecs=opus"}"""),
        ("location",
            """
            {"to":"{{trigger.phone}}","type":"location","location":{"latitude":-23.55,"longitude":-46.63,
             "name":"Casa de {{trigger.name}}"}}
            """,
            """{"type":"location","message":"","location":{"latitude":-23.55,"longitude":-46.63,"name":"Casa de Ana \"A\" \\ Exemplo"}}"""),
        ("template",
            """
            {"to":"{{trigger.phone}}","type":"template","template":{"name":"boas_vindas",
             "components":[{"parameters":[{"text":"{{trigger.name}}"}]}]},"metadata":{"campaign":7}}
            """,
            """
            {"type":"template","message":"","template":{"name":"boas_vindas",
             "components":[{"parameters":[{"text":"Ana \"A\" \\ Exemplo"}]}]},"metadata":{"campaign":7}}
            """),
    ];

    [Fact]
    public async Task Direct_send_of_each_type_reaches_the_broker_as_recorded()
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        var samples = JsonNode.Parse(await File.ReadAllTextAsync(Samples.Path("55_broker_outbound_requests.json")))!;
        foreach (var (name, order, body) in Types)
        {
            world.Broker.Sends.Clear();
            using var accepted = await PostAsync(dispatch, Direct, order, "key of " + name);
            Assert.True(accepted.StatusCode == HttpStatusCode.Accepted, $"{name}: {await accepted.Content.ReadAsStringAsync()}");
            await world.DrainedAsync(TimeSpan.FromSeconds(60));

            var sent = Assert.Single(world.Broker.Sends.All);
            Assert.Equal((SendVerdict.Sent, "instance-42"), (sent.Verdict, sent.Instance));
            Equal(name, Expected(body.Length > 0 ? JsonNode.Parse(body)! : samples[name]!.DeepClone(), sent), sent);
        }
    }

    [Fact]
    public async Task Automations_step_of_each_type_reaches_the_broker_filled_in()
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        await SaveAsync(dispatch, [.. Steps.Select(static step => step.Message)]);
        await FireAsync(dispatch, new JsonObject { ["phone"] = "+1 (202) 555-0103", ["name"] = "Ana \"A\" \\ Exemplo", ["file"] = "a1" });
        await world.DrainedAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(Steps.Length, world.Broker.Sends.Count().Sent);
        foreach (var (name, _, body) in Steps)
        {
            var sent = Assert.Single(world.Broker.Sends.All, send => JsonNode.Parse(send.Body)!["type"]!.GetValue<string>() == name);
            var expected = JsonNode.Parse(body)!;
            (expected["sessionId"], expected["to"]) = ("instance-42", "12025550103");
            Equal(name, Expected(expected, sent), sent);
        }
    }

    [Theory]
    [InlineData("bad_image_without_media", "media")]
    [InlineData("bad_empty_text", "content")]
    public async Task Recorded_request_that_no_broker_takes_is_refused_before_it_is_a_job(string name, string field)
    {
        var sample = JsonNode.Parse(await File.ReadAllTextAsync(Samples.Path("55_broker_outbound_requests.json")))![name]!;
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        var order = new JsonObject
        {
            ["to"] = sample["to"]!.DeepClone(),
            ["type"] = sample["type"]!.DeepClone(),
            ["content"] = sample["message"]!.DeepClone(),
        };
        using var answer = await PostAsync(dispatch, Direct, order.ToJsonString());
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        Assert.Equal([field], JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["errors"]!.AsObject().Select(static one => one.Key));
    }

    [Theory]
    [InlineData("""{"to":"{{trigger.phone}}","type":"image","media":{"url":"{{trigger.photo}}"}}""")]
    [InlineData("""{"to":"{{trigger.phone}}","type":"document","media":{"url":"{{trigger.name}}"}}""")]
    [InlineData("""{"to":"{{trigger.phone}}","type":"template","template":{"name":"{{trigger.template}}"}}""")]
    [InlineData("""{"to":"{{trigger.phone}}","type":"text","content":"{{trigger.text}}"}""")]
    public async Task Message_that_lacks_what_its_type_needs_once_filled_in_fails_without_a_call(string message)
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        await SaveAsync(dispatch, message);
        await FireAsync(dispatch, new JsonObject { ["phone"] = "12025550103", ["name"] = "no URL" });
        await world.DrainedAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(new Dictionary<string, long> { ["failed"] = 1 }, await world.CountAsync());
        Assert.Empty(world.Broker.Sends.All);
    }

    private static JsonNode Expected(JsonNode body, SeenSend sent)
    {
        body["instanceId"] = "instance-42";
        if (body["type"]!.GetValue<string>() == "text")
            body["text"] = body["message"]!.DeepClone();
        body["metadata"] ??= new JsonObject();
        body["metadata"]!["idempotencyKey"] = sent.Key;
        return body;
    }

    private static void Equal(string name, JsonNode expected, SeenSend sent) =>
        Assert.True(JsonNode.DeepEquals(expected, JsonNode.Parse(sent.Body)), $"{name}: expected {expected.ToJsonString()}, sent {sent.Body}");

    private static async Task SaveAsync(RunningDispatch dispatch, params string[] messages)
    {
        var steps = messages.Select(static (message, i) => $$$"""{"step_id":"{{{i}}}","instance_id":"instance-42","message":{{{message}}}}""");
        var order = $$$"""{"name":"x","trigger":{"kind":"trigger_fired","trigger_id":"shop"},"steps":[{{{string.Join(',', steps)}}}]}""";
        using var saved = await PostAsync(dispatch, "/api/automations", order);
        Assert.True(saved.StatusCode == HttpStatusCode.Created, await saved.Content.ReadAsStringAsync());
    }

    private static async Task FireAsync(RunningDispatch dispatch, JsonObject body)
    {
        var now = TimeProvider.System.GetUtcNow().ToString("O", CultureInfo.InvariantCulture);
        var data = new JsonObject
        {
            ["log"] = 1,
            ["position"] = "1",
            ["tenant"] = "acme",
            ["source"] = "trigger:shop",
            ["eventId"] = Guid.NewGuid().ToString(),
            ["type"] = "trigger.fired",
            ["occurredAt"] = now,
            ["occurredAtSource"] = "received_at",
            ["receivedAt"] = now,
            ["payloadJson"] = new JsonObject { ["trigger_id"] = "shop", ["body"] = body }.ToJsonString(),
        };
        var envelope = new JsonObject { ["specversion"] = "1.0", ["id"] = "1", ["source"] = "x", ["type"] = "x", ["data"] = data };
        envelope["datacontenttype"] = "application/json";
        using var answer = await PostAsync(dispatch, "/events", envelope.ToJsonString());
        Assert.Contains("SUCCESS", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static Task<HttpResponseMessage> PostAsync(RunningDispatch dispatch, string path, string body, string? key = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Headers = { { "mesh-tenant", "acme" }, { "mesh-role", "operator" } },
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        return dispatch.App.SendAsync(request);
    }
}
