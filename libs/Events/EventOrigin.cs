using System.Collections.Frozen;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Events;

/// <summary>
/// Through which door an event came, as its source says, and whose word counts for what. Ingest alone writes sources: a collector's is its
/// name, which holds no ':'; behind every other door the name follows the door's prefix. So a collector can post any type, and nobody who
/// acts on events takes that for the word of a trigger, a CRM or a service.
/// </summary>
public static class EventOrigin
{
    /// <summary>What a service of the mesh appended: <c>service:membership</c>.</summary>
    public const string Service = "service:";

    /// <summary>Webhooks of a trigger, by its id.</summary>
    public const string Trigger = "trigger:";

    /// <summary>A CRM.</summary>
    public const string Crm = "crm:";

    /// <summary>The message broker.</summary>
    public const string Broker = "broker:";

    /// <summary>WAHA.</summary>
    public const string Waha = "waha:";

    /// <summary>Evolution API and Evolution Go.</summary>
    public const string Evolution = "evolution:";

    // Who may tell the types that make somebody act; a prefix stands for everybody behind that door.
    private static readonly FrozenDictionary<string, string> Tellers = new Dictionary<string, string>
    {
        ["member.joined"] = $"{Service}membership",
        ["identity.linked"] = $"{Service}membership",
        ["identity.unlinked"] = $"{Service}membership",
        ["deadletter.discarded"] = Service,
        ["person.erased"] = $"{Service}ingest",
        ["trigger.fired"] = Trigger,
        ["lead.stage_changed"] = Crm,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The source, or the prefix of the sources, that may tell a type; null when anybody may.</summary>
    public static string? TellerOf(string type) => Tellers.GetValueOrDefault(type);

    /// <summary>True when the event's source may tell its type. Otherwise the type is as good as unknown: kept, accounted for, without effect.</summary>
    public static bool IsBelieved(CollectedEvent value) => TellerOf(value.Type) switch
    {
        null => true,
        [.., ':'] prefix => value.Source.StartsWith(prefix, StringComparison.Ordinal),
        var teller => value.Source == teller,
    };

    /// <summary>True when the name can stand in a source: one with a ':' would pass for another door's.</summary>
    public static bool IsName(string name) => name.Length > 0 && !name.Contains(':', StringComparison.Ordinal);
}
