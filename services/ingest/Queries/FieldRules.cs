using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>Rules for texts and times that come over gRPC, where a client can send what PostgreSQL or a calendar cannot hold.</summary>
internal static class TextRules
{
    /// <summary>Rule of <see cref="IsTime"/>.</summary>
    public const string Time = "must be a time from year 1 to 9999, with 0 to 999999999 nanos";

    /// <summary>The rule that a text breaks; null when it breaks none.</summary>
    /// <param name="text">The text.</param>
    /// <param name="maxLength">Most characters (code points).</param>
    /// <param name="isRequired">True: an empty text breaks the rule.</param>
    public static string? BrokenBy(string text, int maxLength, bool isRequired = false) =>
        (isRequired && text.Length == 0) || EventReader.CharactersIn(text) > maxLength || text.Contains('\0')
            ? $"must have {(isRequired ? "1 to" : "at most")} {maxLength} characters, none of them NUL"
            : null;

    /// <summary>True when a time is absent or one that a calendar holds.</summary>
    public static bool IsTime(Timestamp? time) => time is null or { Seconds: >= -62_135_596_800 and <= 253_402_300_799, Nanos: >= 0 and < 1_000_000_000 };
}

/// <summary>What a payload must be.</summary>
internal static class PayloadRule
{
    /// <summary>The rule in words.</summary>
    public const string Text = "must be a JSON object or array";

    /// <summary>True for one JSON object or array that every consumer can parse.</summary>
    public static bool Holds(ReadOnlySpan<byte> payload)
    {
        try
        {
            var reader = new Utf8JsonReader(payload, new JsonReaderOptions { MaxDepth = CollectedEventJson.MaxPayloadDepth });
            if (!reader.Read() || reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
                return false;
            reader.Skip();
            return !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
