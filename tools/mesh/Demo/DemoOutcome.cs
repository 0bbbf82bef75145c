using System.Diagnostics;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.Membership.V1;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Demo;

/// <summary>Second part of the demo: what lies in the lake, and who is in the groups, now and earlier.</summary>
internal sealed class DemoOutcome(MeshClient client, DemoCast cast, DemoVerdicts verdicts)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Counts the lake.</summary>
    public async Task LakeAsync(int stored, int revisions, CancellationToken cancellationToken)
    {
        verdicts.Heading("What lies in the lake");
        // membership appends member.joined by itself, so only the posted types are counted.
        var stats = await Eventually.AskAsync(
            () => client.Lake.GetStatsAsync(new GetStatsRequest { Tenant = DemoCast.Tenant }, cancellationToken: cancellationToken).ResponseAsync,
            s => Posted(s) == stored && s.Unpublished == 0, Patience, cancellationToken);
        verdicts.Check(stats is not null && Posted(stats) == stored, $"{(stats is null ? 0 : Posted(stats))} events for {stored} that were stored; no duplicate among them");
        verdicts.Check(stats?.Revisions == revisions, $"{stats?.Revisions} of them is a later body of an earlier event");
        verdicts.Check(stats?.Unpublished == 0, $"{stats?.Unpublished} wait to be published");
        foreach (var (type, count) in stats?.ByType.OrderByDescending(t => t.Value) ?? Enumerable.Empty<KeyValuePair<string, long>>())
            verdicts.Line(string.Create(CultureInfo.InvariantCulture, $"{count,6}  {type}"));
    }

    /// <summary>Asks who is in the small group, and who was.</summary>
    public async Task MembersAsync(CancellationToken cancellationToken)
    {
        verdicts.Heading("Who is in the group");
        var now = await MembersAsync(DemoCast.Group, null, 3, cancellationToken);
        verdicts.Check(Lids(now).SetEquals([DemoCast.Ana.Lid, DemoCast.Bia.Lid, DemoCast.Caio.Lid]), $"now: {Names(now)}");
        verdicts.Check(now.Any(m => m.Lid == DemoCast.Ana.Lid && m.Role == Role.Superadmin), "Ana is its superadmin");
        verdicts.Check(now.Any(m => m.Lid == DemoCast.Bia.Lid && m.PushName == "Bia Exemplo"), "Bia's name is known from her messages");
        var then = await MembersAsync(DemoCast.Group, cast.WhileDaviWasThere, 4, cancellationToken);
        verdicts.Check(
            Lids(then).SetEquals([DemoCast.Ana.Lid, DemoCast.Bia.Lid, DemoCast.Caio.Lid, DemoCast.Davi.Lid]),
            $"at {cast.WhileDaviWasThere:HH:mm}, before Davi left: {Names(then)}");
    }

    /// <summary>Asks who is in the large group.</summary>
    public async Task LargeGroupAsync(CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var members = await MembersAsync(DemoCast.LargeGroup, null, DemoCast.LargeSize, cancellationToken);
        verdicts.Check(members.Count == DemoCast.LargeSize, $"{members.Count:N0} members in the large group, {members.Count(m => m.Role != Role.Unspecified)} of them admins");
        verdicts.Line($"listed in {clock.ElapsedMilliseconds} ms, in pages of 500");
    }

    private async Task<List<Member>> MembersAsync(string group, DateTimeOffset? asOf, int expected, CancellationToken cancellationToken) =>
        await Eventually.AskAsync(() => ListAsync(group, asOf, cancellationToken), m => m.Count == expected, Patience, cancellationToken) ?? [];

    private async Task<List<Member>> ListAsync(string group, DateTimeOffset? asOf, CancellationToken cancellationToken)
    {
        var members = new List<Member>();
        var request = new ListMembersRequest { Tenant = DemoCast.Tenant, GroupJid = group, PageSize = 500, AsOf = asOf?.ToTimestamp() };
        do
        {
            var page = await client.Membership.ListMembersAsync(request, cancellationToken: cancellationToken);
            members.AddRange(page.Members);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        return members;
    }

    private static long Posted(GetStatsResponse stats) => stats.ByType.Where(t => t.Key != "member.joined").Sum(t => t.Value);

    private static HashSet<string> Lids(IEnumerable<Member> members) => [.. members.Select(m => m.Lid)];

    private static string Names(IReadOnlyCollection<Member> members) =>
        $"{members.Count} members ({string.Join(", ", members.Select(m => m.PushName.Length > 0 ? m.PushName : m.Lid).Order())})";
}
