using System.Globalization;
using WhatsAppMesh.Collector;

namespace WhatsAppMesh.Mesh.Demo;

/// <summary>The people and groups of the demo, and what happens to them. All invented; the phones use an area code that does not exist.</summary>
internal sealed class DemoCast(DateTimeOffset now)
{
    public const string Tenant = "local";
    public const string Group = "120363000000000100@g.us";
    public const string LargeGroup = "120363000000001024@g.us";
    public const string PoisonGroup = "120363000000000666@g.us";
    public const int LargeSize = 1024;

    public static readonly GroupMember Ana = new("999000000000101@lid", "5500900000101@s.whatsapp.net", "superadmin");
    public static readonly GroupMember Bia = new("999000000000102@lid", "5500900000102@s.whatsapp.net");
    public static readonly GroupMember Caio = new("999000000000103@lid");
    public static readonly GroupMember Davi = new("999000000000104@lid", "5500900000104@s.whatsapp.net");

    /// <summary>Davi is in the group at this time, and no longer after it.</summary>
    public DateTimeOffset WhileDaviWasThere { get; } = now.AddMinutes(-90);

    /// <summary>Three hours ago Ana added Bia, Caio and Davi.</summary>
    public CollectorEvent Added => MessageEvents.MembershipStub(
        Group, Ana, "GROUP_PARTICIPANT_ADD", [Ana, Bia, Caio, Davi], Id("A"), now.AddHours(-3));

    /// <summary>One hour ago Davi left.</summary>
    public CollectorEvent Left => MessageEvents.MembershipStub(Group, Davi, "GROUP_PARTICIPANT_LEAVE", [Davi], Id("B"), now.AddHours(-1));

    /// <summary>The roster now.</summary>
    public CollectorEvent Roster => GroupEvents.Snapshot(Group, "Grupo de exemplo", [Ana, Bia, Caio]);

    public CollectorEvent Message(int number, string text) =>
        MessageEvents.Text(Group, Bia, Id(string.Create(CultureInfo.InvariantCulture, $"C{number}")), now.AddMinutes(-number), "Bia Exemplo", text);

    /// <summary>A message that could not be decrypted at first.</summary>
    public CollectorEvent Placeholder => MessageEvents.Placeholder(Group, Bia, Id("D"), now);

    /// <summary>Its text, under the same id.</summary>
    public CollectorEvent Decrypted => MessageEvents.Text(Group, Bia, Id("D"), now, "Bia Exemplo", "agora legível");

    /// <summary>A kind of event that nobody knows yet.</summary>
    public static CollectorEvent FutureKind => CollectorEvent.Create(
        "group.future-thing.update", Group, PayloadJson.Write(json => json.WriteString("id", Group)));

    /// <summary>A group as large as WhatsApp allows.</summary>
    public static CollectorEvent LargeRoster => GroupEvents.Snapshot(LargeGroup, "Grupo de 1024", [.. Enumerable.Range(0, LargeSize).Select(LargeMember)]);

    /// <summary>The group that the database will refuse.</summary>
    public static CollectorEvent PoisonRoster => GroupEvents.Snapshot(PoisonGroup, "Grupo recusado", [Ana, Bia]);

    private static GroupMember LargeMember(int i) => new(
        string.Create(CultureInfo.InvariantCulture, $"99900000{i:D7}@lid"),
        i % 4 == 3 ? null : string.Create(CultureInfo.InvariantCulture, $"55009{i:D8}@s.whatsapp.net"),
        i == 0 ? "superadmin" : i < 8 ? "admin" : null);

    private string Id(string name) => string.Create(CultureInfo.InvariantCulture, $"3EB0{now.ToUnixTimeSeconds():X10}{name}");
}
