namespace WhatsAppMesh.Ingest;

/// <summary>
/// The arrays of one append, kept from batch to batch. Equal dedup keys are merged here: the statement must not meet one twice.
/// </summary>
internal sealed class LakeBatch
{
    private readonly Dictionary<(int Tenant, Guid EventId, Guid Body), int> _rows = [];

    public List<int> Tenants { get; } = [];

    public List<Guid> EventIds { get; } = [];

    public List<Guid> BodyHashes { get; } = [];

    public List<Guid?> Observations { get; } = [];

    public List<Guid> Ids { get; } = [];

    public List<string> Sources { get; } = [];

    public List<string> Types { get; } = [];

    public List<string?> ChatJids { get; } = [];

    public List<string?> ParticipantJids { get; } = [];

    public List<string?> ParticipantAlts { get; } = [];

    public List<DateTime> OccurredAts { get; } = [];

    public List<string> OccurredAtSources { get; } = [];

    public List<DateTime> ReceivedAts { get; } = [];

    public List<string?> TraceParents { get; } = [];

    public List<bool> Imported { get; } = [];

    public List<bool> NeverRevised { get; } = [];

    public List<ReadOnlyMemory<byte>> Payloads { get; } = [];

    /// <summary>Rows that the statement gets.</summary>
    public int Count => EventIds.Count;

    /// <summary>Adds an event.</summary>
    /// <returns>Its row; the row of the first when an equal one was added before.</returns>
    public (int Row, bool IsFirst) Add(NewEvent item, int tenant)
    {
        // Requests of one batch come within seconds; imported observations may lie apart.
        var key = (tenant, item.EventId, item.IsImported ? item.Key.Hash : item.Key.Observation ?? item.Key.Hash);
        if (!_rows.TryAdd(key, Count))
            return (_rows[key], false);
        Tenants.Add(tenant);
        EventIds.Add(item.EventId);
        BodyHashes.Add(item.Key.Hash);
        Observations.Add(item.Key.Observation);
        Ids.Add(Guid.CreateVersion7(item.ImportedAt ?? item.ReceivedAt));
        Sources.Add(item.Source);
        Types.Add(item.Type);
        ChatJids.Add(item.ChatJid);
        ParticipantJids.Add(item.ParticipantJid);
        ParticipantAlts.Add(item.ParticipantAlt);
        OccurredAts.Add(item.Occurred.At.UtcDateTime);
        OccurredAtSources.Add(item.Occurred.Source);
        ReceivedAts.Add(item.ReceivedAt.UtcDateTime);
        TraceParents.Add(item.TraceParent);
        Imported.Add(item.IsImported);
        NeverRevised.Add(item.IsNeverRevised);
        Payloads.Add(item.Payload);
        return (Count - 1, true);
    }

    /// <summary>Empties the arrays and lets go of the payloads' memory.</summary>
    public void Clear()
    {
        _rows.Clear();
        Tenants.Clear();
        EventIds.Clear();
        BodyHashes.Clear();
        Observations.Clear();
        Ids.Clear();
        Sources.Clear();
        Types.Clear();
        ChatJids.Clear();
        ParticipantJids.Clear();
        ParticipantAlts.Clear();
        OccurredAts.Clear();
        OccurredAtSources.Clear();
        ReceivedAts.Clear();
        TraceParents.Clear();
        Imported.Clear();
        NeverRevised.Clear();
        Payloads.Clear();
    }
}

/// <summary>What became of an event.</summary>
/// <param name="IsNew">False: its id and body were known before.</param>
/// <param name="Log">Log it stands in.</param>
/// <param name="Position">Where it stands, new or known.</param>
/// <param name="Revision">Number of different bodies under its id before it; meaningless unless new.</param>
/// <param name="IsReuse">True: not stored, because its id has another body and takes no second one. Log and position mean nothing.</param>
internal readonly record struct StoredEvent(bool IsNew, int Log, long Position, int Revision, bool IsReuse = false);
