using System.Text.Json.Serialization;

namespace WhatsAppMesh.Dispatch.Leads;

/// <summary>A value that a lead's event told, and where in the timeline.</summary>
internal sealed record LeadFact(
    [property: JsonPropertyName("v")] string Value,
    [property: JsonPropertyName("at")] DateTimeOffset At,
    [property: JsonPropertyName("log")] int Log,
    [property: JsonPropertyName("pos")] long Position)
{
    /// <summary>True when this one is the newer.</summary>
    public bool IsAfter(LeadFact other) => (At, Log, Position).CompareTo((other.At, other.Log, other.Position)) > 0;
}

/// <summary>What is known of a lead by field: <c>name</c>, <c>phone</c>, <c>attributes.NAME</c>. Per field the newest value, whatever came first.</summary>
internal sealed class LeadFacts : Dictionary<string, LeadFact>
{
    /// <summary>No facts.</summary>
    public LeadFacts()
        : base(StringComparer.Ordinal)
    {
    }

    /// <summary>Takes over what is newer.</summary>
    public void Merge(IReadOnlyDictionary<string, LeadFact> facts)
    {
        foreach (var (field, fact) in facts)
        {
            if (!TryGetValue(field, out var known) || fact.IsAfter(known))
                this[field] = fact;
        }
    }
}

/// <summary>JSON of the column <c>facts</c>.</summary>
[JsonSerializable(typeof(LeadFacts))]
internal sealed partial class LeadJson : JsonSerializerContext;
