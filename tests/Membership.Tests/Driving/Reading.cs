using System.Text.Json.Nodes;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Tests.Driving;

/// <summary>Reads one event, and says what came out of it in short texts.</summary>
internal static class Reading
{
    /// <param name="payload">Its payload; <c>$g</c> stands for the group.</param>
    public static Observations Of(string type, string payload, string chat = Collector.GroupJid, DateTimeOffset? occurredAt = null)
    {
        var json = payload.Replace("$g", Collector.GroupJid, StringComparison.Ordinal);
        return EventReaders.Read([new Collector().Event(type, JsonNode.Parse(json)!, occurredAt, chat)]);
    }

    /// <summary>One of the design's samples, whole: what the lake keeps of an engine's webhook.</summary>
    public static Observations OfEnvelope(string type, string sample) => Of(type, File.ReadAllText(Samples.Path(sample)), "");

    /// <summary>A message in the group; its timestamp is 3 hours before it is received.</summary>
    public static Observations OfMessage(string members) => Of(
        "messages.upsert", $"{{\"key\":{{\"remoteJid\":\"$g\",\"id\":\"X\",\"participant\":\"1@lid\"}},\"messageTimestamp\":{Time(-3)},{members}}}");

    /// <summary>Epoch seconds some hours from when the collector's event is received.</summary>
    public static long Time(double hours) => Collector.Noon.AddHours(hours).ToUnixTimeSeconds();

    /// <summary>Facts as <c>kind hours people</c>, hours from reception.</summary>
    public static List<string> Facts(this Observations seen) => [.. seen.Facts.Select(static told =>
        $"{told.Fact.Kind} {Hours(told.Fact.At, told.Fact.IsUntimed)} {string.Join(' ', told.Fact.Entries.Select(static entry => entry.Jid))}".TrimEnd())];

    /// <summary>Changes of fields as <c>field hours value</c>; a value that is gone is <c>-</c>.</summary>
    public static List<string> Changes(this Observations seen) => [.. seen.FieldChanges.Select(static told =>
        $"{told.Change.Field} {Hours(told.Change.Key.OrderAt, told.Change.IsUntimed)} {told.Change.Value ?? "-"}")];

    /// <summary>Fields of snapshots as <c>field value</c>.</summary>
    public static Dictionary<GroupField, string?> State(this Observations seen) =>
        seen.Groups.SelectMany(static group => group.Fields).ToDictionary(static field => field.Field, static field => field.Value);

    /// <summary>Pairs as <c>phone=lid</c>, those of facts too, without repetition.</summary>
    public static List<string> AllPairs(this Observations seen)
    {
        var ofFacts = seen.Facts.SelectMany(static told => told.Fact.Entries).Where(static entry => entry is { Lid: not null, Phone: not null })
            .Select(static entry => (Phone: entry.Phone!, Lid: entry.Lid!));
        return [.. seen.Pairs.Select(static pair => (pair.Phone, pair.Lid)).Concat(ofFacts).Distinct().Select(static pair => $"{User(pair.Phone)}={User(pair.Lid)}")];
    }

    public static List<string> Names(this Observations seen) =>
        [.. seen.Usernames.Select(static name => $"{name.Person.Jid} {name.Username ?? "-"}").Distinct()];

    public static List<string> Seen(this Observations seen) =>
        [.. seen.Sightings.Select(static sighting => $"{sighting.Person.Jid} {Hours(sighting.At, false)} {sighting.PushName}".TrimEnd())];

    public static List<string> Silent(this Observations seen) => [.. seen.Silences.Select(static silence => $"{silence.Key.Label} {silence.Value}")];

    private static string Hours(DateTimeOffset at, bool isUntimed) => $"{(at - Collector.Noon).TotalHours:0.##}{(isUntimed ? "?" : "")}";

    private static string User(string jid) => jid[..jid.IndexOf('@', StringComparison.Ordinal)];
}
