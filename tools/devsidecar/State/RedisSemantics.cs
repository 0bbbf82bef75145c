using System.Globalization;

namespace WhatsAppMesh.DevSidecar.State;

/// <summary>
/// state.redis: the ETag counts the writes of a key; an ETag on an absent key creates it; a key once written first-write refuses every
/// later save without its ETag, even after a last-write; a save without a TTL keeps the TTL; a failed transaction keeps the operations
/// that passed, and its saves leave no first-write mark.
/// </summary>
internal sealed class RedisSemantics(int? defaultTtlSeconds) : IStateSemantics
{
    private const int KeepTtl = int.MinValue;

    private const string SaveSql =
        """
        insert into sidecar.state as s (store, key, value, first_write, expires_at)
        values ($1, $2, $3, $5, case when $6 > 0 then now() + make_interval(secs => $6) end)
        on conflict (store, key) do update set
            value = excluded.value, updated_at = now(),
            version     = case when s.expires_at <= now() then 1 else s.version + 1 end,
            first_write = case when s.expires_at <= now() then excluded.first_write else s.first_write or excluded.first_write end,
            expires_at  = case when $6 = -2147483648 and s.expires_at > now() then s.expires_at else excluded.expires_at end
        where s.expires_at <= now() or s.version = $4 or ($4 = 0 and not s.first_write)
        returning true
        """;

    // An absent key is as good as deleted, so only a live row that was not deleted is a refusal.
    private const string DeleteSql =
        $"""
        with gone as (
            delete from sidecar.state s where store = $1 and key = $2 and ($3 = 0 or version = $3 or not {StateRules.Live}) returning 1)
        select exists (select from gone) or not exists (select from sidecar.state where store = $1 and key = $2)
        """;

    public string ETagColumn => "s.version::text";

    public bool TellsExpiry => false;

    public bool AtomicTransactions => false;

    public StateStatement Plan(string store, string key, StateOperation operation, bool inTransaction)
    {
        StateRules.CheckOptions(operation.Item);
        var item = operation.Item;
        var etag = ReadETag(item);
        if (operation.Delete)
            return new StateStatement(DeleteSql, [store, key, etag], Refused($"failed to delete {key}", etagGiven: item.HasETag, inTransaction));

        var ttl = StateRules.ReadTtl(item, "failed to parse ttl from metadata: ") ?? defaultTtlSeconds ?? KeepTtl;
        var refusal = Refused($"failed to set key {key}", etagGiven: item.HasETag, inTransaction);
        return new StateStatement(SaveSql, [store, key, item.Value, etag, item.IsFirstWrite && !inTransaction, ttl], refusal);
    }

    private static StateException Refused(string message, bool etagGiven, bool inTransaction) =>
        etagGiven && !inTransaction ? StateException.Mismatch(message) : new StateException(StateFailure.Other, message);

    // 0 stands for "none"; an ETag with last-write is read and then ignored.
    private static long ReadETag(StateItem item)
    {
        if (!item.HasETag)
            return 0;
        if (!long.TryParse(item.ETag, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var version))
            throw new StateException(StateFailure.ETagInvalid, $"invalid etag value: \"{item.ETag}\" is not a number");
        return item.IsLastWrite ? 0 : version;
    }
}
