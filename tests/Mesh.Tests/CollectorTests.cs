using System.Text;
using System.Text.Json;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Tests;

/// <summary>The collector against samples of the real one: ids, signatures and envelopes must come out byte for byte.</summary>
public sealed class CollectorTests
{
    private static readonly string Samples = Path.Combine(
        Environment.GetEnvironmentVariable("MESH_SHARED") ?? Path.Combine(MeshRepository.Find(), "..", "shared"), "payloads");

    private static readonly JsonElement Index = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Samples, "00_index.json"))).RootElement;

    private static string Secret => Index.GetProperty("secret").GetString()!;

    public static TheoryData<string> SignedSamples() => [.. Signed().Select(f => f.GetProperty("file").GetString()!)];

    [Theory]
    [MemberData(nameof(SignedSamples))]
    public void Sample_has_the_collector_s_own_signature(string file)
    {
        var expected = Signed().Single(f => f.GetProperty("file").GetString() == file).GetProperty("headers");
        var scheme = file.Contains("ingest_v1", StringComparison.Ordinal) ? SigningScheme.V1 : SigningScheme.V2;
        var body = PayloadJson.Compact(File.ReadAllBytes(Path.Combine(Samples, file)));

        var post = new CollectorSigner(Secret, TimeProvider.System).SignBody(body, expected.GetProperty("X-Event-Id").GetString()!, scheme);

        Assert.Contains(new("X-Signature", expected.GetProperty("X-Signature").GetString()!), post.Headers);
    }

    [Theory]
    [MemberData(nameof(SignedSamples))]
    public void Sample_has_the_collector_s_own_event_id(string file)
    {
        var expected = Signed().Single(f => f.GetProperty("file").GetString() == file).GetProperty("headers").GetProperty("X-Event-Id").GetString();
        using var sample = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Samples, file)));

        Assert.Equal(expected, EventIds.For(sample.RootElement.GetProperty("type").GetString()!, sample.RootElement.GetProperty("payload")).ToString());
    }

    [Fact]
    public void Ids_follow_the_published_vectors()
    {
        using var vectors = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Samples, "00_vectors.json")));

        foreach (var vector in vectors.RootElement.GetProperty("uuidv5").EnumerateArray())
        {
            var parts = vector.GetProperty("parts").EnumerateArray().Select(p => p.GetString()).ToArray();
            Assert.Equal(vector.GetProperty("event_id").GetString(), EventIds.FromParts(parts).ToString());
        }
    }

    [Fact]
    public void A_first_generation_envelope_is_the_sample_byte_for_byte()
    {
        const string File = "01_ingest_v1_messages_upsert_text.json";
        var sample = PayloadJson.Compact(System.IO.File.ReadAllBytes(Path.Combine(Samples, File)));
        var sender = new GroupMember("999000000000003@lid", "12025550103@s.whatsapp.net");
        var message = MessageEvents.Text("120363000000000001@g.us", sender, "3EB0SYN00000000000001", DateTimeOffset.FromUnixTimeSeconds(1717243200), "Bia Exemplo", "Oi, gente!");

        var post = new CollectorSigner(Secret, TimeProvider.System).Sign(message, SigningScheme.V1);

        Assert.Equal(Encoding.UTF8.GetString(sample), Encoding.UTF8.GetString(post.Body));
        Assert.Equal("/api/integrations/whatsapp/events", post.Path);
    }

    [Fact]
    public void Standard_webhooks_follow_the_published_example()
    {
        // The example of the Standard Webhooks specification.
        var clock = new FixedClock(DateTimeOffset.FromUnixTimeSeconds(1614265330));
        var signer = new CollectorSigner("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", clock);

        var post = signer.SignBody("{\"test\": 2432232314}"u8.ToArray(), "msg_p5jXN8AQM9LWM0D4loKWxJek", SigningScheme.StandardWebhooks);

        Assert.Contains(new("webhook-timestamp", "1614265330"), post.Headers);
        Assert.Contains(new("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="), post.Headers);
    }

    [Fact]
    public void A_roster_in_another_order_is_the_same_event()
    {
        GroupMember[] members = [new("2@lid"), new("1@lid", "55@s.whatsapp.net"), new("3@lid", null, "admin")];

        Assert.Equal(
            GroupEvents.Snapshot("g@g.us", "Grupo", [members[0], members[1], members[2]]).EventId,
            GroupEvents.Snapshot("g@g.us", "Grupo", [members[0], members[2], members[1]]).EventId);
    }

    [Fact]
    public void Synthetic_traffic_is_the_same_for_the_same_seed_and_no_event_comes_twice()
    {
        var one = new TrafficGenerator(7, new TrafficShape(), DateTimeOffset.UnixEpoch);
        var two = new TrafficGenerator(7, new TrafficShape(), DateTimeOffset.UnixEpoch);
        var numbers = Enumerable.Range(0, 5_000).ToArray();

        Assert.All(numbers, n => Assert.Equal(one.Event(n).EventId, two.Event(n).EventId));
        Assert.Equal(numbers.Length, numbers.Select(n => one.Event(n).EventId).Distinct().Count());
        Assert.Equal(["groups.metadata", "messages.upsert"], numbers.Select(n => one.Event(n).Type).Distinct().Order());
    }

    private static IEnumerable<JsonElement> Signed() =>
        Index.GetProperty("files").EnumerateArray().Where(f => f.TryGetProperty("headers", out var h) && h.TryGetProperty("X-Signature", out _));

    private sealed class FixedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
