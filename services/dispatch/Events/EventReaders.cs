using System.Globalization;
using System.Text.Json;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Dispatch.Leads;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Dispatch.Events;

/// <summary>Reads the events that may start jobs.</summary>
internal static class EventReaders
{
    private const string StageChanged = "lead.stage_changed";
    private const string TriggerFired = "trigger.fired";
    private const string MemberJoined = "member.joined";
    private const int MaxFact = 4096;

    /// <summary>True for the types that <see cref="Read"/> reads.</summary>
    public static bool Reads(string type) => type is StageChanged or TriggerFired or MemberJoined;

    /// <summary>Reads a batch.</summary>
    /// <exception cref="PoisonException">An event is not what its type promises.</exception>
    public static CauseEvents Read(IReadOnlyList<CollectedEvent> events)
    {
        var read = new CauseEvents();
        foreach (var one in events)
        {
            if (!Guid.TryParse(one.EventId, out var id))
                throw Poison("the event id is not a UUID");
            using var document = Parse(one);
            var payload = document.RootElement;
            if (one.Type == StageChanged)
                read.StageChanges.Add(ReadStageChange(one, id, payload));
            else if (one.Imported)
                continue;
            else
                read.Causes.Add(one.Type == TriggerFired ? ReadTrigger(one, id, payload) : ReadJoin(one, id, payload));
        }

        return read;
    }

    private static StageChange ReadStageChange(CollectedEvent one, Guid id, JsonElement payload)
    {
        if (Text(payload, "lead_id") is not { } lead || !payload.TryGetProperty("body", out var body) || Text(body, "stage_id") is not { } stage)
            throw Poison("the stage change does not say which lead came into which stage");

        // A CRM posts when it happens: a change without a time of its own happened when it was received.
        var at = one.OccurredAt.ToDateTimeOffset();
        var change = new StageEvent(
            id, one.Revision, at, one.Log, one.Position, stage, one.Revision == 0 ? id.ToString() : $"{id}.{one.Revision}", one.ReceivedAt.ToDateTimeOffset(), one.Imported);
        return new StageChange(new LeadKey(one.Tenant, lead), change, ReadFacts(body, value => new LeadFact(value, at, one.Log, one.Position)));
    }

    private static Dictionary<string, LeadFact> ReadFacts(JsonElement body, Func<string, LeadFact> fact)
    {
        var facts = new Dictionary<string, LeadFact>();
        foreach (var name in (string[])["name", "phone"])
        {
            // A pseudonym says that there was a phone once, and nothing can be sent there.
            if (Fact(body, name) is { } value && !Person.IsPseudonym(value))
                facts[name] = fact(name == "phone" ? Phone(body, value) : value);
        }

        if (body.TryGetProperty("attributes", out var attributes) && attributes.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in attributes.EnumerateObject())
            {
                if (Fact(attributes, member.Name) is { Length: <= MaxFact } value)
                    facts[$"attributes.{member.Name}"] = fact(value);
            }
        }

        return facts;
    }

    // A number where a text belongs, as tables write it: 12025550129.0 and 1.2025550129e10 are the same phone.
    private static string Phone(JsonElement body, string text) =>
        body.GetProperty("phone") is { ValueKind: JsonValueKind.Number } number && WireNumber.Read(number) is { } digits
            ? digits.ToString(CultureInfo.InvariantCulture)
            : text;

    private static Cause ReadTrigger(CollectedEvent one, Guid id, JsonElement payload)
    {
        if (Text(payload, "trigger_id") is not { } trigger)
            throw Poison("the event does not say which trigger fired");
        var body = payload.TryGetProperty("body", out var posted) ? posted.Clone() : default;
        return new Cause(
            one.Tenant, TriggerKind.TriggerFired, trigger, trigger, id.ToString(), new Subject(Trigger: trigger, Event: id.ToString()),
            one.ReceivedAt.ToDateTimeOffset(), one.Log, one.Position, body);
    }

    private static Cause ReadJoin(CollectedEvent one, Guid id, JsonElement payload)
    {
        var group = Jid.Parse(Text(payload, "group_jid") ?? one.ChatJid);
        var (lid, phone) = (Jid.Parse(Text(payload, "lid")), Jid.Parse(Text(payload, "phone_jid")));
        if (!group.IsGroup || (lid.IsEmpty && phone.IsEmpty))
            throw Poison("the announcement does not say who joined which group");
        return new Cause(
            one.Tenant, TriggerKind.MemberJoined, group.Value, id.ToString(), id.ToString(),
            new Subject(Group: group.Value, Lid: lid.IsEmpty ? null : lid.Value, Phone: phone.IsEmpty ? null : phone.Value, Event: id.ToString()),
            one.ReceivedAt.ToDateTimeOffset(), one.Log, one.Position, HappenedAt: one.OccurredAt.ToDateTimeOffset());
    }

    private static JsonDocument Parse(CollectedEvent one)
    {
        try
        {
            var document = JsonDocument.Parse(one.PayloadJson, new JsonDocumentOptions { MaxDepth = CollectedEventJson.MaxPayloadDepth });
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return document;
            document.Dispose();
            throw Poison("the payload is not an object");
        }
        catch (JsonException)
        {
            // The parser's message may quote the payload, which is personal data.
            throw Poison("the payload is not JSON, or nested too deep");
        }
    }

    private static string? Text(JsonElement element, string name) => Fact(element, name) is { Length: > 0 } text ? text : null;

    // An empty text says that there is no such thing (any more); null, that nothing is said about it.
    private static string? Fact(JsonElement element, string name)
    {
        if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out var value))
            return null;
        return value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!.Trim(),
            JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
            _ => null,
        };
    }

    private static PoisonException Poison(string reason) => new("read", reason);
}
