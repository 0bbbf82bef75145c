using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Evolution API's <c>date_time</c>: when it wrote the event, as the wall clock of its own time zone with a <c>Z</c> behind it
/// (2.3.6, src/api/services/channel.service.ts subtracts <c>getTimezoneOffset()</c> before <c>toISOString()</c>; its image runs in
/// <c>America/Sao_Paulo</c>, three hours behind UTC).
/// </summary>
internal static class SenderClock
{
    /// <summary>Source of a time that is the sender's: of the telling, not of what is told.</summary>
    public const string Source = "date_time";

    private static readonly TimeSpan Quarter = TimeSpan.FromMinutes(15);

    // A clock may run ahead by this much before it is taken for a zone further east.
    private static readonly TimeSpan Ahead = TimeSpan.FromMinutes(2);

    // Offsets of the world's time zones from UTC.
    private static readonly TimeSpan West = TimeSpan.FromHours(-12);
    private static readonly TimeSpan East = TimeSpan.FromHours(14);

    /// <summary>
    /// The time of writing. Zones lie whole quarters of an hour from UTC and a post arrives soon after it was written, so what is left when
    /// quarters are taken off the difference is the delay: exact up to 13 minutes, after that too late by whole quarters, never later than the
    /// receipt. A difference that no zone explains is an old body that somebody posts again; it is taken by its <c>Z</c>, wrong by at most
    /// a zone. Null when there is no such time.
    /// </summary>
    public static DateTimeOffset? Read(JsonElement value, DateTimeOffset receivedAt)
    {
        if (value.ValueKind != JsonValueKind.String || WireTime.Read(value) is not { } written)
            return null;
        var quarters = Math.Floor((written - receivedAt - Ahead) / Quarter) + 1;
        var offset = Quarter * quarters;
        var at = offset >= West && offset <= East ? written - offset : written;
        return at < receivedAt ? at : at - receivedAt <= Ahead ? receivedAt : null;
    }
}
