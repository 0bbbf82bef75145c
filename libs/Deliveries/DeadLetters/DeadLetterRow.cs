using Google.Protobuf.WellKnownTypes;
using Npgsql;
using WhatsAppMesh.DeadLetters.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>A row of <c>dead_letters</c> as the contract shows it, and the names of its states.</summary>
internal static class DeadLetterRow
{
    /// <summary>The columns that <see cref="Read"/> expects, in its order.</summary>
    public const string Columns =
        "id, tenant, log, position, event_id, revision, type, state, category, error, message, step, attempts, trace_id, first_failed_at, dead_at, settled_at, previous_id";

    public const string Open = "open";
    public const string Replayed = "replayed";
    public const string FailedAgain = "failed_again";
    public const string Discarded = "discarded";

    public static DeadLetter Read(NpgsqlDataReader reader)
    {
        var row = new DeadLetter
        {
            Id = reader.GetGuid(0).ToString(),
            Tenant = reader.GetString(1),
            Log = reader.GetInt32(2),
            Position = reader.GetInt64(3),
            EventId = reader.GetString(4),
            Revision = reader.GetInt32(5),
            Type = reader.GetString(6),
            State = StateOf(reader.GetString(7)),
            Category = reader.GetString(8),
            Error = reader.GetString(9),
            Message = reader.GetString(10),
            Step = reader.GetString(11),
            Attempts = reader.GetInt32(12),
            TraceId = reader.GetString(13),
            FirstFailedAt = Timestamp.FromDateTime(reader.GetDateTime(14)),
            DeadAt = Timestamp.FromDateTime(reader.GetDateTime(15)),
        };
        if (!reader.IsDBNull(16))
            row.SettledAt = Timestamp.FromDateTime(reader.GetDateTime(16));
        if (!reader.IsDBNull(17))
            row.PreviousId = reader.GetGuid(17).ToString();
        return row;
    }

    /// <summary>The stored name of a state; an unset state means open.</summary>
    public static string NameOf(State state) => state switch
    {
        State.Replayed => Replayed,
        State.FailedAgain => FailedAgain,
        State.Discarded => Discarded,
        State.Open or State.Unspecified => Open,
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "Not a state of the contract."),
    };

    public static State StateOf(string name) => name switch
    {
        Replayed => State.Replayed,
        FailedAgain => State.FailedAgain,
        Discarded => State.Discarded,
        Open => State.Open,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "Not a state that is stored."),
    };
}
