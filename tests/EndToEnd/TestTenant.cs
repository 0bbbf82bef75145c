using System.Net;
using Google.Protobuf.WellKnownTypes;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.Membership.V1;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.EndToEnd;

/// <summary>A tenant with one collector: posts through the doors, and asks what became of it.</summary>
public sealed class TestTenant(MeshUnderTest test, string name)
{
    private readonly CollectorSigner _signer = new(MeshUnderTest.Secret, TimeProvider.System, name);

    public string Name => name;

    public MeshUnderTest Test => test;

    /// <summary>Posts an event and expects that it is stored.</summary>
    public async Task PostAsync(CollectorEvent collected, string edge = "edge")
    {
        using var answer = await SendAsync(_signer.Sign(collected, SigningScheme.V2), edge);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }

    /// <summary>Posts a request, signed or not, under this tenant's collector, and again when it is told to come later.</summary>
    public async Task<HttpResponseMessage> SendAsync(SignedPost post, string edge = "edge")
    {
        using var client = new HttpClient { BaseAddress = test.Mesh.Service(edge).HttpAddress };
        return await LoadSender.PostUntilAnsweredAsync(client, WithCollector(post), MeshUnderTest.Patience, TimeProvider.System);
    }

    /// <summary>Signs an event as this tenant's collector.</summary>
    public SignedPost Sign(CollectorEvent collected) => _signer.Sign(collected, SigningScheme.V2);

    /// <summary>Signs a body as it is.</summary>
    public SignedPost Sign(byte[] body, string eventId, SigningScheme scheme) => _signer.SignBody(body, eventId, scheme);

    /// <summary>Rows of this tenant in the lake, without what services append themselves.</summary>
    public async Task<long> LakeRowsAsync()
    {
        var stats = await test.Client.Lake.GetStatsAsync(new GetStatsRequest { Tenant = name });
        return stats.ByType.Where(t => t.Key != "member.joined").Sum(t => t.Value);
    }

    /// <summary>Active members of a group, now or at a time, once they are what is expected (or when time is up).</summary>
    public async Task<IReadOnlyList<Member>> MembersAsync(string group, Func<IReadOnlyList<Member>, bool> expected, DateTimeOffset? asOf = null) =>
        await Eventually.AskAsync(() => ListAsync(group, asOf, includeLeft: false), expected, MeshUnderTest.Patience) ?? [];

    /// <summary>All members of a group, those included who left.</summary>
    public Task<IReadOnlyList<Member>> EverMembersAsync(string group) => ListAsync(group, null, includeLeft: true);

    /// <summary>Waits until membership has accounted for everything in the lake and has announced what follows from it, and nothing of it is dead.</summary>
    public async Task SettledAsync()
    {
        await Books.QuietAsync(test.Mesh);
        Assert.Empty(await test.Client.OpenDeadLettersAsync(name));
    }

    private async Task<IReadOnlyList<Member>> ListAsync(string group, DateTimeOffset? asOf, bool includeLeft)
    {
        var members = new List<Member>();
        var request = new ListMembersRequest { Tenant = name, GroupJid = group, AsOf = asOf?.ToTimestamp(), IncludeLeft = includeLeft, PageSize = 500 };
        do
        {
            var page = await test.Client.Membership.ListMembersAsync(request);
            members.AddRange(page.Members);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        return members;
    }

    private SignedPost WithCollector(SignedPost post) =>
        post.Headers.Any(h => h.Key == "X-Collector") ? post : post with { Headers = [.. post.Headers, new("X-Collector", name)] };
}
