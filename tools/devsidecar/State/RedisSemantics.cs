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
            delete from sidecar.state s where store = $1 and key = $2 and ($3 = '0' or version::text = $3 or not {StateRules.Live}) returning 1)
        select exists (select from gone) or not exists (select from sidecar.state where store = $1 and key = $2)
        """;

    public string ETagColumn => "s.version::text";

    public bool TellsExpiry => false;

    public bool AtomicTransactions => false;

    public bool ListsFoundFirst => false;

    public string? QueryRefusal => "redis-json server support is required for query capability";

    public StateStatement Plan(string store, string key, StateOperation operation, bool inTransaction)
    {
        var item = operation.Item;
        if (!inTransaction)
            StateRules.CheckOptions(item);
        if (operation.Delete)
        {
            // The script compares texts: an ETag that is no number is simply a wrong one.
            var given = item.HasETag ? item.ETag! : "0";
            return new StateStatement(DeleteSql, [store, key, given], DeleteRefused(key, inTransaction));
        }

        var etag = ReadETag(item);
        var ttl = StateRules.ReadTtl(item, "failed to parse ttl from metadata: ") ?? defaultTtlSeconds ?? KeepTtl;
        var refusal = SaveRefused(key, item.HasETag, inTransaction);
        return new StateStatement(SaveSql, [store, key, item.Value, etag, item.IsFirstWrite && !inTransaction, ttl], refusal);
    }

    // In the words of the scripts that daprd runs on Redis; their hashes are part of the words.
    private static StateException SaveRefused(string key, bool etagGiven, bool inTransaction)
    {
        var said = $"ERR user_script:14: failed to set key {key} script: d908b9553add63a82e03589b5c6d01a7654ef0f2, on @user_script:14.";
        return inTransaction ? new StateException(StateFailure.Other, said)
            : etagGiven ? StateException.Mismatch(said)
            : new StateException(StateFailure.Other, $"failed to set key {key}: {said}");
    }

    private static StateException DeleteRefused(string key, bool inTransaction)
    {
        var said = $"ERR user_script:6: failed to delete {key} script: 2446db0de2c963f100727b388f03ead01d18c265, on @user_script:6.";
        return inTransaction ? new StateException(StateFailure.Other, said) : StateException.Mismatch(said);
    }

    // 0 stands for "none": with last-write the ETag is not even read.
    private static long ReadETag(StateItem item)
    {
        if (!item.HasETag || item.IsLastWrite)
            return 0;
        return long.TryParse(item.ETag, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var version)
            ? version
            : throw new StateException(StateFailure.ETagInvalid, $"invalid etag value: {GoNumberErrors.ParseInt("Atoi", item.ETag!)}");
    }
}
