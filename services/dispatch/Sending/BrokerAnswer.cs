using System.Globalization;
using System.Text.Json;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>How a call to the broker ended, before anybody thought about it.</summary>
/// <param name="Status">HTTP status; null when there was no answer at all.</param>
/// <param name="Body">The answer's body.</param>
/// <param name="RetryAfter">Its <c>Retry-After</c>.</param>
/// <param name="NothingLeft">No answer, and certainly because no byte of the request was sent.</param>
public sealed record BrokerReply(int? Status, string Body = "", TimeSpan? RetryAfter = null, bool NothingLeft = false);

/// <summary>What the end of a call means.</summary>
public enum BrokerVerdict
{
    /// <summary>The broker took the message.</summary>
    Sent,

    /// <summary>The instance is not connected to WhatsApp.</summary>
    Offline,

    /// <summary>The sidecar's circuit breaker let no call through.</summary>
    CircuitOpen,

    /// <summary>Too fast.</summary>
    Throttled,

    /// <summary>May go better next time.</summary>
    Transient,

    /// <summary>Will never go better.</summary>
    Permanent,

    /// <summary>Nothing that a broker should answer.</summary>
    Unknown,
}

/// <summary>What the end of a call to the broker means: decided here and nowhere else.</summary>
/// <param name="Verdict">What it means.</param>
/// <param name="MayHaveLeft">The message may be on its way although the call did not succeed.</param>
/// <param name="ExternalId">The broker's id of the message, if it told one.</param>
/// <param name="RetryAfter">When to come back, as the broker asked.</param>
/// <param name="Error">What went wrong in a few words, without anything of the message.</param>
/// <param name="RefusesMessage">It is the message that the broker will not take, not its sender, its key or the moment.</param>
public sealed record BrokerAnswer(
    BrokerVerdict Verdict, bool MayHaveLeft, string? ExternalId = null, TimeSpan? RetryAfter = null, string? Error = null, bool RefusesMessage = false)
{
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromHours(24);

    // What Go and .NET say when a connection did not come about, and Dapr when it knows no such endpoint: the request stayed here.
    private static readonly string[] NothingLeftTexts =
    [
        "connection refused", "dial tcp", "no such host", "name or service not known", "no route to host",
        "no host found", "failed to resolve address", "couldn't find service",
    ];

    // Half open, with a trial under way, the breaker says the second.
    private static readonly string[] BreakerTexts = ["circuit breaker is open", "too many requests"];

    private static readonly string[] Envelopes = ["data", "result", "payload", "message", "response"];
    private static readonly string[] IdNames = ["externalId", "external_id", "messageId", "message_id", "id"];

    /// <summary>The category of <c>contracts.md</c>; null when the message was sent or was only put off.</summary>
    public string? Category => Verdict switch
    {
        BrokerVerdict.Throttled => "throttled",
        BrokerVerdict.Transient => "transient",
        BrokerVerdict.Permanent => "permanent",
        BrokerVerdict.Unknown => "unknown",
        _ => null,
    };

    /// <summary>Reads the end of a call.</summary>
    public static BrokerAnswer Read(BrokerReply reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        if (reply.Status is not { } status)
            return new(BrokerVerdict.Transient, !reply.NothingLeft, Error: reply.NothingLeft ? "the sidecar was not reached" : "no answer in time");

        var body = Parse(reply.Body);
        if (status == 500 && Text(body, "errorCode") == "ERR_DIRECT_INVOKE")
            return OfSidecar(Text(body, "message") ?? "");

        return status switch
        {
            // A page where an answer should be: a proxy's, or that of a login to which somebody redirected the call. No broker wrote it.
            >= 200 and < 300 when !IsBrokers(reply.Body, body) => new(BrokerVerdict.Unknown, MayHaveLeft: true, Error: $"{Said(status, null)} without JSON"),
            >= 200 and < 300 => new(BrokerVerdict.Sent, MayHaveLeft: true, FindId(body)),
            409 when ErrorCode(body) is "SESSION_DISCONNECTED" or "INSTANCE_DISCONNECTED" => new(BrokerVerdict.Offline, false, Error: Said(status, body)),
            429 => new(BrokerVerdict.Throttled, false, RetryAfter: Bound(reply.RetryAfter), Error: Said(status, body)),
            408 or >= 500 and < 600 => new(BrokerVerdict.Transient, MayHaveLeft: true, RetryAfter: Bound(reply.RetryAfter), Error: Said(status, body)),
            >= 400 and < 500 => new(BrokerVerdict.Permanent, false, Error: Said(status, body), RefusesMessage: status is 400 or 413 or 415 or 422),
            _ => new(BrokerVerdict.Unknown, MayHaveLeft: true, Error: Said(status, body)),
        };
    }

    /// <summary>The error's code, wherever brokers put it; null when there is none.</summary>
    public static string? ErrorCode(string body) => ErrorCode(Parse(body));

    /// <summary>The sidecar's own 500 says that the call itself failed: no connection, a reset, no answer in time, or an open breaker.</summary>
    private static BrokerAnswer OfSidecar(string message)
    {
        if (BreakerTexts.Any(text => message.Contains(text, StringComparison.OrdinalIgnoreCase)))
            return new(BrokerVerdict.CircuitOpen, false, Error: "the circuit breaker is open");
        var nothingLeft = NothingLeftTexts.Any(text => message.Contains(text, StringComparison.OrdinalIgnoreCase));
        return new(BrokerVerdict.Transient, !nothingLeft, Error: nothingLeft ? "the broker was not reached" : "the call to the broker failed");
    }

    private static string? FindId(JsonElement? body, int depth = 0)
    {
        if (body is not { ValueKind: JsonValueKind.Object } answer || depth > 4)
            return null;
        foreach (var name in IdNames)
        {
            if (Text(answer, name) is { Length: > 0 and <= 200 } id && !id.Any(char.IsControl))
                return id;
        }

        foreach (var name in Envelopes)
        {
            if (FindId(Member(answer, name), depth + 1) is { } id)
                return id;
        }

        return null;
    }

    private static string? ErrorCode(JsonElement? body)
    {
        if (body is not { ValueKind: JsonValueKind.Object } answer)
            return null;
        return Member(answer, "error") is { ValueKind: JsonValueKind.Object } error ? Text(error, "code") : Text(answer, "code");
    }

    private static string Said(int status, JsonElement? body)
    {
        var code = ErrorCode(body);
        var known = code is { Length: > 0 and <= 60 } && code.All(static c => char.IsAsciiLetterUpper(c) || c == '_');
        return known ? string.Create(CultureInfo.InvariantCulture, $"{status} {code}") : status.ToString(CultureInfo.InvariantCulture);
    }

    private static TimeSpan? Bound(TimeSpan? wait) => wait is { } given ? TimeSpan.FromTicks(Math.Clamp(given.Ticks, 0, LongestRetryAfter.Ticks)) : null;

    private static bool IsBrokers(string text, JsonElement? body) =>
        string.IsNullOrWhiteSpace(text) || body is { ValueKind: JsonValueKind.Object or JsonValueKind.Array or JsonValueKind.Null };

    private static string? Text(JsonElement? json, string name) => Member(json, name) is { ValueKind: JsonValueKind.String } text ? Readable(text) : null;

    private static JsonElement? Member(JsonElement? json, string name)
    {
        try
        {
            return json is { ValueKind: JsonValueKind.Object } found && found.TryGetProperty(name, out var value) ? value : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    // Half a surrogate pair, escaped, is JSON but no text.
    private static string? Readable(JsonElement text)
    {
        try
        {
            return text.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static JsonElement? Parse(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
