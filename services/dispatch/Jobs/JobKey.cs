using System.Security.Cryptography;
using System.Text;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Dispatch.Jobs;

/// <summary>
/// What a job is about, in one canonical text of opaque ids; a JID enters as a derived id. The same cause, automation and step always
/// give the same key, and a UNIQUE constraint makes it one job.
/// </summary>
internal static class JobKey
{
    /// <summary><c>{tenant}:{entity}:{trigger value}:{automation}:{step}:{occurrence}</c>.</summary>
    public static string Of(string tenant, string entity, string triggerValue, Guid automation, string step, string occurrence) =>
        string.Join(':', Escape(tenant), Escape(entity), Escape(triggerValue), automation.ToString(), Escape(step), Escape(occurrence));

    /// <summary>The same key for another occurrence, which is what it ends with.</summary>
    public static string Under(string key, string occurrence, string other) => key[..^Escape(occurrence).Length] + Escape(other);

    /// <summary>Key of a direct send, by the sender's own idempotency key.</summary>
    public static string OfDirect(string tenant, string instance, string idempotencyKey) =>
        string.Join(':', Escape(tenant), "direct", Escape(instance), Escape(idempotencyKey));

    /// <summary>Key of the row that takes over from a job on its n-th replay.</summary>
    public static string OfReplay(string key, int number) => $"{key}:replay:{number}";

    /// <summary>SHA-256 (hex) of a key: what the claim, the broker and the logs see of it.</summary>
    public static string Hash(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    /// <summary>An opaque id for a group, so that its JID is in no key.</summary>
    public static string OfGroup(string tenant, string groupJid) => DerivedId.Of($"group|{tenant}|{groupJid}").ToString();

    // Parts come from outside: none of them may end another.
    private static string Escape(string part) => part.Replace("%", "%25", StringComparison.Ordinal).Replace(":", "%3A", StringComparison.Ordinal);
}
