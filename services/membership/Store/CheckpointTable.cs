using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Store;

/// <summary>
/// Reads and writes group_checkpoints: the fold of a group as it stood at some fact, so that a fact that comes a little late need not
/// fold the whole past again. A fact from before it, or a change of who is who in the group, makes a checkpoint worthless.
/// </summary>
internal sealed class CheckpointTable
{
    private readonly Dictionary<long, Dictionary<string, MemberState>> _loaded = [];
    private readonly List<(long Group, CheckpointMark Mark, string Members)> _made = [];
    private readonly List<long> _dropped = [];

    /// <summary>Loads the checkpoints of the groups.</summary>
    public void Load(RoundTrip trip, long[] groups)
    {
        if (groups.Length == 0)
            return;
        trip.Read("select group_id, members from group_checkpoints where group_id = any($1)",
            row => _loaded[row.GetInt64(0)] = StateText.Read(row.GetString(1)), groups);
    }

    /// <summary>The states of a loaded checkpoint; the caller may change them.</summary>
    public Dictionary<string, MemberState> Of(long group) => _loaded[group];

    /// <summary>Takes the state of a fold right after the newest fact of the mark.</summary>
    public void Make(long group, CheckpointMark mark, IReadOnlyDictionary<string, MemberState> members) => _made.Add((group, mark, StateText.Write(members)));

    /// <summary>Drops a checkpoint that is worth nothing any more.</summary>
    public void Drop(long group) => _dropped.Add(group);

    /// <summary>Writes what was made and dropped.</summary>
    public void Save(RoundTrip trip)
    {
        if (_dropped.Count > 0)
            trip.Run("delete from group_checkpoints where group_id = any($1)", _dropped.Order().ToArray());
        if (_made.Count == 0)
            return;
        var rows = _made.OrderBy(static row => row.Group).ToArray();
        trip.Run("""
            insert into group_checkpoints (group_id, order_at, log, position, ordinal, members, received_until)
            select * from unnest($1::bigint[], $2::timestamptz[], $3::int[], $4::bigint[], $5::int[], $6::text[], $7::timestamptz[])
            on conflict (group_id) do update set order_at = excluded.order_at, log = excluded.log, position = excluded.position,
                ordinal = excluded.ordinal, members = excluded.members, received_until = excluded.received_until
            """,
            rows.Select(static row => row.Group).ToArray(), rows.Select(static row => row.Mark.Key.OrderAt).ToArray(), rows.Select(static row => row.Mark.Key.Log).ToArray(),
            rows.Select(static row => row.Mark.Key.Position).ToArray(), rows.Select(static row => row.Mark.Key.Ordinal).ToArray(), rows.Select(static row => row.Members).ToArray(),
            rows.Select(static row => row.Mark.ReceivedUntil).ToArray());
    }
}
