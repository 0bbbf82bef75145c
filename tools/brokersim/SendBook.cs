using System.Security.Cryptography;

namespace WhatsAppMesh.BrokerSim;

/// <summary>What became of one send request.</summary>
public enum SendVerdict
{
    /// <summary>A message left: this is what must happen once per key.</summary>
    Sent,

    /// <summary>The key was known: no second message left.</summary>
    Recognised,

    /// <summary>No message left.</summary>
    Refused,
}

/// <summary>One send request as the broker saw it.</summary>
/// <param name="Key">Its <c>Idempotency-Key</c>; null when it had none.</param>
/// <param name="Instance">The instance asked.</param>
/// <param name="BodyHash">SHA-256 of the body, hex.</param>
/// <param name="Body">The body as received.</param>
/// <param name="Verdict">What became of it.</param>
/// <param name="At">When it came in.</param>
/// <param name="Traceparent">The trace it belongs to; empty when none was told.</param>
public sealed record SeenSend(string? Key, string Instance, string BodyHash, string Body, SendVerdict Verdict, DateTimeOffset At, string Traceparent);

/// <summary>The counts over all sends.</summary>
/// <param name="Requests">Send requests seen, whatever became of them.</param>
/// <param name="Sent">Messages that left.</param>
/// <param name="Keys">Different keys under which a message left.</param>
/// <param name="Doubled">Keys under which more than one message left.</param>
/// <param name="Recognised">Requests recognised by their key.</param>
/// <param name="Refused">Requests refused.</param>
/// <param name="Conflicts">Keys that came with more than one body.</param>
public sealed record SendCounts(int Requests, int Sent, int Keys, int Doubled, int Recognised, int Refused, int Conflicts);

/// <summary>Records every send and, when the broker remembers keys, recognises those it has seen.</summary>
public sealed class SendBook(bool remembersKeys, TimeSpan window, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly List<SeenSend> _sends = [];
    private readonly Dictionary<string, (string Id, DateTimeOffset At)> _remembered = [];

    /// <summary>Whether keys are remembered from now on.</summary>
    public bool RemembersKeys { get; set; } = remembersKeys;

    /// <summary>All sends, in the order they came in.</summary>
    public IReadOnlyList<SeenSend> All
    {
        get
        {
            lock (_lock)
                return [.. _sends];
        }
    }

    /// <summary>The counts now.</summary>
    public SendCounts Count()
    {
        var sends = All;
        var left = sends.Where(static s => s.Verdict == SendVerdict.Sent).ToList();
        var byKey = left.Where(static s => s.Key is not null).GroupBy(static s => s.Key).ToList();
        return new SendCounts(
            sends.Count,
            left.Count,
            byKey.Count,
            byKey.Count(static key => key.Count() > 1),
            sends.Count(static s => s.Verdict == SendVerdict.Recognised),
            sends.Count(static s => s.Verdict == SendVerdict.Refused),
            sends.Where(static s => s.Key is not null).GroupBy(static s => s.Key).Count(static key => key.Select(static s => s.BodyHash).Distinct().Count() > 1));
    }

    /// <summary>Takes a send: it leaves, unless its key is known. The answer under a known key is that of the first.</summary>
    /// <returns>The message's id.</returns>
    public string Accept(string? key, string instance, byte[] body, string traceparent)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (RemembersKeys && key is not null && _remembered.TryGetValue(key, out var known) && now - known.At < window)
            {
                Add(key, instance, body, SendVerdict.Recognised, now, traceparent);
                return known.Id;
            }

            var id = "3EB0" + RandomNumberGenerator.GetHexString(18);
            if (key is not null)
                _remembered[key] = (id, now);
            Add(key, instance, body, SendVerdict.Sent, now, traceparent);
            return id;
        }
    }

    /// <summary>Notes a send that was refused.</summary>
    public void Refuse(string? key, string instance, byte[] body, string traceparent)
    {
        lock (_lock)
            Add(key, instance, body, SendVerdict.Refused, time.GetUtcNow(), traceparent);
    }

    /// <summary>Forgets sends and keys.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _sends.Clear();
            _remembered.Clear();
        }
    }

    private void Add(string? key, string instance, byte[] body, SendVerdict verdict, DateTimeOffset at, string traceparent) =>
        _sends.Add(new SeenSend(key, instance, Convert.ToHexStringLower(SHA256.HashData(body)), System.Text.Encoding.UTF8.GetString(body), verdict, at, traceparent));
}
