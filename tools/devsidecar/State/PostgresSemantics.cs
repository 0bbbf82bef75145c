using System.Text;

namespace WhatsAppMesh.DevSidecar.State;

/// <summary>
/// state.postgresql v2: the ETag is a random UUID per write; a save with an ETag only updates; a first-write save without an ETag
/// only inserts, and its refusal is an ordinary error, not an ETag error; a save without a TTL clears the TTL; transactions are atomic.
/// </summary>
internal sealed class PostgresSemantics : IStateSemantics
{
    private const string Written = "value = excluded.value, etag = gen_random_uuid(), expires_at = excluded.expires_at, updated_at = now()";

    /// <summary>What daprd's PostgreSQL says of a value without bytes, which reaches it as null.</summary>
    private const string NoValue = "ERROR: null value in column \"value\" of relation \"state\" violates not-null constraint (SQLSTATE 23502)";

    // The last parameter is the TTL in seconds; 0 means none.
    private const string Insert =
        "insert into sidecar.state as s (store, key, value, expires_at) values ($1, $2, $3, now() + make_interval(secs => nullif($4, 0)))";

    public string ETagColumn => "s.etag::text";

    public bool TellsExpiry => true;

    public bool AtomicTransactions => true;

    public bool ListsFoundFirst => true;

    public string? QueryRefusal => null;

    public StateStatement Plan(string store, string key, StateOperation operation, bool inTransaction)
    {
        StateRules.CheckOptions(operation.Item);
        return operation.Delete ? PlanDelete(store, key, operation.Item) : PlanSave(store, key, operation.Item);
    }

    private static StateStatement PlanDelete(string store, string key, StateItem item) => item.HasETag
        ? new StateStatement(
            $"delete from sidecar.state s where store = $1 and key = $2 and etag = $3 and {StateRules.Live} returning true",
            [store, key, ReadETag(item.ETag!)],
            StateException.Mismatch())
        : new StateStatement("delete from sidecar.state where store = $1 and key = $2 returning true", [store, key], Refusal: null);

    private static StateStatement PlanSave(string store, string key, StateItem item)
    {
        var ttl = ReadTtl(item);
        var etag = item.HasETag ? ReadETag(item.ETag!) : Guid.Empty;
        if (item.Value.Length == 0)
            throw new StateException(StateFailure.Other, NoValue);
        if (item.HasETag)
        {
            return new StateStatement(
                $"""
                update sidecar.state s set value = $3, etag = gen_random_uuid(), expires_at = now() + make_interval(secs => nullif($4, 0)), updated_at = now()
                where store = $1 and key = $2 and etag = $5 and {StateRules.Live} returning true
                """,
                [store, key, item.Value, ttl, etag],
                StateException.Mismatch());
        }

        return item.IsFirstWrite
            ? new StateStatement(
                $"{Insert} on conflict (store, key) do update set {Written}, created_at = now() where not {StateRules.Live} returning true",
                [store, key, item.Value, ttl],
                new StateException(StateFailure.Other, "no item was updated"))
            : new StateStatement($"{Insert} on conflict (store, key) do update set {Written} returning true", [store, key, item.Value, ttl], Refusal: null);
    }

    private static int ReadTtl(StateItem item)
    {
        const string What = "error parsing TTL: incorrect value for metadata 'ttlInSeconds': ";
        var ttl = StateRules.ReadTtl(item, What) ?? 0;
        return ttl >= -1 ? Math.Max(ttl, 0) : throw new StateException(StateFailure.Other, What + "must be -1 or greater");
    }

    /// <summary>Reads a UUID in the forms that daprd's parser knows: plain, bare, in braces, as a URN.</summary>
    private static Guid ReadETag(string etag)
    {
        const string Urn = "urn:uuid:";
        var length = Encoding.UTF8.GetByteCount(etag);
        var digits = length switch
        {
            36 or 32 => etag,
            38 => etag[1..^1],
            45 when etag.StartsWith(Urn, StringComparison.OrdinalIgnoreCase) => etag[Urn.Length..],
            45 => throw StateException.Mismatch($"invalid urn prefix: \"{etag[..Urn.Length]}\""),
            _ => throw StateException.Mismatch($"invalid UUID length: {length}"),
        };
        return Guid.TryParseExact(digits, digits.Length == 32 ? "N" : "D", out var value) ? value : throw StateException.Mismatch("invalid UUID format");
    }
}
