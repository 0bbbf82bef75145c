using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Membership.Events;

/// <summary>Every reader, by event type.</summary>
public static class EventReaders
{
    private static readonly Dictionary<string, IEventReader> ByType = All().SelectMany(reader => reader.Types, KeyValuePair.Create)
        .ToDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);

    /// <summary>Event types that say anything about groups and people.</summary>
    public static IReadOnlyCollection<string> Types => ByType.Keys;

    /// <summary>True when there is a reader for the type.</summary>
    public static bool Reads(string type) => ByType.ContainsKey(type);

    /// <summary>The reader of a type, for engines that pass events on in an envelope of their own.</summary>
    internal static IEventReader ReaderOf(string type) => ByType[type];

    /// <summary>What the events say, in their order. Types without a reader say nothing.</summary>
    /// <param name="events">All of them imported, or none.</param>
    /// <exception cref="WhatsAppMesh.Deliveries.PoisonException">One of them can never be understood.</exception>
    public static Observations Read(IEnumerable<CollectedEvent> events)
    {
        var observations = new Observations();
        foreach (var source in events)
        {
            if (!ByType.TryGetValue(source.Type, out var reader))
                continue;
            var observed = ObservedEvent.Open(source, out var document);
            var told = observations.Joins.Count;
            using (document)
                reader.Read(observed, observations);
            if (source.Imported)
                observations.TakeAsAnnounced(source, told);
        }
        return observations;
    }

    private static IEnumerable<IEventReader> All() => typeof(EventReaders).Assembly.GetTypes()
        .Where(type => type.IsClass && typeof(IEventReader).IsAssignableFrom(type))
        .Select(type => (IEventReader)Activator.CreateInstance(type)!);
}
