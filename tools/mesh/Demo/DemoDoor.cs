using System.Net;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Demo;

/// <summary>First part of the demo: what the door answers.</summary>
internal sealed class DemoDoor(MeshInstance mesh, DemoCast cast, DemoVerdicts verdicts)
{
    private const int SyntheticEvents = 300;

    private readonly HttpClient _client = LoadSender.CreateClient(mesh.Service("edge").HttpAddress, 16);
    private readonly CollectorSigner _signer = new(mesh.Secrets.CollectorSecret, TimeProvider.System);
    private readonly CollectorSigner _standard = new(mesh.Secrets.StandardSecret, TimeProvider.System);

    /// <summary>Events that the door has stored so far; duplicates do not count.</summary>
    public int Stored { get; private set; }

    /// <summary>Of these, those that came again under their id with another body.</summary>
    public int Revisions { get; private set; }

    /// <summary>Posts the traffic of the demo, checking every answer.</summary>
    public async Task PostAllAsync(CancellationToken cancellationToken)
    {
        verdicts.Heading("What the door answers");
        var first = Sign(cast.Message(1, "Oi, gente!"), SigningScheme.V1);
        await NewAsync("first-generation message", first, HttpStatusCode.Accepted, "accepted");
        await ExpectAsync("the same again", first, HttpStatusCode.Accepted, "duplicate");
        await NewAsync("second-generation notification: three members added", Sign(cast.Added), HttpStatusCode.Created, "stored");
        await NewAsync("notification: one of them left", Sign(cast.Left), HttpStatusCode.Created, "stored");
        await NewAsync("roster of the group", Sign(cast.Roster), HttpStatusCode.Created, "stored");
        await ExpectAsync("the same again", Sign(cast.Roster), HttpStatusCode.Created, "stored");
        await NewAsync("Standard Webhooks message", _standard.Sign(cast.Message(2, "olá"), SigningScheme.StandardWebhooks), HttpStatusCode.Created, "stored");
        await NewAsync($"roster of {DemoCast.LargeSize:N0} members", Sign(DemoCast.LargeRoster), HttpStatusCode.Created, "stored");
        await NewAsync("message that cannot be decrypted yet", Sign(cast.Placeholder), HttpStatusCode.Created, "stored");
        await NewAsync("its text, under the same id", Sign(cast.Decrypted), HttpStatusCode.Created, "stored");
        Revisions++;
        await NewAsync("event of a type that nobody knows", Sign(DemoCast.FutureKind), HttpStatusCode.Created, "stored");
        await RefusedAsync();
        await SyntheticAsync(cancellationToken);
    }

    /// <summary>Posts one event that must be new.</summary>
    public Task NewAsync(string what, CollectorEvent collected) => NewAsync(what, Sign(collected), HttpStatusCode.Created, "stored");

    private async Task RefusedAsync()
    {
        var good = Sign(cast.Message(3, "nunca aceita"));
        var forged = new CollectorSigner("another secret", TimeProvider.System).Sign(cast.Message(3, "nunca aceita"), SigningScheme.V2);
        await ExpectAsync("bad signature", forged, HttpStatusCode.Unauthorized, "invalid_signature");
        await ExpectAsync("no signature", good with { Headers = [] }, HttpStatusCode.Unauthorized, "missing_signature");
        await ExpectAsync("body changed on the way", good with { Body = [.. good.Body, (byte)' '] }, HttpStatusCode.Unauthorized, "invalid_signature");
        await ExpectAsync("event id that is no UUID", _signer.SignBody(good.Body, "42", SigningScheme.V2), HttpStatusCode.BadRequest, "invalid_event_id");
        var empty = _signer.SignBody("{}"u8.ToArray(), Guid.NewGuid().ToString(), SigningScheme.V2);
        await ExpectAsync("body without type and payload", empty, HttpStatusCode.UnprocessableEntity, "invalid_body");
    }

    private async Task SyntheticAsync(CancellationToken cancellationToken)
    {
        var shape = new TrafficShape { Groups = 10, MembersPerGroup = 32 };
        var traffic = new TrafficGenerator(1, shape, TimeProvider.System.GetUtcNow().AddMinutes(-30));
        var plan = new LoadPlan { Connections = 16, Count = SyntheticEvents };
        var report = await new LoadSender(_client, TimeProvider.System).RunAsync(n => Sign(traffic.Event(n)), plan, cancellationToken);
        verdicts.Check(
            report.Accepted == SyntheticEvents,
            $"{SyntheticEvents} synthetic events over 16 connections: {report.Accepted} stored, {report.Rate:N0}/s, p95 {report.Percentile(0.95).TotalMilliseconds:N0} ms");
        Stored += (int)report.Accepted;
    }

    private async Task NewAsync(string what, SignedPost post, HttpStatusCode status, string word)
    {
        if (await ExpectAsync(what, post, status, word))
            Stored++;
    }

    private async Task<bool> ExpectAsync(string what, SignedPost post, HttpStatusCode status, string word)
    {
        using var answer = await LoadSender.PostAsync(_client, post);
        var body = await answer.Content.ReadAsStringAsync();
        return verdicts.Check(
            answer.StatusCode == status && body.Contains($"\"{word}\"", StringComparison.Ordinal), $"{what}: {(int)answer.StatusCode} {DemoVerdicts.Short(body)}");
    }

    private SignedPost Sign(CollectorEvent collected, SigningScheme scheme = SigningScheme.V2) => _signer.Sign(collected, scheme);
}
