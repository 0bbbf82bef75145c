using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>What opens an account leaves an Evolution body; every other byte stays.</summary>
public class EvolutionSecretsTests
{
    private const string Secret = "SECRET-OF-EVOLUTION";

    [Theory]
    [InlineData("""{"event":"e","apikey":"?"}""", """{"event":"e"}""")]
    [InlineData("""{"apikey":"?","event":"e"}""", """{"event":"e"}""")]
    [InlineData("""{"a":1,"apikey":"?","b":2}""", """{"a":1,"b":2}""")]
    [InlineData("""{"apikey":"?"}""", """{}""")]
    [InlineData("""{ "apikey" : "?" , "instanceToken":"?" }""", """{  }""")]
    [InlineData("""{ "apikey" : "?" , "instanceToken":"?" , "a" : 1.0 }""", """{ "a" : 1.0 }""")]
    [InlineData(
        "{\n \"a\" : 1.0 ,\n \"apikey\" : \"?\" ,\n \"instanceToken\" : null ,\n \"b\":\"\\u00e9\" }",
        "{\n \"a\" : 1.0 ,\n \"b\":\"\\u00e9\" }")]
    [InlineData("""{"a\u0070ikey":"?","api_key":"?","apiKey":["?"],"API-KEY":{"x":"?"},"instance_token":"?","a":1}""", """{"a":1}""")]
    [InlineData(
        """{"data":{"apikey":"?","token":"?","hash":{"apikey":"?"},"x":1,"instance":{"instanceName":"i","token":"?"}}}""",
        """{"data":{"x":1,"instance":{"instanceName":"i"}}}""")]
    [InlineData("""{"data":[{"x":1,"apikey":"?"},{"token":"?"},[{"hash":"?"}],7]}""", """{"data":[{"x":1},{},[{}],7]}""")]
    [InlineData("""{"instance":{"name":"i","apikey":"?"},"token":"?","hash":"?"}""", """{"instance":{"name":"i"}}""")]
    [InlineData(
        """{"event":"qrcode.updated","data":{"qrcode":{"instance":"i","pairingCode":"?","code":"?","base64":"data:image/png;base64,?"}}}""",
        """{"event":"qrcode.updated","data":{"qrcode":{"instance":"i"}}}""")]
    [InlineData(
        """{"event":"QRCode","data":{"qrcode":"data:?","code":"?","count":2,"maxCount":5},"instanceToken":"?"}""",
        """{"event":"QRCode","data":{"count":2,"maxCount":5}}""")]
    [InlineData(
        """{"event":"connection.update","data":{"instance":"i","state":"connecting","pairingCode":"?"}}""",
        """{"event":"connection.update","data":{"instance":"i","state":"connecting"}}""")]
    public void Secrets_go_and_every_other_byte_stays(string body, string kept) =>
        Assert.Equal(kept, Strip(body.Replace("?", Secret, StringComparison.Ordinal)));

    [Theory]
    [InlineData("""{"event":"messages.upsert","data":{"message":{"token":"a","apikey":"b","code":"c","conversation":"apikey"},"code":3}}""")]
    [InlineData("""{"event":"TemporaryBan","data":{"code":"SentToTooManyPeople","base64":"x"}}""")]
    [InlineData("""{"event":"e","note":{"apikey":"of somebody's words"}}""")]
    [InlineData("""{}""")]
    public void Words_of_others_are_no_secrets(string body) => Assert.Equal(body, Strip(body));

    [Fact]
    public async Task Secret_stands_in_no_database_on_no_topic_and_in_no_log()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var sidecar = await FakeSidecar.StartAsync();
        var logs = new List<string>();
        await using var ingest = await IngestUnderTest.StartAsync(database.ConnectionString, sidecar);
        ingest.Services.GetRequiredService<ILoggerFactory>().AddProvider(new Lines(logs));
        string[] bodies =
        [
            """{"event":"messages.upsert","instance":"a","data":{"key":{"remoteJid":"1@g.us","id":"M1"}},"apikey":"?"}""",
            """{"event":"QRCode","data":{"qrcode":"?","code":"?"},"instanceToken":"?","instanceId":"i"}""",
            """{"event":"error","data":{"error":"x"},"api_key":"?"}""",
            """{"event":"instance.create","instance":"a","data":{"hash":{"apikey":"?"},"instance":{"token":"?"}},"ap\u0000ikey":"?"}""",
        ];
        foreach (var body in bodies)
            Assert.Equal(202, await PostAsync(ingest, body));
        Assert.Equal(422, await PostAsync(ingest, """{"apikey":"?","apikey":"?"}"""));
        Assert.Equal(422, await PostAsync(ingest, """{"apikey":"?" """));
        await Eventually.TrueAsync(() => sidecar.Events.Count >= bodies.Length, "everything is on the topic");

        var rows = await database.ConnectionString.ListAsync<string>("select whatsapp_events::text from whatsapp_events");
        Assert.Equal(bodies.Length, rows.Count);
        Assert.DoesNotContain(rows, static row => row.Contains(Secret, StringComparison.Ordinal));
        Assert.DoesNotContain(sidecar.Events, static item => JsonSerializer.Serialize(item).Contains(Secret, StringComparison.Ordinal));
        lock (logs)
            Assert.DoesNotContain(logs, static line => line.Contains(Secret, StringComparison.Ordinal));
    }

    private static async Task<int> PostAsync(IngestUnderTest ingest, string body) =>
        (await ingest.SendAsync(IngestUnderTest.Request("/evolution/events", body.Replace("?", Secret, StringComparison.Ordinal)))).Status;

    private static string Strip(string body)
    {
        using var parsed = JsonDocument.Parse(body);
        var type = EvolutionNames.TypeOf(parsed.RootElement.TryGetProperty("event", out var name) ? name.GetString() : null);
        return Encoding.UTF8.GetString(EvolutionSecrets.Strip(Encoding.UTF8.GetBytes(body), type).Span);
    }

    private sealed class Lines(List<string> lines) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (lines)
                lines.Add($"{formatter(state, exception)} {exception}");
        }

        public void Dispose()
        {
        }
    }
}
