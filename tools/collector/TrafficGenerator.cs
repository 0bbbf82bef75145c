using System.Globalization;

namespace WhatsAppMesh.Collector;

/// <summary>What synthetic traffic looks like.</summary>
public sealed record TrafficShape
{
    /// <summary>Groups that events are spread over.</summary>
    public int Groups { get; init; } = 50;

    /// <summary>Members of each group.</summary>
    public int MembersPerGroup { get; init; } = 64;

    /// <summary>Characters in a message's text. The default makes a body of about 0.9 KB.</summary>
    public int TextLength { get; init; } = 480;

    /// <summary>Share of events (0..1) that are notifications of a membership change.</summary>
    public double StubShare { get; init; } = 0.05;

    /// <summary>Share of events (0..1) that are full rosters.</summary>
    public double SnapshotShare { get; init; } = 0.005;
}

/// <summary>
/// Synthetic traffic that is the same for the same seed: event <c>n</c> depends on nothing but the seed and <c>n</c>, so any thread may ask
/// for any event, and a test can say afterwards exactly what was sent. Every event has its own id.
/// </summary>
public sealed class TrafficGenerator(int seed, TrafficShape shape, DateTimeOffset start)
{
    private static readonly string[] Names = ["Bia Exemplo", "Caio Exemplo", "Davi Exemplo", "Elis Exemplo", "Gil Exemplo"];

    private readonly string _text = string.Concat(Enumerable.Repeat("uma frase de exemplo ", (shape.TextLength / 21) + 1))[..shape.TextLength];

    /// <summary>JID of a group of this traffic.</summary>
    public string GroupJid(int group) => string.Create(CultureInfo.InvariantCulture, $"12036{seed:D6}{group:D7}@g.us");

    /// <summary>A member of a group of this traffic; every fourth hides the phone.</summary>
    public GroupMember Member(int group, int member)
    {
        var number = (group * 10_000L) + member;
        var phone = member % 4 == 3 ? null : string.Create(CultureInfo.InvariantCulture, $"5500{seed % 1000:D3}{number:D8}@s.whatsapp.net");
        var admin = member == 0 ? "superadmin" : member < 4 ? "admin" : null;
        return new GroupMember(string.Create(CultureInfo.InvariantCulture, $"999{seed % 1000:D3}{number:D9}@lid"), phone, admin);
    }

    /// <summary>Event number <paramref name="n"/>, counted from 0.</summary>
    public CollectorEvent Event(long n)
    {
        var dice = Mix((ulong)n ^ ((ulong)seed << 40));
        var group = (int)(dice % (ulong)shape.Groups);
        var member = (int)((dice >> 16) % (ulong)shape.MembersPerGroup);
        var kind = (dice >> 32) % 10_000 / 10_000.0;
        var at = start.AddMilliseconds(n);
        if (kind < shape.SnapshotShare)
            return Snapshot(group, n);
        return kind < shape.SnapshotShare + shape.StubShare ? Stub(group, member, n, at) : Message(group, member, n, at);
    }

    private CollectorEvent Message(int group, int member, long n, DateTimeOffset at) =>
        MessageEvents.Text(GroupJid(group), Member(group, member), MessageId(n), at, Names[member % Names.Length], _text);

    // The same people are added again and again: harmless to the roster, and each notification is an event of its own.
    private CollectorEvent Stub(int group, int member, long n, DateTimeOffset at) => MessageEvents.MembershipStub(
        GroupJid(group), Member(group, 0), "GROUP_PARTICIPANT_ADD", [Member(group, member)], $"{MessageId(n)}-1", at);

    // The subject carries the number, or two equal rosters would be one event.
    private CollectorEvent Snapshot(int group, long n) => GroupEvents.Snapshot(
        GroupJid(group),
        string.Create(CultureInfo.InvariantCulture, $"Grupo {group} ({n})"),
        [.. Enumerable.Range(0, shape.MembersPerGroup).Select(member => Member(group, member))]);

    private string MessageId(long n) => string.Create(CultureInfo.InvariantCulture, $"3EB0{seed:X6}{n:X12}");

    // splitmix64: any bit of the counter changes every bit of the result.
    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
